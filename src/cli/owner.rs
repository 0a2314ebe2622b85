//! As whom commands work: the data folder has one owner, and what root left in it he could not read.

use super::{CliError, Global};
use nix::unistd::{AccessFlags, Uid, User, access, initgroups, setgid, setuid};
use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Makes a process of root one of the data folder's owner, and refuses somebody else who could not write
/// there. Has to come before any thread is started.
///
/// # Errors
/// With the command to give instead, or if the system refuses.
pub fn become_owner(global: &Global) -> Result<(), CliError> {
    let data = global.config()?.data;
    // A folder that is still to be made belongs to whoever makes it.
    let Ok(meta) = std::fs::metadata(&data) else { return Ok(()) };
    let (me, owner) = (Uid::effective(), Uid::from_raw(meta.uid()));
    if me == owner || owner.is_root() && me.is_root() {
        return Ok(());
    }
    let owner = User::from_uid(owner).ok().flatten();
    if !me.is_root() {
        let closed = access(&data, AccessFlags::W_OK).is_err();
        return if closed { Err(not_yours(&data, owner.as_ref())) } else { Ok(()) };
    }
    let Some(owner) = owner else { return Ok(()) };
    let name = CString::new(owner.name.as_str()).map_err(|e| CliError::Failed(e.to_string()))?;
    let failed =
        |e| CliError::Failed(format!("going on as {}, the owner of {}: {e}", owner.name, data.display()));
    initgroups(&name, owner.gid).map_err(failed)?;
    setgid(owner.gid).map_err(failed)?;
    setuid(owner.uid).map_err(failed)?;
    tracing::debug!(user = owner.name, "going on as the owner of the data folder");
    Ok(())
}

fn not_yours(data: &Path, owner: Option<&User>) -> CliError {
    let name = owner.map_or("kinora", |o| o.name.as_str());
    CliError::Failed(format!("{} belongs to {name}: sudo -u {name} kinora …", data.display()))
}

//! Tells systemd how the process is: ready, stopping, still alive. Without systemd nothing happens.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Says that the process can serve.
pub fn ready() {
    tell("READY=1\nSTATUS=Serving");
}

/// Says that the process drains and ends.
pub fn stopping() {
    tell("STOPPING=1\nSTATUS=Draining");
}

/// Keeps telling that the process is alive, as often as the unit's `WatchdogSec` asks for. The task
/// runs where everything else runs: when the runtime stands still, so does it, and systemd restarts.
pub fn start_watchdog() {
    let for_us = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
    let period =
        std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse::<u64>().ok()).filter(|_| for_us);
    if let Some(period) = period {
        let mut beat =
            tokio::time::interval(Duration::from_micros(period / 3).max(Duration::from_millis(100)));
        tokio::spawn(async move {
            loop {
                beat.tick().await;
                tell("WATCHDOG=1");
            }
        });
    }
}

fn tell(state: &str) {
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET").and_then(|path| path.into_string().ok())
        && let Err(error) = send(&path, state)
    {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Sends `state` to the socket at `path`; a path that begins with `@` has no file.
fn send(path: &str, state: &str) -> std::io::Result<()> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_arrives_at_a_socket_with_and_without_a_file() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("notify");
        let abstract_name = format!("kinora-test-{}", std::process::id());
        let by_file = UnixDatagram::bind(&file).expect("bound");
        let by_name =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).expect("a name"))
                .expect("bound");
        for (path, socket) in
            [(file.to_string_lossy().into_owned(), by_file), (format!("@{abstract_name}"), by_name)]
        {
            send(&path, "READY=1").expect("sent");
            let mut text = [0_u8; 64];
            let length = socket.recv(&mut text).expect("received");
            assert_eq!(&text[..length], b"READY=1");
        }
    }

    #[test]
    fn a_socket_that_is_not_there_is_an_error_and_no_panic() {
        assert!(send("/no/such/socket", "READY=1").is_err());
    }
}

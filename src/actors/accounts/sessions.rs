//! Sessions: rows on the server, found by a random id in a cookie that is signed with
//! `session.key`. Without that key no cookie is valid: deleting the file ends every session.

use super::access_tokens;
use crate::actors::services::Services;
use crate::domain::account::Complimentary;
use crate::domain::shared::{PersonalRef, PersonalValue, Role, Roles};
use crate::projections::people::{self, Presence};
use crate::store::StoreError;
use crate::store::keys::Key;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A session without a request for so long ends.
const IDLE: TimeDelta = TimeDelta::days(60);
/// How often "last seen" is written.
const TOUCH: TimeDelta = TimeDelta::minutes(5);
/// The same for staff, whose sessions end after minutes.
const STAFF_TOUCH: TimeDelta = TimeDelta::seconds(30);
/// Field of the vault that says on what a session was opened.
const DEVICE: &str = "session_device";

/// A session that was just opened.
pub struct Opened {
    /// The cookie's value. A secret.
    pub cookie: String,
    /// How long the browser keeps it.
    pub max_age: TimeDelta,
}

/// Somebody with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account.
    pub account: Uuid,
    /// Names the session in lists and forms; cannot be turned back into the cookie.
    pub handle: String,
    /// Roles beyond member.
    pub roles: Roles,
    /// Whether the mail address is confirmed.
    pub confirmed: bool,
    /// Whether a deletion request is pending.
    pub leaving: bool,
    /// How the person is addressed.
    pub display_name: Option<PersonalRef>,
    /// Access that was given away.
    pub complimentary: Option<Complimentary>,
    /// Whether signing in asks for a code of an authenticator.
    pub second_factor: bool,
    /// The admin who sees the site as this person does; none for the person themselves.
    pub impersonator: Option<Uuid>,
    /// When the person last proved who they are.
    pub proved_at: DateTime<Utc>,
}

/// One session in the person's own list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Names the session.
    pub handle: String,
    /// On what, such as "Firefox on Linux".
    pub device: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to some minutes.
    pub seen_at: DateTime<Utc>,
}

/// Opens a session for an account that proved its identity.
///
/// # Errors
/// If the database cannot be written.
pub async fn open(cx: &Services, account: Uuid, user_agent: &str) -> Result<Opened, StoreError> {
    let id: [u8; 32] = rand::rng().random();
    let now = cx.clock.now();
    let device = PersonalValue::new(account, DEVICE, cx.clock.new_id(), describe(user_agent));
    let version = device.reference.version;
    let sealed = cx.vault.seal(vec![device]).await?;
    let mut client = cx.pool.get().await?;
    let tx = client.transaction().await?;
    for value in &sealed {
        tx.execute(
            "insert into public.vault (subject, field, version, ciphertext) values ($1, $2, $3, $4)",
            &[&account, &value.reference.field, &value.reference.version, &value.ciphertext],
        )
        .await?;
    }
    tx.execute(
        "insert into public.sessions (id_hash, account, key_mark, device, created_at, seen_at, expires_at, proved_at)
         values ($1, $2, $3, $4, $5, $5, $6, $5)",
        &[&hash(&id), &account, &mark(cx)?, &version, &now, &(now + IDLE)],
    )
    .await?;
    tx.commit().await?;
    Ok(Opened { cookie: format!("{}.{}", BASE64.encode(id), BASE64.encode(sign(cx, &id)?)), max_age: IDLE })
}

/// Who a cookie belongs to; none when it is not ours, was ended, is too old, or the account may not
/// sign in any more.
///
/// # Errors
/// If the database cannot be read.
pub async fn look_up(cx: &Services, cookie: &str) -> Result<Option<SignedIn>, StoreError> {
    let Some(id) = verified(cx, cookie)? else { return Ok(None) };
    let id_hash = hash(&id);
    let now = cx.clock.now();
    let client = cx.pool.get().await?;
    let statement = client
        .prepare_cached(
            "select s.account, s.seen_at, p.roles, p.confirmed, p.standing, p.display_name,
                    p.complimentary, p.complimentary_until, p.second_factor, s.created_at,
                    case when s.viewing_until > $2 then s.viewing_as end,
                    coalesce(s.proved_at, s.created_at)
             from public.sessions s join people p on p.account = s.account
             where s.id_hash = $1 and s.expires_at > $2 and p.confirmed and not p.suspended
                   and p.standing <> 'erased'",
        )
        .await?;
    let Some(row) = client.query_opt(&statement, &[&id_hash, &now]).await? else { return Ok(None) };
    let roles = people::roles(&row.get::<_, Vec<String>>(2));
    if roles.has_staff() && is_over_for_staff(cx, row.get(9), row.get(1), now) {
        end(cx, row.get(0), &hex::encode(&id_hash)).await?;
        return Ok(None);
    }
    let touch = if roles.has_staff() { STAFF_TOUCH } else { TOUCH };
    if now - row.get::<_, DateTime<Utc>>(1) > touch {
        let opened: DateTime<Utc> = row.get(9);
        let end = opened + TimeDelta::days(i64::from(cx.config.accounts.session_days));
        client
            .execute(
                "update public.sessions set seen_at = $2, expires_at = $3 where id_hash = $1",
                &[&id_hash, &now, &(now + IDLE).min(end)],
            )
            .await?;
    }
    let handle = hex::encode(id_hash);
    if let Some(seen_as) = row.get::<_, Option<Uuid>>(10)
        && roles.0.contains(&Role::Admin)
        && let Some(person) = people::by_id(&cx.reader, seen_as).await?
        && person.presence == Presence::Open
        && !person.roles.has_staff()
    {
        return Ok(Some(SignedIn {
            account: person.id,
            handle,
            roles: person.roles,
            confirmed: person.confirmed,
            leaving: false,
            display_name: person.display_name,
            complimentary: person.complimentary,
            second_factor: person.second_factor,
            impersonator: Some(row.get(0)),
            proved_at: row.get(11),
        }));
    }
    let complimentary = row.get::<_, bool>(6).then(|| Complimentary { until: row.get(7) });
    Ok(Some(SignedIn {
        impersonator: None,
        proved_at: row.get(11),
        account: row.get(0),
        handle,
        roles,
        confirmed: row.get(3),
        leaving: row.get::<_, &str>(4) == "hidden",
        display_name: row.get::<_, Option<serde_json::Value>>(5).and_then(|v| serde_json::from_value(v).ok()),
        complimentary,
        second_factor: row.get(8),
    }))
}

/// Notes that the owner of a session has just proved once more who they are.
///
/// # Errors
/// If the database cannot be written.
pub async fn note_proof(cx: &Services, account: Uuid, handle: &str) -> Result<(), StoreError> {
    let Ok(id_hash) = hex::decode(handle) else { return Ok(()) };
    let sql = "update public.sessions set proved_at = $3 where account = $1 and id_hash = $2";
    cx.pool.get().await?.execute(sql, &[&account, &id_hash, &cx.clock.now()]).await?;
    Ok(())
}

/// Sessions of staff open more than others and therefore end sooner. When one was last used is known to
/// [`STAFF_TOUCH`], so one ends by that much too early rather than too late.
fn is_over_for_staff(cx: &Services, opened: DateTime<Utc>, seen: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let limits = &cx.config.accounts;
    !cx.config.is_demo()
        && (now - opened > TimeDelta::hours(i64::from(limits.staff_session_hours))
            || now - seen > TimeDelta::minutes(i64::from(limits.staff_idle_minutes)))
}

/// The living sessions of an account, last used first.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn list(cx: &Services, account: Uuid) -> Result<Vec<Listed>, StoreError> {
    let client = cx.pool.get().await?;
    let rows = client
        .query(
            "select id_hash, device, created_at, seen_at from public.sessions
             where account = $1 and expires_at > $2 and key_mark = any($3) order by seen_at desc, id_hash",
            &[&account, &cx.clock.now(), &marks(cx)?],
        )
        .await?;
    drop(client);
    let reference = |version: Uuid| PersonalRef { subject: account, field: DEVICE.into(), version };
    let devices: Vec<PersonalRef> =
        rows.iter().filter_map(|r| r.get::<_, Option<Uuid>>(1)).map(reference).collect();
    let opened = cx.reader.open_many(&devices).await?;
    Ok(rows
        .iter()
        .map(|r| Listed {
            handle: hex::encode(r.get::<_, Vec<u8>>(0)),
            device: r.get::<_, Option<Uuid>>(1).and_then(|v| opened.get(&reference(v)).cloned()),
            created_at: r.get(2),
            seen_at: r.get(3),
        })
        .collect())
}

/// Ends one session of an account by its handle; `false` if there is none.
///
/// # Errors
/// If the database cannot be written.
pub async fn end(cx: &Services, account: Uuid, handle: &str) -> Result<bool, StoreError> {
    let Ok(id_hash) = hex::decode(handle) else { return Ok(false) };
    Ok(remove(cx, "account = $1 and id_hash = $2", &[&account, &id_hash]).await? > 0)
}

/// Ends all sessions of an account that were opened until `until`, and revokes the tokens that were
/// made until then; later ones stay, so that a repetition ends nothing new.
///
/// # Errors
/// If the database cannot be written.
pub async fn end_until(cx: &Services, account: Uuid, until: DateTime<Utc>) -> Result<u64, StoreError> {
    access_tokens::revoke_all(cx, account, until).await?;
    remove(cx, "account = $1 and created_at <= $2", &[&account, &until]).await
}

/// Ends all sessions of an account but one.
///
/// # Errors
/// If the database cannot be written.
pub async fn end_others(cx: &Services, account: Uuid, keep: &str) -> Result<u64, StoreError> {
    let keep = hex::decode(keep).unwrap_or_default();
    remove(cx, "account = $1 and id_hash <> $2", &[&account, &keep]).await
}

/// Removes sessions that are too old or were signed with a key that is gone.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    remove(cx, "expires_at <= $1 or not key_mark = any($2)", &[&now, &marks(cx)?]).await
}

/// How many sessions are alive.
///
/// # Errors
/// If the database cannot be read.
pub async fn count(cx: &Services) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select count(*) from public.sessions where expires_at > $1 and key_mark = any($2)";
    Ok(client.query_one(sql, &[&cx.clock.now(), &marks(cx)?]).await?.get(0))
}

async fn remove(
    cx: &Services,
    which: &str,
    values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = format!(
        "with ended as (delete from public.sessions where {which} returning account, device),
              devices as (delete from public.vault v using ended e
                          where v.subject = e.account and v.field = '{DEVICE}' and v.version = e.device)
         select count(*) from ended"
    );
    let ended: i64 = client.query_one(&sql, values).await?.get(0);
    Ok(u64::try_from(ended).unwrap_or(0))
}

/// The id in a cookie, if we signed it.
fn verified(cx: &Services, cookie: &str) -> Result<Option<[u8; 32]>, StoreError> {
    let Some((id, tag)) = cookie.split_once('.') else { return Ok(None) };
    let (Ok(id), Ok(tag)) = (BASE64.decode(id), BASE64.decode(tag)) else { return Ok(None) };
    let Ok(id) = <[u8; 32]>::try_from(id) else { return Ok(None) };
    for key in [Some(&cx.secrets.session), cx.secrets.session_previous.as_ref()].into_iter().flatten() {
        if keyed_by(key, b"session", &id)?.verify_slice(&tag).is_ok() {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn sign(cx: &Services, id: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(keyed(cx, b"session", id)?.finalize().into_bytes().to_vec())
}

/// Which key signed a session: tells rows of a former key without keeping the key.
fn mark(cx: &Services) -> Result<Vec<u8>, StoreError> {
    Ok(keyed(cx, b"mark", b"")?.finalize().into_bytes()[..8].to_vec())
}

/// The marks of all keys whose sessions are valid.
fn marks(cx: &Services) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut all = vec![mark(cx)?];
    if let Some(key) = &cx.secrets.session_previous {
        all.push(keyed_by(key, b"mark", b"")?.finalize().into_bytes()[..8].to_vec());
    }
    Ok(all)
}

/// An authentication code over `value` with the session key, for `purpose` only.
pub(super) fn keyed(cx: &Services, purpose: &[u8], value: &[u8]) -> Result<Hmac<Sha256>, StoreError> {
    keyed_by(&cx.secrets.session, purpose, value)
}

fn keyed_by(key: &Key, purpose: &[u8], value: &[u8]) -> Result<Hmac<Sha256>, StoreError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_slice()).map_err(|e| StoreError::Vault(e.to_string()))?;
    mac.update(b"kinora ");
    mac.update(purpose);
    mac.update(b"\0");
    mac.update(value);
    Ok(mac)
}

fn hash(id: &[u8]) -> Vec<u8> {
    Sha256::digest(id).to_vec()
}

/// "Firefox on Linux" of what a browser says about itself: enough to know one's own sessions.
fn describe(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    let browser = find(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chromium"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Another program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn devices_are_named_for_people() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
                "Chromium on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.0", "curl"),
            ("", "Another program"),
        ] {
            assert_eq!(super::describe(agent), name);
        }
    }
}

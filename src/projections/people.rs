//! One row for each account: what sign-in, the access rule and the lists of staff ask for.
//! Names and addresses stand as references; who may read them opens them.

use super::sorting::{Sort, SortColumn};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::account::{AccountEvent, Complimentary, Digest};
use crate::domain::shared::{MailAddress, PersonalRef, Role, Roles};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::str::FromStr;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// The projection.
pub struct People;

const COLUMNS: &str = "account, registered_at, mail, display_name, username, confirmed, roles, suspended,
    standing, request, complimentary, complimentary_until, digest, second_factor, waiting, suspended_until,
    bio, links, public_profile, picture, merged_into";

#[async_trait]
impl Projection for People {
    fn name(&self) -> &'static str {
        "people"
    }

    fn version(&self) -> i32 {
        7
    }

    fn tables(&self) -> &'static [&'static str] {
        &["people"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists people (
            account             uuid primary key,
            registered_at       timestamptz not null,
            mail                json,
            display_name        json,
            username            json,
            confirmed           boolean not null default false,
            roles               text[] not null default '{}',
            suspended           boolean not null default false,
            standing            text not null default 'open',
            request             uuid,
            complimentary       boolean not null default false,
            complimentary_until timestamptz,
            digest              text not null default 'never',
            second_factor       boolean not null default false,
            authenticator       boolean not null default false,
            passkeys            integer not null default 0,
            waiting             boolean not null default false,
            suspended_until     timestamptz,
            bio                 json,
            links               json,
            public_profile      boolean not null default false,
            picture             json,
            merged_into         uuid
        );
        create index if not exists people_merged on people (merged_into) where merged_into is not null;
        create index if not exists people_by_time on people (registered_at, account);
        create index if not exists people_by_suspension on people (suspended_until) where suspended_until is not null;"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use AccountEvent as E;
        let id = event.stream_uuid();
        let Some(decoded) = event.decode::<AccountEvent>()? else { return Ok(()) };
        let set = async |columns: &str, values: &[&(dyn ToSql + Sync)]| -> Result<(), ProjectionError> {
            let mut all: Vec<&(dyn ToSql + Sync)> = vec![&id];
            all.extend_from_slice(values);
            tx.execute(&format!("update people set {columns} where account = $1"), &all).await?;
            Ok(())
        };
        match decoded {
            E::AccountRegistered { at, mail, display_name, username, .. } => {
                let username = username.map(json).transpose()?;
                tx.execute(
                    "insert into people (account, registered_at, mail, display_name, username)
                     values ($1, $2, $3, $4, $5) on conflict (account) do nothing",
                    &[&id, &at, &json(mail)?, &json(display_name)?, &username],
                )
                .await?;
                Ok(())
            }
            E::ApprovalRequested { .. } => set("waiting = true", &[]).await,
            E::AccountApproved { .. } => set("waiting = false", &[]).await,
            E::MailConfirmed { .. } => set("confirmed = true", &[]).await,
            E::MailChanged { mail, .. } => set("mail = $2, confirmed = true", &[&json(mail)?]).await,
            E::DisplayNameChanged { display_name, .. } => {
                set("display_name = $2", &[&json(display_name)?]).await
            }
            E::ProfileChanged { bio, links, public, .. } => {
                let (bio, links) = (bio.map(json).transpose()?, links.map(json).transpose()?);
                set("bio = $2, links = $3, public_profile = $4", &[&bio, &links, &public]).await
            }
            E::PictureChanged { picture, .. } => {
                set("picture = $2", &[&picture.map(json).transpose()?]).await
            }
            E::RoleGranted { role, .. } => {
                set("roles = array_append(array_remove(roles, $2), $2)", &[&<&str>::from(role)]).await
            }
            E::RoleRevoked { role, .. } => {
                set("roles = array_remove(roles, $2)", &[&<&str>::from(role)]).await
            }
            E::AccountSuspended { until, .. } => {
                set("suspended = true, suspended_until = $2", &[&until]).await
            }
            E::AccountMerged { into, .. } => {
                set("suspended = true, suspended_until = null, merged_into = $2", &[&into]).await
            }
            E::AccountReinstated { .. } => set("suspended = false, suspended_until = null", &[]).await,
            E::ComplimentaryAccessGranted { until, .. } => {
                set("complimentary = true, complimentary_until = $2", &[&until]).await
            }
            E::ComplimentaryAccessEnded { .. } => {
                set("complimentary = false, complimentary_until = null", &[]).await
            }
            E::DigestChosen { digest, .. } => set("digest = $2", &[&<&str>::from(digest)]).await,
            E::SecondFactorAdded { .. } => set("second_factor = true, authenticator = true", &[]).await,
            E::SecondFactorRemoved { .. } => {
                set("second_factor = passkeys > 0, authenticator = false", &[]).await
            }
            E::PasskeyAdded { .. } => set("second_factor = true, passkeys = passkeys + 1", &[]).await,
            E::PasskeyRemoved { .. } => {
                set("second_factor = authenticator or passkeys > 1, passkeys = passkeys - 1", &[]).await
            }
            E::AccountHidden { request, .. } => set("standing = 'hidden', request = $2", &[&request]).await,
            E::AccountRestored { .. } => set("standing = 'open', request = null", &[]).await,
            E::AccountErased { request, .. } => {
                set(
                    "standing = 'erased', request = $2, mail = null, display_name = null, username = null,
                     confirmed = false, roles = '{}', complimentary = false, complimentary_until = null,
                     digest = 'never', second_factor = false, authenticator = false, passkeys = 0,
                     waiting = false, suspended_until = null, bio = null, links = null,
                     public_profile = false, picture = null",
                    &[&request],
                )
                .await
            }
            E::ConfirmationRequested { .. }
            | E::AccountTakenOver { .. }
            | E::PasswordSet { .. }
            | E::PasswordHashRenewed { .. }
            | E::ImpersonationStarted { .. }
            | E::PasswordResetRequested { .. }
            | E::PasswordResetUsed { .. }
            | E::MailChangeRequested { .. }
            | E::RecoveryCodesMade { .. }
            | E::RecoveryCodeUsed { .. }
            | E::IdentityLinked { .. }
            | E::IdentityUnlinked { .. }
            | E::PasskeyRenamed { .. }
            | E::PersonalDataRead { .. } => Ok(()),
        }
    }
}

/// Whether a person is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// As usual.
    Open,
    /// A deletion request is pending: the profile is hidden.
    Hidden,
    /// Nothing personal is left.
    Erased,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub id: Uuid,
    /// Since when.
    pub registered_at: DateTime<Utc>,
    /// Where mail goes.
    pub mail: Option<PersonalRef>,
    /// How the person is addressed.
    pub display_name: Option<PersonalRef>,
    /// Second name to sign in with.
    pub username: Option<PersonalRef>,
    /// Whether the address is confirmed.
    pub confirmed: bool,
    /// Roles beyond member.
    pub roles: Roles,
    /// Whether sign-in is refused.
    pub suspended: bool,
    /// When that ends by itself.
    pub suspended_until: Option<DateTime<Utc>>,
    /// Whether the person is there.
    pub presence: Presence,
    /// The pending or done deletion request.
    pub request: Option<Uuid>,
    /// Access that was given away.
    pub complimentary: Option<Complimentary>,
    /// How often a mail tells the person what is new.
    pub digest: Digest,
    /// Whether signing in with the password asks for something else, too: an authenticator or a passkey.
    pub second_factor: bool,
    /// Whether a moderator is to approve the registration first.
    pub waiting: bool,
    /// What the person says about themselves.
    pub bio: Option<PersonalRef>,
    /// The person's addresses on the web, one a line.
    pub links: Option<PersonalRef>,
    /// Whether everybody may see the profile.
    pub public_profile: bool,
    /// The person's picture.
    pub picture: Option<PersonalRef>,
    /// The account of the same person that is kept instead.
    pub merged_into: Option<Uuid>,
}

/// One account by id.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_id(r: &Reader, id: Uuid) -> Result<Option<Person>, QueryError> {
    let sql = format!("select {COLUMNS} from people where account = $1");
    Ok(r.client().await?.query_opt(&sql, &[&id]).await?.as_ref().map(person))
}

/// An account with all others of the same person that it took over, itself first.
///
/// # Errors
/// If the database cannot be read.
pub async fn same_person(r: &Reader, account: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "with recursive all_of(account) as (
            select $1::uuid union select p.account from people p join all_of a on p.merged_into = a.account)
        select account from all_of order by account <> $1, account";
    Ok(r.client().await?.query(sql, &[&account]).await?.iter().map(|row| row.get(0)).collect())
}

/// All accounts of the person whose `account` is, also where it was merged into another one: the kept one first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_person(r: &Reader, account: Uuid) -> Result<Vec<Uuid>, QueryError> {
    let sql = "with recursive kept(account) as (
            select $1::uuid union select p.merged_into from people p join kept k on p.account = k.account
            where p.merged_into is not null)
        select k.account from kept k where not exists
            (select from people p where p.account = k.account and p.merged_into is not null)";
    let row = r.client().await?.query_opt(sql, &[&account]).await?;
    same_person(r, row.map_or(account, |row| row.get(0))).await
}

/// Registrations that wait for approval, the oldest first: with confirmed addresses before the others,
/// and without those that were refused.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting(r: &Reader, most: i64) -> Result<Vec<Person>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from people where waiting and not suspended and standing = 'open'
         order by confirmed desc, registered_at, account limit $1"
    );
    Ok(r.client().await?.query(&sql, &[&most]).await?.iter().map(person).collect())
}

/// Accounts whose suspension is over at `now`.
///
/// # Errors
/// If the database cannot be read.
pub async fn suspended_until(r: &Reader, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    let sql =
        "select account from people where suspended_until <= $1 order by suspended_until, account limit 1000";
    Ok(r.client().await?.query(sql, &[&now]).await?.iter().map(|row| row.get(0)).collect())
}

/// The account that uses a mail address; `None` if none does.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn by_mail(r: &Reader, mail: &str) -> Result<Option<Uuid>, QueryError> {
    let Ok(mail) = MailAddress::parse(mail) else { return Ok(None) };
    let key = r.lookup_hash("account-mail", &mail.lookup_form())?;
    let owner = r.claimed_by("account-mail", &key).await?;
    Ok(owner.and_then(|stream| Uuid::parse_str(stream.trim_start_matches("account-")).ok()))
}

/// How people are addressed, by account; erased ones are missing.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn display_names(r: &Reader, accounts: &[Uuid]) -> Result<HashMap<Uuid, String>, QueryError> {
    let sql = format!("select {COLUMNS} from people where account = any($1)");
    let rows = r.client().await?.query(&sql, &[&accounts]).await?;
    let references: Vec<(Uuid, PersonalRef)> =
        rows.iter().map(person).filter_map(|person| Some((person.id, person.display_name?))).collect();
    let sealed: Vec<PersonalRef> = references.iter().map(|(_, reference)| reference.clone()).collect();
    let opened = r.open_many(&sealed).await?;
    Ok(references
        .into_iter()
        .filter_map(|(id, reference)| Some((id, opened.get(&reference)?.clone())))
        .collect())
}

/// Whether there is any account, an erased one included.
///
/// # Errors
/// If the database cannot be read.
pub async fn any(r: &Reader) -> Result<bool, QueryError> {
    Ok(r.client().await?.query_one("select exists (select from people)", &[]).await?.get(0))
}

/// Accounts in the order of their registration, newest first, that come before `before`.
///
/// # Errors
/// If the database cannot be read.
pub async fn page(
    r: &Reader,
    role: Option<Role>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Person>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from people
         where ($1::text is null or $1 = any(roles))
           and ($2::timestamptz is null or (registered_at, account) < ($2, $3))
         order by registered_at desc, account desc limit $4"
    );
    let role = role.map(<&'static str>::from);
    let (at, id) = before.unzip();
    let rows = r.client().await?.query(&sql, &[&role, &at, &id, &limit]).await?;
    Ok(rows.iter().map(person).collect())
}

/// What lists of people can be sorted by here; names lie sealed, and are sorted by who opens them.
pub const SORTS: &[SortColumn] = &[
    ("state", &["standing", "suspended", "waiting", "confirmed"]),
    ("roles", &["roles"]),
    ("since", &["registered_at"]),
];

/// A page of all accounts with `role` if it is given, in the wished order or newest first; and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn sorted(
    r: &Reader,
    role: Option<Role>,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Person>, i64), QueryError> {
    let role = role.map(<&'static str>::from);
    let client = r.client().await?;
    let count = "select count(*) from people where $1::text is null or $1 = any(roles)";
    let total = client.query_one(count, &[&role]).await?.get(0);
    let sql = format!(
        "select {COLUMNS} from people where $1::text is null or $1 = any(roles) order by {} offset $2 limit $3",
        Sort::order(sort, "registered_at desc, account desc")
    );
    let rows = client.query(&sql, &[&role, &offset, &limit]).await?;
    Ok((rows.iter().map(person).collect(), total))
}

/// People who want a digest and may get one, in the order of their ids after `after`.
///
/// # Errors
/// If the database cannot be read.
pub async fn digest_readers(r: &Reader, after: Uuid, limit: i64) -> Result<Vec<(Uuid, Digest)>, QueryError> {
    let sql = "select account, digest from people where digest <> 'never' and confirmed and not suspended
        and standing = 'open' and account > $1 order by account limit $2";
    let rows = r.client().await?.query(sql, &[&after, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, &str>(1).parse().unwrap_or_default())).collect())
}

/// The name under which others see somebody: none for hidden and erased accounts.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn public_name(r: &Reader, id: Uuid) -> Result<Option<String>, QueryError> {
    match by_id(r, id).await? {
        Some(Person { presence: Presence::Open, display_name: Some(name), .. }) => r.open(&name).await,
        _ => Ok(None),
    }
}

/// The names under which others see people, by account: hidden and erased accounts are missing.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn public_names(r: &Reader, accounts: &[Uuid]) -> Result<HashMap<Uuid, String>, QueryError> {
    let sql = "select account from people where account = any($1) and standing = 'open'";
    let rows = r.client().await?.query(sql, &[&accounts]).await?;
    let open: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    display_names(r, &open).await
}

/// Who makes things here: accounts with a maker's role, first come first.
///
/// # Errors
/// If the database cannot be read.
pub async fn makers(r: &Reader) -> Result<Vec<Uuid>, QueryError> {
    let sql =
        "select account from people where roles && array['creator', 'editor', 'admin'] and standing = 'open'
        and not suspended order by registered_at, account limit 500";
    Ok(r.client().await?.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// Who of `accounts` has a public profile, with the version of the picture if there is one.
///
/// # Errors
/// If the database cannot be read.
pub async fn public_profiles(
    r: &Reader,
    accounts: &[Uuid],
) -> Result<HashMap<Uuid, Option<Uuid>>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from people
         where account = any($1) and public_profile and standing = 'open' and not suspended"
    );
    let rows = r.client().await?.query(&sql, &[&accounts]).await?;
    Ok(rows.iter().map(person).map(|p| (p.id, p.picture.map(|r| r.version))).collect())
}

/// Reads a row that was selected with the columns of this table.
fn person(row: &Row) -> Person {
    let reference =
        |i: usize| row.get::<_, Option<serde_json::Value>>(i).and_then(|v| serde_json::from_value(v).ok());
    let complimentary = row.get::<_, bool>(10).then(|| Complimentary { until: row.get(11) });
    Person {
        id: row.get(0),
        registered_at: row.get(1),
        mail: reference(2),
        display_name: reference(3),
        username: reference(4),
        confirmed: row.get(5),
        roles: roles(&row.get::<_, Vec<String>>(6)),
        suspended: row.get(7),
        presence: match row.get(8) {
            "open" => Presence::Open,
            "hidden" => Presence::Hidden,
            _ => Presence::Erased,
        },
        request: row.get(9),
        complimentary,
        digest: row.get::<_, &str>(12).parse().unwrap_or_default(),
        second_factor: row.get(13),
        waiting: row.get(14),
        suspended_until: row.get(15),
        bio: reference(16),
        links: reference(17),
        public_profile: row.get(18),
        picture: reference(19),
        merged_into: row.get(20),
    }
}

/// Role names of a column as roles; unknown ones give no right.
#[must_use]
pub fn roles(names: &[String]) -> Roles {
    names.iter().filter_map(|n| Role::from_str(n).ok()).collect()
}

fn json(reference: PersonalRef) -> Result<serde_json::Value, ProjectionError> {
    Ok(serde_json::to_value(reference)?)
}

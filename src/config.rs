//! Settings: one TOML file, `KINORA_…` environment variables over it, options of the command line
//! over both. An unknown key is an error that names the nearest known one.

use crate::domain::media::Kind;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub mod billing;
mod check;
mod defaults;
pub mod delivery;
pub mod erasure;
pub mod gateways;
mod live;
mod load;
pub mod media;
pub mod search;
pub mod secrets;
pub mod storage;

pub use billing::Billing;
pub use check::Problem;
pub use delivery::{Cdn, CdnSigning, Delivery};
pub use erasure::Erasure;
pub use gateways::{Bank, Gateways, Sandbox, Stripe};
pub use load::{ConfigError, PACKAGED, load, packaged, read_only};
pub use media::{Av1, Media};
pub use search::{Search, SearchEngine};
pub use {live::LiveConfig, secrets::Secrets, storage::S3, storage::Storage};

/// What kind of instance it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Strict: refuses to start while an error-level finding of `config check --deploy` stands.
    Production,
    /// On one's own machine: loopback only, mail to files, sandbox gateway.
    Development,
    /// As development, with the demo studio, its people and a clock that can be moved.
    Demo,
}

/// Whether an upload is processed before the response or afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processing {
    /// Before the response.
    Eager,
    /// By workers; the page shows progress.
    Background,
}

/// Who fires scheduled commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// A supervised actor with a leader lease.
    Internal,
    /// Timers of the operating system that call `kinora run JOB`.
    External,
}

/// Who may make an account on the registration page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Everybody, but a moderator looks at it before the account may sign in.
    Approval,
    /// Who was given an invitation by staff.
    Invite,
    /// Nobody.
    Closed,
}

/// All settings. `docs/settings.md` is generated from this file: the first sentence of a field is its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Kind of instance.
    pub mode: Mode,
    /// Data folder.
    pub data: PathBuf,
    /// Where the site listens.
    pub listen: SocketAddr,
    /// Where `/metrics` listens.
    pub metrics_listen: SocketAddr,
    /// Address under which people reach the site; absent: `http://` and the listen address.
    pub base_url: Option<String>,
    /// Names the site answers to; empty: outside production only names of this machine and of `base_url`.
    pub allowed_hosts: Vec<String>,
    /// Whether people may register themselves at all.
    pub allow_registration: bool,
    /// When uploads are processed.
    pub processing: Processing,
    /// PostgreSQL, as an address or as libpq's words, with `sslmode` and `sslrootcert` ([on its own machine](operations.md#more-than-one-machine)); absent: a private cluster in the data folder.
    pub database_url: Option<String>,
    /// PostgreSQL of people's data keys, in another cluster; absent: files in the data folder.
    pub keys_database_url: Option<String>,
    /// Where errors and panics are reported, as the DSN that Sentry or a server like it gives; absent: nowhere.
    pub sentry_dsn: Option<String>,
    /// Folder of secrets; absent: `secrets` in the data folder.
    pub secrets_dir: Option<PathBuf>,
    /// Facts about the studio.
    pub studio: Studio,
    /// Mail.
    pub mail: Mail,
    /// Scheduled commands.
    pub jobs: Jobs,
    /// Accounts and signing in.
    pub accounts: Accounts,
    /// Signing in through a service of others (OpenID Connect).
    pub oidc: Oidc,
    /// Limits.
    pub limits: Limits,
    /// Media processing.
    pub media: Media,
    /// How files of works reach people.
    pub delivery: Delivery,
    /// A network of caches (CDN) in front of the files.
    pub cdn: Cdn,
    /// Where finished works are kept.
    pub storage: Storage,
    /// By which engine works are found.
    pub search: Search,
    /// Documents, models, archives and text.
    pub previews: Previews,
    /// Comments.
    pub comments: Comments,
    /// Billing rules.
    pub billing: Billing,
    /// The register of VAT numbers of the Union.
    pub vies: Vies,
    /// Payment gateways.
    pub gateways: Gateways,
    /// Erasure of accounts.
    pub erasure: Erasure,
    /// Backups.
    pub backup: Backup,
}

/// Backups that the job `backup` makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Folder for them, best on another disk; absent: none are made.
    pub folder: Option<PathBuf>,
    /// Days after which a backup of the database is removed; the newest stays.
    pub database_days: u32,
    /// Days after which a copy of the key store is removed, the newest too, at most 7.
    pub keys_days: u32,
}

/// Facts about the studio that pages and mails show.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Studio {
    /// Name.
    pub name: String,
    /// One sentence for the welcome page.
    pub tagline: String,
    /// Accent hue in degrees, 0–359.
    pub hue: u16,
    /// IANA time zone of the seller.
    pub zone: String,
    /// Country of the seller, ISO 3166-1 alpha-2.
    pub country: String,
    /// Name of the seller on invoices.
    pub legal_name: String,
    /// Address of the seller on invoices.
    pub legal_address: String,
    /// VAT number of the seller.
    pub vat_number: String,
    /// Mail address for questions about plans that are talked over; empty: the sender of the mails.
    pub contact: String,
    /// Whom to tell of a weakness, as a `mailto:` or `https:` address; absent: no `security.txt`.
    pub security_contact: Option<String>,
}

/// How mail leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Sender.
    pub from: String,
    /// SMTP server as `smtp://user:password@host:port` or `smtps://…`; absent: files in the data folder.
    pub smtp_url: Option<String>,
}

/// Scheduled commands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// Who fires them.
    pub scheduler: SchedulerKind,
}

/// Accounts and signing in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Who may register; absent: `invite` in production, `open` elsewhere.
    pub registration: Option<Registration>,
    /// Whether staff roles count only with a second factor; absent: yes. Always in production, never in demo mode.
    pub staff_second_factor: Option<bool>,
    /// Minutes without a request after which a session of staff ends. Never in demo mode.
    pub staff_idle_minutes: u32,
    /// Hours after which a session of staff ends in any case. Never in demo mode.
    pub staff_session_hours: u32,
    /// Days after which any session ends, however often it is used; one that is not used ends after 60 days.
    pub session_days: u32,
    /// Minutes after which grave acts ask once more who it is; 0: never. Absent: 10, in demo mode 0.
    pub step_up_minutes: Option<u32>,
    /// Whether open registration asks browsers for a proof of work, and looks at who brings none; absent: in production.
    pub challenge: Option<bool>,
    /// How hard that is: derivations of each of the 400 to 799 attempts. 5000 take a telephone some seconds.
    pub challenge_cost: u32,
    /// Memory that hashing a password takes (argon2id), in KiB. Hashes made with other parameters are renewed when their owner signs in.
    pub password_memory_kib: u32,
    /// Passes over that memory.
    pub password_passes: u32,
    /// Whether addresses of throw-away mail services (a bundled list) may register.
    pub disposable_mail: bool,
    /// Domains of mail addresses, with what lies below them, that may not register either.
    pub refused_mail_domains: Vec<String>,
    /// Days for which the copy of a person's data can be fetched.
    pub export_days: u32,
}

/// Signing in through a service of others (OpenID Connect).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The provider's issuer address, found by discovery; absent: no such way in is offered.
    pub issuer: Option<String>,
    /// Name by which the provider knows the studio.
    pub client_id: String,
    /// File with the secret that belongs to it; absent: a public client, by PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// What the button says the service is called.
    pub label: String,
    /// What is asked for beside `openid`; an address and a name are needed.
    pub scopes: Vec<String>,
    /// Domains of mail addresses that get new accounts this way; empty: all.
    pub mail_domains: Vec<String>,
    /// Claim that lists groups, such as `groups`; absent: roles are given here alone.
    pub roles_claim: Option<String>,
    /// Role by group; these roles follow the provider at each sign-in. `admin` is given here alone.
    pub roles: BTreeMap<String, String>,
    /// Key with which the provider signs what it tells of people; absent: nothing is taken.
    pub webhook_secret: Option<String>,
}

/// Limits, each enforced where it is named.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Bytes of originals that one account may hold.
    pub account_bytes: u64,
    /// Largest picture of a profile, in bytes.
    pub picture_bytes: u64,
    /// Free bytes of the disk below which no upload begins (the low mark); what is arriving goes on until half of
    /// that is left, and then waits.
    pub free_disk_bytes: u64,
    /// Free bytes at which uploads begin again once they were stopped (the high mark); not below the low mark.
    pub free_disk_again_bytes: u64,
    /// Kinds of works that are taken: `video`, `audio`, `image`, `document`, `model`, `archive`, `other`.
    pub kinds: Vec<Kind>,
    /// Largest body of a form or JSON request, in bytes.
    pub body_bytes: u64,
    /// Seconds without a byte after which a file that is being sent is given up; what arrived is kept.
    pub body_idle_seconds: u32,
    /// Largest number of pixels of a picture or video frame.
    pub pixels: u64,
    /// Longest video, in seconds.
    pub duration_seconds: u64,
    /// Longest side of a video frame, in pixels; of a picture four times as much.
    pub side: u64,
    /// Most streams (pictures, sounds, subtitles) in one video or sound.
    pub streams: u64,
    /// Most frames a second of a video.
    pub frames_per_second: u64,
    /// Memory (address space) of one helper program that reads uploads, in bytes; an encoder of AV1, which reads none, may have four times that.
    pub helper_memory_bytes: u64,
    /// Largest single file that a helper program may write, in bytes.
    pub helper_file_bytes: u64,
    /// Seconds that a helper program may take to examine a file or to decode a picture or document.
    pub helper_seconds: u64,
    /// Failed sign-ins of one account or network within 15 minutes before a pause.
    pub sign_in_failures: u32,
    /// Seconds that filling the registration form takes at least; absent: 2 in production, 0 elsewhere.
    pub registration_seconds: Option<u32>,
    /// Registrations from one network within an hour, where registration asks for a proof of work or waits for approval.
    pub registrations_per_network: u32,
    /// Registrations with addresses of one domain within an hour that are let in by a proof of work; later ones wait for a moderator.
    pub registrations_per_domain: u32,
    /// Registrations without a proof of work, or beyond the number of their domain, that may wait for a moderator within an hour.
    pub registrations_unproved: u32,
    /// Connections served at once.
    pub connections: usize,
    /// Commands in work at once.
    pub commands: usize,
    /// Seconds after which an aggregate that nobody sends commands leaves the memory of its process.
    pub aggregate_idle_seconds: u64,
    /// People whose names and other personal values are kept open in memory at most, in each process; 0: of nobody.
    pub opened_people: usize,
}

/// How much is shown of documents, models, archives and text; their downloads are always whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Previews {
    /// Most pages of a document that are shown.
    pub document_pages: u32,
    /// How much of a text is shown, in KiB.
    pub text_kib: u64,
    /// Largest 3D model, in MiB.
    pub model_mib: u64,
    /// Most triangles of a 3D model.
    pub model_triangles: u64,
    /// Most files of an archive that are listed.
    pub archive_entries: u32,
    /// How much of a packed tar is read for its list, unpacked, in MiB.
    pub archive_read_mib: u64,
}

/// Comments below works, lessons and posts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Comments {
    /// Whether people can write them; what is written stays.
    pub enabled: bool,
    /// Minutes after writing in which a comment can be changed.
    pub edit_minutes: u32,
    /// Longest comment, in characters.
    pub longest: usize,
    /// Most comments of one person in ten minutes.
    pub most_in_ten_minutes: u32,
}

/// The register of VAT numbers of the Union.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vies {
    /// Where it answers, such as `https://ec.europa.eu/taxation_customs/vies/rest-api`; absent: it is not asked.
    pub base_url: Option<String>,
}

impl Config {
    /// Where a file or folder of the data folder lies.
    #[must_use]
    pub fn in_data(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// The mail address for questions: that of the studio, else the one its mails come from.
    #[must_use]
    pub fn contact(&self) -> &str {
        let from = self.mail.from.as_str();
        let sender = from.rsplit_once('<').map_or(from, |(_, address)| address.trim_end_matches('>'));
        if self.studio.contact.is_empty() { sender } else { &self.studio.contact }
    }

    /// Folder of secrets.
    #[must_use]
    pub fn secrets_folder(&self) -> PathBuf {
        self.secrets_dir.clone().unwrap_or_else(|| self.in_data("secrets"))
    }

    /// What forbids to serve with these settings in development: there the clock moves, mail lies in files and
    /// play money is taken, so nobody but this machine is let near. `None` if nothing does.
    #[must_use]
    pub fn exposed(&self) -> Option<String> {
        let open = |a: &SocketAddr| !a.ip().is_loopback();
        let (name, address) = [("listen", self.listen), ("metrics_listen", self.metrics_listen)]
            .into_iter()
            .find(|(_, a)| self.mode == Mode::Development && open(a))?;
        Some(format!(
            "{name} = {address}: in development Kinora listens on this machine only (127.0.0.1 or [::1]); for others set mode = \"production\", or --demo to show the demo studio"
        ))
    }

    /// Where errors are reported, if they are.
    #[must_use]
    pub fn sentry_dsn(&self) -> Option<&str> {
        self.sentry_dsn.as_deref().filter(|dsn| !dsn.is_empty())
    }

    /// Whether the clock may be moved and demo pages exist.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.mode == Mode::Demo
    }

    /// Whether the instance is meant for other people's data.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Who may register, by the settings alone.
    #[must_use]
    pub fn registration(&self) -> Registration {
        let usual = if self.is_production() { Registration::Invite } else { Registration::Open };
        if self.allow_registration {
            self.accounts.registration.unwrap_or(usual)
        } else {
            Registration::Closed
        }
    }

    /// Whether staff roles count only for people with a second factor.
    #[must_use]
    pub fn staff_second_factor(&self) -> bool {
        !self.is_demo() && (self.is_production() || self.accounts.staff_second_factor.unwrap_or(true))
    }

    /// For how long a proof of who it is counts for grave acts; none: for as long as the session lasts.
    #[must_use]
    pub fn step_up(&self) -> Option<TimeDelta> {
        let usual = if self.is_demo() { 0 } else { 10 };
        let minutes = self.accounts.step_up_minutes.unwrap_or(usual);
        (minutes > 0).then(|| TimeDelta::minutes(i64::from(minutes)))
    }

    /// How long filling the registration form takes at least. Demo and development have no spammers,
    /// only people in a hurry.
    #[must_use]
    pub fn shortest_registration(&self) -> TimeDelta {
        let default = if self.is_production() { 2 } else { 0 };
        TimeDelta::seconds(i64::from(self.limits.registration_seconds.unwrap_or(default)))
    }

    /// Address of the site without a slash at the end.
    #[must_use]
    pub fn site_url(&self) -> String {
        self.base_url
            .as_deref()
            .map_or_else(|| format!("http://{}", self.listen), |u| u.trim_end_matches('/').to_owned())
    }

    /// Whether cookies can be `Secure` with the `__Host-` prefix: everywhere but on plain-http
    /// loopback outside production.
    #[must_use]
    pub fn secure_cookies(&self) -> bool {
        self.is_production() || self.base_url.as_deref().is_some_and(|u| u.starts_with("https://"))
    }

    /// Where the data folder is looked for when no setting names it.
    #[must_use]
    pub fn default_data() -> &'static Path {
        Path::new("data")
    }
}

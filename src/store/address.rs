//! The address of a database, and how a connection to it is protected.
//!
//! Words and meaning of `sslmode` and `sslrootcert` are those of PostgreSQL's own programs (libpq, "SSL Support"): the
//! same address also leads `pg_dump`.

use super::StoreError;
use super::certificates;
use percent_encoding::percent_decode_str;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What drives a connection that was opened.
pub type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// How sure a connection must be of who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumString, strum::AsRefStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Protection {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server offers it, whoever answers.
    Prefer,
    /// Encrypted, whoever answers.
    Require,
    /// Encrypted, and the server's certificate is from the authority that is named.
    VerifyCa,
    /// As [`Protection::VerifyCa`], and it is for the host that is named.
    VerifyFull,
}

/// Settings of a connection, with its protection. Further settings are those of [`Config`].
#[derive(Clone)]
pub struct Address {
    config: Config,
    protection: Protection,
    authority: Option<PathBuf>,
    tls: MakeRustlsConnect,
}

impl Address {
    /// Reads `postgresql://…` or `host=… user=…`. Without `sslmode` a connection to another machine is encrypted if
    /// the server offers it; one that does not leave this machine is not.
    ///
    /// # Errors
    /// If it cannot be read, or if the certificates of its `sslrootcert` cannot.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let asked = Asked::take(text);
        let mut config: Config = asked.rest.parse().map_err(StoreError::Database)?;
        if config.get_hosts().is_empty() {
            // A name that a certificate may bear.
            let numbers: Vec<_> = config.get_hostaddrs().iter().map(ToString::to_string).collect();
            for number in numbers {
                config.host(number);
            }
        }
        let local = stays_here(&config);
        let authority = asked.authority.filter(|path| !path.as_os_str().is_empty());
        let mut protection = match asked.mode.as_deref() {
            None if local => Protection::Disable,
            None => Protection::Prefer,
            Some(word) => word.parse().map_err(|_| unknown_mode(word))?,
        };
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            // As with libpq: there is no TLS on a socket of this machine, whatever is asked for.
            protection = Protection::Disable;
        } else if protection == Protection::Require && authority.is_some() {
            protection = Protection::VerifyCa;
        }
        config.ssl_mode(match protection {
            Protection::Disable => SslMode::Disable,
            Protection::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        let tls = certificates::connector(protection, authority.as_deref())?;
        Ok(Self { config, protection, authority, tls })
    }

    /// One that stays on this machine.
    pub(super) fn here(config: Config) -> Self {
        Self {
            config,
            protection: Protection::Disable,
            authority: None,
            tls: certificates::whoever_answers(),
        }
    }

    /// How it is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// The file of certificates by which the server's is judged.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// What makes TLS of a connection, for pools.
    #[must_use]
    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Whether it leads to another machine without making sure which.
    #[must_use]
    pub fn trusts_anybody(&self) -> bool {
        self.protection < Protection::VerifyCa && !stays_here(&self.config)
    }

    /// Opens a connection; nothing happens on it until the second part is driven.
    ///
    /// # Errors
    /// If PostgreSQL cannot be reached, or is not who it must be.
    pub async fn open(&self) -> Result<(Client, Wire), StoreError> {
        Ok(self.config.connect(self.tls()).await?)
    }
}

impl Deref for Address {
    type Target = Config;
    fn deref(&self) -> &Config {
        &self.config
    }
}

impl DerefMut for Address {
    fn deref_mut(&mut self) -> &mut Config {
        &mut self.config
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address")
            .field("config", &self.config)
            .field("protection", &self.protection)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// Whether no packet leaves this machine: by a socket, or by an address of the loopback.
fn stays_here(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(std::net::IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|number: std::net::IpAddr| number.is_loopback())
        }
    })
}

fn unknown_mode(word: &str) -> StoreError {
    StoreError::Address(format!(
        "sslmode is disable, prefer, require, verify-ca or verify-full, not \"{word}\""
    ))
}

/// What an address says of TLS, and the rest of it: tokio-postgres knows three modes and no authority.
#[derive(Default)]
struct Asked {
    rest: String,
    mode: Option<String>,
    authority: Option<PathBuf>,
}

impl Asked {
    fn take(text: &str) -> Self {
        let is_url = text.starts_with("postgresql://") || text.starts_with("postgres://");
        if is_url { Self::of_url(text) } else { Self::of_pairs(text) }
    }

    /// True if `key` is one of ours.
    fn keep(&mut self, key: &str, value: &str) -> bool {
        match key {
            "sslmode" => self.mode = Some(value.to_owned()),
            "sslrootcert" => self.authority = Some(value.into()),
            _ => return false,
        }
        true
    }

    fn of_url(text: &str) -> Self {
        let mut asked = Self::default();
        let Some((head, query)) = text.rsplit_once('?') else {
            return Self { rest: text.to_owned(), ..asked };
        };
        let mut others = Vec::new();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !asked.keep(key, &percent_decode_str(value).decode_utf8_lossy()) {
                others.push(pair);
            }
        }
        let mark = if others.is_empty() { "" } else { "?" };
        asked.rest = format!("{head}{mark}{}", others.join("&"));
        asked
    }

    fn of_pairs(text: &str) -> Self {
        let mut asked = Self::default();
        let mut left = text.trim_start();
        while let Some((key, after)) = left.split_once('=') {
            let (value, next) = first_word(after.trim_start());
            if !asked.keep(key.trim(), &value) {
                asked.rest.push_str(left[..left.len() - next.len()].trim_end());
                asked.rest.push(' ');
            }
            left = next.trim_start();
        }
        // What is no pair is for tokio-postgres to complain of.
        asked.rest.push_str(left);
        asked
    }
}

/// A value of libpq's `key = value`: to the next space, or in quotes, with backslashes before what is meant as it is.
/// Then what follows.
fn first_word(text: &str) -> (String, &str) {
    let quoted = text.starts_with('\'');
    let mut word = String::new();
    let mut letters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if quoted => return (word, &text[at + 1..]),
            _ if !quoted && letter.is_whitespace() => return (word, &text[at..]),
            _ => word.push(letter),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection(text: &str) -> Protection {
        Address::parse(text).unwrap().protection()
    }

    #[test]
    fn what_stays_on_the_machine_is_plain_and_what_leaves_it_is_encrypted_if_it_can_be() {
        for text in [
            "postgresql:///kinora?host=/run/postgresql",
            "postgresql://kinora_app@127.0.0.1/kinora",
            "postgresql://kinora_app@[::1]:5433/kinora",
            "host=localhost user=kinora_app",
            "host=/run/postgresql,localhost user=kinora_app",
        ] {
            assert_eq!(protection(text), Protection::Disable, "{text}");
            assert!(!Address::parse(text).unwrap().trusts_anybody(), "{text}");
        }
        for text in [
            "postgresql://kinora_app@db.example/kinora",
            "host=127.0.0.1,10.0.0.7 user=kinora_app",
            "hostaddr=10.0.0.7 user=kinora_app",
            "host=localhost hostaddr=10.0.0.7",
        ] {
            assert_eq!(protection(text), Protection::Prefer, "{text}");
            assert!(Address::parse(text).unwrap().trusts_anybody(), "{text}");
        }
    }

    #[test]
    fn a_mode_counts_wherever_it_stands_and_the_rest_stays() {
        let url =
            "postgresql://kinora_app:p%3Fw@db.example/kinora?connect_timeout=3&sslmode=require&keepalives=0";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.protection(), Protection::Require);
        assert_eq!(address.get_connect_timeout().map(std::time::Duration::as_secs), Some(3));
        assert!(!address.get_keepalives());
        assert_eq!(address.get_password(), Some(b"p?w".as_slice()));
        let pairs = r"host=db.example sslmode = 'require' password='it\'s = 1' dbname=kinora";
        let address = Address::parse(pairs).unwrap();
        assert_eq!(address.protection(), Protection::Require);
        assert_eq!(address.get_password(), Some(b"it's = 1".as_slice()));
        assert_eq!(address.get_dbname(), Some("kinora"));
        assert_eq!(protection("postgresql://db.example/kinora?sslmode=disable"), Protection::Disable);
        assert_eq!(protection("postgresql://localhost/kinora?sslmode=require"), Protection::Require);
        assert_eq!(protection("postgresql:///kinora?host=/run&sslmode=require"), Protection::Disable);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_what_to_write() {
        let words = |text: &str| Address::parse(text).map(|_| ()).unwrap_err().to_string();
        let text = words("postgresql://db.example/kinora?sslmode=allow");
        assert!(text.contains("verify-full") && text.contains("\"allow\""), "{text}");
        let text = words("postgresql://db.example/kinora?sslmode=verify-full");
        assert!(text.contains("sslrootcert"), "{text}");
        let text = words("postgresql://db.example/kinora?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem");
        assert!(text.contains("/nowhere/ca.pem"), "{text}");
        let empty = tempfile::NamedTempFile::new().unwrap();
        let named = format!("host=db.example sslmode=verify-ca sslrootcert='{}'", empty.path().display());
        assert!(words(&named).contains("no certificate"), "{}", words(&named));
        assert!(Address::parse("nonsense").is_err());
    }
}

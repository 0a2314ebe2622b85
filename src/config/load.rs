//! Reads settings from file and environment.

use super::{Config, Mode};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("reading {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is no TOML.
    #[error("{0} is not valid TOML: {1}")]
    Syntax(PathBuf, toml::de::Error),
    /// A setting does not exist.
    #[error("unknown setting {key}{}", .nearest.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    Unknown {
        /// Its path, such as `mail.smtp_ulr`.
        key: String,
        /// The known setting that is most alike.
        nearest: Option<String>,
    },
    /// A value has the wrong form.
    #[error("settings: {0}")]
    Value(toml::de::Error),
    /// Values that can never work.
    #[error("settings: {}", .0.iter().map(|(setting, words)| format!("{setting} {words}")).collect::<Vec<_>>().join("; "))]
    Useless(Vec<super::Problem>),
}

/// Where the package keeps the settings; read by the installed program when nothing else is named.
pub const PACKAGED: &str = "/etc/kinora/kinora.toml";
/// Where the package puts the program.
const INSTALLED: &str = "/usr/bin/kinora";

/// Settings from `file` (or `KINORA_CONFIG`), the environment, systemd's credentials and `overrides`, in
/// rising order.
///
/// Environment variables are `KINORA_` and the setting's path with `__` between its parts. A credential
/// (a file in `CREDENTIALS_DIRECTORY`) has the setting's path as its name, such as `mail.smtp_url`.
///
/// # Errors
/// If a file or value cannot be read, a setting is unknown, or its value can never work.
pub fn load(file: Option<&Path>, overrides: Table) -> Result<Config, ConfigError> {
    let config = read_only(file, overrides)?;
    let problems = config.problems();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Useless(problems)) }
}

/// The same for somebody who wants to hear of all that is wrong with the values, and starts nothing with them.
///
/// # Errors
/// If a file or value cannot be read, or a setting is unknown.
pub fn read_only(file: Option<&Path>, overrides: Table) -> Result<Config, ConfigError> {
    let from_env = std::env::var_os("KINORA_CONFIG").map(PathBuf::from);
    let mut table = match file.map(Path::to_owned).or(from_env) {
        None => Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|e| ConfigError::File(path.clone(), e))?;
            text.parse::<Table>().map_err(|e| ConfigError::Syntax(path.clone(), e))?
        }
    };
    take_former_names(&mut table);
    merge(&mut table, environment(std::env::vars()));
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        merge(&mut table, credentials(Path::new(&folder))?);
    }
    merge(&mut table, overrides);
    read(table)
}

/// The settings of the package, for the installed program; none for one that was built or copied elsewhere,
/// and none where nothing was installed.
#[must_use]
pub fn packaged() -> Option<PathBuf> {
    let installed = std::env::current_exe().is_ok_and(|program| program == Path::new(INSTALLED));
    (installed && Path::new(PACKAGED).exists()).then(|| PathBuf::from(PACKAGED))
}

/// `[cdn]` was `[delivery.cdn]` once, and `geoip_db` at the top is `billing.geoip_db`; who names a setting both ways
/// means the name that the reference has.
fn take_former_names(table: &mut Table) {
    if let Some(file) = table.remove("geoip_db") {
        let billing = table.entry("billing".to_owned()).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(billing) = billing {
            billing.entry("geoip_db".to_owned()).or_insert(file);
        }
    }
    let Some(Value::Table(delivery)) = table.get_mut("delivery") else { return };
    let Some(mut former) = delivery.remove("cdn") else { return };
    match (&mut former, table.remove("cdn")) {
        (Value::Table(former), Some(Value::Table(cdn))) => merge(former, cdn),
        (_, Some(cdn)) => former = cdn,
        (_, None) => {}
    }
    table.insert("cdn".to_owned(), former);
}

/// One setting from each file of `folder`, by its name; a line end behind the value is not part of it.
fn credentials(folder: &Path) -> Result<Table, ConfigError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |e| ConfigError::File(path, e)
    };
    let mut table = Table::new();
    for entry in std::fs::read_dir(folder).map_err(fail(folder))? {
        let path = entry.map_err(fail(folder))?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        let text = std::fs::read_to_string(&path).map_err(fail(&path))?;
        set(&mut table, &name.split('.').map(str::to_owned).collect::<Vec<_>>(), text.trim_end().to_owned());
    }
    take_former_names(&mut table);
    Ok(table)
}

fn read(table: Table) -> Result<Config, ConfigError> {
    let known = Table::try_from(Config::known()).unwrap_or_default();
    check_known(&table, &known, "")?;
    let mut config = Value::Table(table).try_into::<Config>().map_err(ConfigError::Value)?;
    if config.is_demo() {
        config.studio.fill_for_demo();
    }
    Ok(config)
}

impl super::Studio {
    /// A seller whose invoices show everything that a real one's do: a made-up address, and the number
    /// that the Dutch tax office uses in its examples.
    fn fill_for_demo(&mut self) {
        if self.legal_address.is_empty() && self.vat_number.is_empty() {
            self.legal_address = "Voorbeeldkade 12\n1012 AB Amsterdam".into();
            self.vat_number = "NL000099998B57".into();
        }
    }
}

impl Config {
    /// The defaults with every optional setting present, so that all keys can be listed.
    #[must_use]
    pub fn known() -> Self {
        let mut config = Self::default();
        config.base_url = Some(String::new());
        config.database_url = Some(String::new());
        config.keys_database_url = Some(String::new());
        config.sentry_dsn = Some(String::new());
        config.secrets_dir = Some(PathBuf::new());
        config.mail.smtp_url = Some(String::new());
        config.studio.security_contact = Some(String::new());
        config.limits.registration_seconds = Some(0);
        config.accounts.registration = Some(super::Registration::Open);
        config.accounts.staff_second_factor = Some(true);
        config.accounts.challenge = Some(true);
        config.accounts.step_up_minutes = Some(10);
        config.billing.geoip_db = Some(PathBuf::new());
        config.billing.exchange_rates_url = Some(String::new());
        config.oidc.issuer = Some(String::new());
        config.oidc.client_secret_file = Some(PathBuf::new());
        config.oidc.roles_claim = Some(String::new());
        config.oidc.webhook_secret = Some(String::new());
        config.vies.base_url = Some(String::new());
        config.gateways.sandbox.base_url = Some(String::new());
        config.gateways.sandbox.webhook_secret = Some(String::new());
        config.gateways.stripe.webhook_secret = Some(String::new());
        config.delivery.accel = Some(String::new());
        config.cdn.base_url = Some(String::new());
        config.cdn.private_key_file = Some(PathBuf::new());
        config.cdn.cookie_domain = Some(String::new());
        config.storage.s3.bucket = Some(String::new());
        config.storage.s3.endpoint = Some(String::new());
        config.storage.s3.secret_file = Some(PathBuf::new());
        config.backup.folder = Some(PathBuf::new());
        config.mode = Mode::Development;
        config
    }
}

fn check_known(given: &Table, known: &Table, path: &str) -> Result<(), ConfigError> {
    for (key, value) in given {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        // A table of free keys (currencies, groups) is read as it is.
        match (known.get(key), value) {
            (None, _) => {
                let nearest = known
                    .keys()
                    .map(|k| (strsim::jaro_winkler(k, key), k))
                    .filter(|(score, _)| *score > 0.75)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, k)| if path.is_empty() { k.clone() } else { format!("{path}.{k}") });
                return Err(ConfigError::Unknown { key: full, nearest });
            }
            (Some(Value::Table(inner)), Value::Table(given))
                if !["billing.currencies", "oidc.roles"].contains(&full.as_str()) =>
            {
                check_known(given, inner, &full)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// `KINORA_MAIL__FROM=x` → `mail.from = "x"`. Values that read as TOML (numbers, booleans, lists)
/// are taken as such, everything else as text.
fn environment(vars: impl Iterator<Item = (String, String)>) -> Table {
    let mut table = Table::new();
    for (name, text) in vars {
        let Some(path) = name.strip_prefix("KINORA_") else { continue };
        if matches!(path, "CONFIG" | "LOG") {
            continue;
        }
        let parts: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        set(&mut table, &parts, text);
    }
    take_former_names(&mut table);
    table
}

fn set(table: &mut Table, parts: &[String], text: String) {
    let known = Table::try_from(Config::known()).unwrap_or_default();
    let is_text = lookup(&known, parts).is_some_and(Value::is_str);
    let value = if is_text { Value::String(text) } else { parse_value(&text) };
    insert(table, parts, value);
}

fn lookup<'a>(table: &'a Table, parts: &[String]) -> Option<&'a Value> {
    let (first, rest) = parts.split_first()?;
    let value = table.get(first)?;
    if rest.is_empty() { Some(value) } else { lookup(value.as_table()?, rest) }
}

fn parse_value(text: &str) -> Value {
    format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn insert(table: &mut Table, parts: &[String], value: Value) {
    let Some((first, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
    } else if let Value::Table(inner) =
        table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()))
    {
        insert(inner, rest, value);
    }
}

/// Lays `over` on `base`.
pub fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("toml")
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = read(table("allow_registrations = true")).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "unknown setting allow_registrations; did you mean allow_registration?"
        );
        let error = read(table("[mail]\nsmtp_ulr = 'x'")).expect_err("unknown");
        assert!(error.to_string().ends_with("did you mean mail.smtp_url?"), "{error}");
    }

    #[test]
    fn credentials_are_settings_by_name_and_unknown_ones_are_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        file("mail.smtp_url", "smtps://user:12@mail.example.org\n");
        file("gateways.stripe.secret_key", "42");
        let config = read(credentials(folder.path()).expect("read")).expect("config");
        assert_eq!(config.mail.smtp_url.as_deref(), Some("smtps://user:12@mail.example.org"));
        assert_eq!(config.gateways.stripe.secret_key, "42", "text stays text");
        file("mail.smtp_ulr", "x");
        let error = read(credentials(folder.path()).expect("read")).expect_err("unknown");
        assert!(error.to_string().ends_with("did you mean mail.smtp_url?"), "{error}");
        assert!(credentials(&folder.path().join("none")).is_err(), "a promised folder that is not there");
    }

    #[test]
    fn the_network_of_caches_keeps_its_former_name() {
        let mut given =
            table("[delivery]\ndownloads = 7\n[delivery.cdn]\nbase_url = 'https://a.example'\nminutes = 3");
        take_former_names(&mut given);
        let config = read(given).expect("config");
        assert_eq!((config.cdn.base(), config.cdn.minutes), (Some("https://a.example"), 3));
        assert_eq!(config.delivery.downloads, 7);
        let mut both = table("[delivery.cdn]\nminutes = 3\nkey_pair_id = 'K'\n[cdn]\nminutes = 4");
        take_former_names(&mut both);
        let config = read(both).expect("config");
        assert_eq!((config.cdn.minutes, config.cdn.key_pair_id.as_str()), (4, "K"));
        let vars = [("KINORA_DELIVERY__CDN__MINUTES", "5"), ("KINORA_CDN__KEY_PAIR_ID", "12")];
        let vars = vars.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned()));
        let config = read(environment(vars)).expect("config");
        assert_eq!((config.cdn.minutes, config.cdn.key_pair_id.as_str()), (5, "12"));
    }

    #[test]
    fn the_database_of_countries_may_stand_at_the_top() {
        let file = |text: &str| {
            let mut given = table(text);
            take_former_names(&mut given);
            read(given).expect("config").billing.geoip_db
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(file("geoip_db = '/a.mmdb'"), path("/a.mmdb"));
        assert_eq!(file("geoip_db = '/a.mmdb'\n[billing]\ngift_days = 3"), path("/a.mmdb"));
        assert_eq!(file("geoip_db = '/a.mmdb'\n[billing]\ngeoip_db = '/b.mmdb'"), path("/b.mmdb"));
        let vars = [("KINORA_GEOIP_DB".to_owned(), "/c.mmdb".to_owned())].into_iter();
        assert_eq!(read(environment(vars)).expect("config").billing.geoip_db, path("/c.mmdb"));
    }

    #[test]
    fn the_environment_lies_over_the_file() {
        let mut base = table("[studio]\nname = 'A'\nhue = 10");
        let vars = [("KINORA_STUDIO__NAME", "12"), ("KINORA_ALLOW_REGISTRATION", "false"), ("HOME", "/x")];
        merge(&mut base, environment(vars.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned()))));
        let config = read(base).expect("config");
        assert_eq!(
            (config.studio.name.as_str(), config.studio.hue, config.allow_registration),
            ("12", 10, false)
        );
    }
}

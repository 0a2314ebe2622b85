//! `kinora config check|show|init`.

use super::{CliError, Global, out, print_json};
use crate::actors::accounts::sign_in_service;
use crate::actors::backup;
use crate::adapters::geoip;
use crate::config::{Config, Registration};
use crate::http::cdn;
use crate::media::office;
use crate::media::sandbox::Confinement;
use crate::store::address::Address;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct SettingsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Whether the settings can be read, and with --deploy whether they are fit for other people's data.
    Check {
        /// List every insecure setting.
        #[arg(long)]
        deploy: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The settings in force, secrets masked.
    Show,
    /// Write a settings file to start from.
    Init {
        /// Where to.
        #[arg(default_value = "kinora.toml")]
        file: PathBuf,
    },
}

/// One thing that should be different in production.
#[derive(serde::Serialize)]
struct Finding {
    level: &'static str,
    setting: &'static str,
    text: String,
}

pub fn settings(global: &Global, args: SettingsArgs) -> Result<(), CliError> {
    match args.action {
        Action::Check { deploy, json } => {
            let config = global.any_config()?;
            let found = if deploy { findings(&config) } else { useless(&config) };
            let ok = found.iter().all(|f| f.level != "error");
            let sandbox = deploy.then(|| Confinement::here().words());
            if json {
                print_json(&serde_json::json!({ "ok": ok, "findings": found, "sandbox": sandbox }))?;
            } else {
                if let Some(words) = sandbox {
                    say!("helper programs on this host: {words}");
                }
                found.iter().for_each(|f| say!("{}: {}: {}", f.level, f.setting, f.text));
                if found.is_empty() {
                    say!("nothing found");
                }
            }
            if ok { Ok(()) } else { Err(CliError::Silent) }
        }
        Action::Show => {
            let mut config = global.any_config()?;
            config.database_url = config.database_url.as_deref().map(mask);
            config.sentry_dsn = config.sentry_dsn.as_deref().map(mask);
            config.keys_database_url = config.keys_database_url.as_deref().map(mask);
            let gateways = &mut config.gateways;
            for secret in [&mut gateways.sandbox.webhook_secret, &mut gateways.stripe.webhook_secret] {
                *secret = secret.take().map(|_| "…".into());
            }
            config.oidc.webhook_secret = config.oidc.webhook_secret.take().map(|_| "…".into());
            if !gateways.stripe.secret_key.is_empty() {
                gateways.stripe.secret_key = "…".into();
            }
            for key in [&mut config.search.search_key, &mut config.search.admin_key] {
                if !key.is_empty() {
                    *key = "…".into();
                }
            }
            config.mail.smtp_url = config.mail.smtp_url.as_deref().map(mask);
            let text = toml::to_string_pretty(&config).map_err(|e| CliError::Failed(e.to_string()))?;
            out::put(format_args!("{text}"));
            Ok(())
        }
        Action::Init { file } => {
            if file.exists() {
                return Err(CliError::Usage(format!("{} exists already", file.display())));
            }
            let text =
                toml::to_string_pretty(&Config::default()).map_err(|e| CliError::Failed(e.to_string()))?;
            std::fs::write(&file, text)?;
            say!("wrote {}", file.display());
            Ok(())
        }
    }
}

/// Hides user and password of an address; all of it where the password may stand anywhere.
fn mask(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        _ if address.contains("password") => "…".to_owned(),
        (Some(start), Some(end)) if end > start => format!("{}://…{}", &address[..start], &address[end..]),
        _ => address.to_owned(),
    }
}

/// Refuses settings of a production instance that have an error-level finding.
///
/// # Errors
/// With all of them, one a line.
pub fn fit_for_production(config: &Config) -> Result<(), CliError> {
    if !config.is_production() {
        return Ok(());
    }
    let errors: Vec<String> = findings(config)
        .into_iter()
        .filter(|f| f.level == "error")
        .map(|f| format!("  {}: {}", f.setting, f.text))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let list = errors.join("\n");
    Err(CliError::Failed(format!(
        "these settings are not fit for production (kinora config check --deploy):\n{list}"
    )))
}

/// What can never work, whatever the mode.
fn useless(config: &Config) -> Vec<Finding> {
    let of = |(setting, text)| Finding { level: "error", setting, text };
    config.problems().into_iter().map(of).collect()
}

fn findings(config: &Config) -> Vec<Finding> {
    let mut found = useless(config);
    let mut add = |level, setting, text: &str| found.push(Finding { level, setting, text: text.to_owned() });
    if !config.is_production() {
        add("error", "mode", "must be \"production\"");
    }
    if config.allowed_hosts.is_empty() || config.allowed_hosts.iter().any(|h| h.contains('*')) {
        add("error", "allowed_hosts", "name every host the site answers to, without wildcards");
    }
    if !config.base_url.as_deref().is_some_and(|u| u.starts_with("https://")) {
        add("error", "base_url", "must be the site's https:// address, so that cookies are secure");
    }
    for (setting, url) in
        [("database_url", &config.database_url), ("keys_database_url", &config.keys_database_url)]
    {
        if url.as_deref().and_then(|url| Address::parse(url).ok()).is_some_and(|a| a.trusts_anybody()) {
            let words = "leads to another machine and believes whoever answers there: add sslmode=verify-full \
                         and sslrootcert, the file of the authority that signed its certificate";
            add("warning", setting, words);
        }
    }
    if config.mail.smtp_url.is_none() {
        add("error", "mail.smtp_url", "mail goes to files; nobody would receive any");
    }
    if config.gateways.sandbox.enabled {
        add("error", "gateways.sandbox.enabled", "the sandbox takes play money; switch it off");
    }
    let stripe = &config.gateways.stripe;
    if stripe.enabled && (stripe.secret_key.is_empty() || stripe.publishable_key.is_empty()) {
        add("error", "gateways.stripe.secret_key", "both keys of Stripe are needed to take cards");
    }
    if stripe.enabled && (stripe.secret_key.contains("_test_") || stripe.publishable_key.contains("_test_")) {
        add("warning", "gateways.stripe.secret_key", "these are Stripe's test keys: no money will move");
    }
    if stripe.enabled && stripe.webhook_secret.is_none() {
        add(
            "warning",
            "gateways.stripe.webhook_secret",
            "without it, late answers wait for the next look-up",
        );
    }
    if config.registration() == Registration::Open && config.accounts.challenge == Some(false) {
        add("warning", "accounts.registration", "registration is open without a challenge");
    }
    if config.accounts.staff_second_factor == Some(false) {
        add("error", "accounts.staff_second_factor", "staff must use a second factor; leave the setting out");
    }
    if let Some(problem) = sign_in_service::problem(config) {
        add("error", "oidc", &problem);
    }
    if let Some((setting, words)) = config.cdn.problem().filter(|(setting, _)| *setting != "cdn.minutes") {
        add("error", setting, &words);
    } else if let Some(words) = cdn::problem(config) {
        add("error", "cdn", &words);
    }
    // OWASP's least for argon2id.
    if config.accounts.password_memory_kib < 7168 {
        add("error", "accounts.password_memory_kib", "is too little to slow anybody down: at least 7168");
    }
    if (1..14).contains(&config.billing.withdrawal_days) {
        add("warning", "billing.withdrawal_days", "consumers in the European Union have at least 14 days");
    }
    if let Some(Err(problem)) = config.billing.geoip_db.as_deref().map(geoip::check) {
        add("error", "billing.geoip_db", &problem.to_string());
    }
    if let Some((setting, words)) = config.storage.problem(config.is_production()) {
        add("error", setting, &words);
    }
    match &config.backup.folder {
        None => add("warning", "backup.folder", "no backups are made; name a folder on another disk"),
        Some(folder) if backup::newest(folder, "database").is_none() => {
            add("warning", "backup.folder", "no backup is there yet: kinora backup create");
        }
        Some(_) => {}
    }
    if config.backup.keys_days > 7 {
        add(
            "error",
            "backup.keys_days",
            "a copy of the key store may be kept for 7 days, so that erased people stay erased",
        );
    }
    let bank = &config.gateways.bank;
    if bank.enabled && bank.iban == Config::default().gateways.bank.iban {
        add("error", "gateways.bank.iban", "name the studio's own account; this one is an example");
    }
    if readable_by_others(&config.secrets_folder()) {
        add(
            "error",
            "secrets_dir",
            "files there can be read by others: chmod 600 the files and 700 the folder",
        );
    }
    if config.studio.legal_address.is_empty() {
        add("warning", "studio.legal_address", "invoices need the seller's address");
    }
    let confinement = Confinement::here();
    if !confinement.is_whole() {
        let words = format!("programs that read uploads are not wholly confined: {}", confinement.words());
        add("warning", "sandbox", &words);
    }
    if matches!(confinement, Confinement::Within { network: true, .. }) && office::program().is_some() {
        let words = "LibreOffice is installed but cannot run here, because it needs sockets: office documents stay downloads until bubblewrap works";
        add("warning", "sandbox", words);
    }
    if toml::to_string(config).is_ok_and(|t| t.contains("CHANGE_ME")) {
        add("error", "*", "a CHANGE_ME is left in the settings");
    }
    found
}

fn readable_by_others(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
    open(folder) || std::fs::read_dir(folder).into_iter().flatten().flatten().any(|e| open(&e.path()))
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn passwords_are_masked() {
        assert_eq!(mask("smtp://user:secret@mail.example.org:587"), "smtp://…@mail.example.org:587");
        assert_eq!(mask("smtp://localhost"), "smtp://localhost");
    }
}

//! What holds where the settings say nothing.

use super::{
    Accounts, Backup, Bank, Billing, Comments, Config, Erasure, Gateways, Jobs, Limits, Mail, Media, Mode,
    Oidc, Previews, Processing, Sandbox, SchedulerKind, Stripe, Studio, Vies,
};
use crate::domain::media::Kind;
use std::collections::BTreeMap;
use std::net::SocketAddr;

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Development,
            data: Self::default_data().to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9187)),
            base_url: None,
            allowed_hosts: Vec::new(),
            allow_registration: true,
            processing: Processing::Background,
            database_url: None,
            keys_database_url: None,
            sentry_dsn: None,
            secrets_dir: None,
            studio: Studio::default(),
            mail: Mail::default(),
            jobs: Jobs { scheduler: SchedulerKind::Internal },
            accounts: Accounts::default(),
            oidc: Oidc::default(),
            limits: Limits::default(),
            media: Media::default(),
            delivery: super::Delivery::default(),
            cdn: super::Cdn::default(),
            storage: super::Storage::default(),
            search: super::Search::default(),
            previews: Previews::default(),
            comments: Comments::default(),
            billing: Billing::default(),
            vies: Vies::default(),
            gateways: Gateways::default(),
            erasure: Erasure::default(),
            backup: Backup::default(),
        }
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            registration: None,
            staff_second_factor: None,
            step_up_minutes: None,
            challenge: None,
            challenge_cost: 5000,
            staff_idle_minutes: 30,
            staff_session_hours: 12,
            session_days: 365,
            password_memory_kib: 19_456,
            password_passes: 2,
            disposable_mail: false,
            refused_mail_domains: vec![],
            export_days: 7,
        }
    }
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            client_secret_file: None,
            label: "single sign-on".into(),
            scopes: vec!["email".into(), "profile".into()],
            mail_domains: Vec::new(),
            roles_claim: None,
            roles: BTreeMap::new(),
            webhook_secret: None,
        }
    }
}

impl Default for Backup {
    fn default() -> Self {
        Self { folder: None, database_days: 30, keys_days: 7 }
    }
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            name: "Kinora Studio".into(),
            tagline: "Films and training, made in the open.".into(),
            hue: 195,
            zone: "Europe/Amsterdam".into(),
            country: "NL".into(),
            legal_name: "Kinora Studio".into(),
            legal_address: String::new(),
            vat_number: String::new(),
            contact: String::new(),
            security_contact: None,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self { from: "Kinora Studio <studio@localhost.localdomain>".into(), smtp_url: None }
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self { scheduler: SchedulerKind::Internal }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let usual = crate::media::Limits::default();
        Self {
            upload_bytes: 4 << 30,
            account_bytes: 200 << 30,
            picture_bytes: 8 << 20,
            free_disk_bytes: 1 << 30,
            free_disk_again_bytes: 0,
            kinds: Kind::ALL.to_vec(),
            body_bytes: 1 << 20,
            body_idle_seconds: 30,
            pixels: 40_000_000,
            duration_seconds: 4 * 3600,
            side: usual.side,
            streams: usual.streams,
            frames_per_second: usual.frame_rate,
            helper_memory_bytes: usual.memory_mib << 20,
            helper_file_bytes: usual.file_mib << 20,
            helper_seconds: usual.probe_seconds,
            sign_in_failures: 10,
            registration_seconds: None,
            registrations_per_network: 5,
            registrations_per_domain: 20,
            registrations_unproved: 10,
            connections: 2048,
            commands: 2048,
            aggregate_idle_seconds: 120,
            opened_people: 20_000,
        }
    }
}

impl Default for Previews {
    fn default() -> Self {
        let usual = crate::media::Limits::default();
        Self {
            document_pages: usual.document_pages,
            text_kib: usual.text_kib,
            model_mib: usual.model_mib,
            model_triangles: usual.model_triangles,
            archive_entries: usual.archive_entries,
            archive_read_mib: usual.archive_read_mib,
        }
    }
}

impl Default for Comments {
    fn default() -> Self {
        Self { enabled: true, edit_minutes: 15, longest: 4000, most_in_ten_minutes: 10 }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { enabled: true, base_url: None, webhook_secret: None }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self {
            enabled: false,
            publishable_key: String::new(),
            secret_key: String::new(),
            webhook_secret: None,
            base_url: "https://api.stripe.com".into(),
            script_url: "https://js.stripe.com/v3/".into(),
        }
    }
}

impl Default for Bank {
    fn default() -> Self {
        Self {
            enabled: true,
            iban: "NL02ABNA0123456789".into(),
            holder: "Kinora Studio".into(),
            creditor_id: String::new(),
            bic: String::new(),
            debit_notice_days: 5,
        }
    }
}

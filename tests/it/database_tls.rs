//! PostgreSQL behind TLS: whom Kinora believes, and whom not.

use kinora::config::{Config, Mode};
use kinora::startup::{Instance, Roles};
use kinora::store::address::Address;
use kinora::store::cluster::Cluster;
use kinora::store::dump::Dumper;
use kinora::store::pool::{Database, connect};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

/// A server that takes nothing but TLS and passwords, and the certificates it may show.
struct Server {
    cluster: Cluster,
    folder: tempfile::TempDir,
    /// One of this machine's own that nobody else uses, so that the port can stay.
    number: String,
}

const PASSWORD: &str = "a b?c'd";

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        // PostgreSQL's own user passes through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
        let cluster = Cluster::start_or_join(folder.path()).await.expect("cluster");
        let authority = folder.path().join("authority");
        openssl(&authority, &["-subj", "/CN=An authority", "-addext", "basicConstraints=critical,CA:TRUE"]);
        openssl(&folder.path().join("stranger"), &["-subj", "/CN=A stranger"]);
        let names = ["-subj", "/CN=db", "-addext", "subjectAltName=DNS:localhost,DNS:db.example"];
        openssl(&folder.path().join("own"), &names);
        let (ca, key) = (authority.with_extension("pem"), authority.with_extension("key"));
        let signed = ["-addext", "basicConstraints=CA:FALSE", "-CA", text(&ca), "-CAkey", text(&key)];
        openssl(&folder.path().join("named"), &[&names[..], &signed].concat());
        let data = folder.path().join("postgres");
        std::fs::write(
            folder.path().join("doors.conf"),
            "local all all peer map=kinora\nhostssl all all all scram-sha-256\n",
        )
        .expect("doors");
        for name in ["named.pem", "named.key", "own.pem", "own.key", "doors.conf"] {
            let copy = data.join(name);
            let owner = std::fs::metadata(&data).expect("folder");
            std::fs::copy(folder.path().join(name), &copy).expect("copied");
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).expect("mode");
            std::os::unix::fs::chown(&copy, Some(owner.uid()), Some(owner.gid())).expect("owner");
        }
        let pid = std::process::id();
        let number = format!("127.{}.{}.{}", 64 + (pid >> 16) % 64, (pid >> 8) % 256, 1 + pid % 254);
        let superuser = connect(&superuser_of(&cluster)).await.expect("superuser");
        cluster.make_database(&superuser, "doors").await.expect("database");
        let quoted = PASSWORD.replace('\'', "''");
        for statement in [
            format!("alter system set listen_addresses = '{number}'"),
            "alter system set ssl = on".into(),
            "alter system set ssl_cert_file = 'named.pem'".into(),
            "alter system set ssl_key_file = 'named.key'".into(),
            format!("alter system set hba_file = '{}'", data.join("doors.conf").display()),
            format!("alter role kinora_owner password '{quoted}'"),
        ] {
            superuser.batch_execute(&statement).await.expect("set");
        }
        drop(superuser);
        cluster.leave().expect("stopped");
        let cluster = Cluster::start_or_join(folder.path()).await.expect("started again");
        Self { cluster, folder, number }
    }

    /// The words by which a file of certificates is named.
    fn by(&self, mode: &str, file: &str) -> String {
        format!("sslmode={mode}&sslrootcert={}", self.folder.path().join(file).display())
    }

    /// An address of the server by the name `host`, with `words` about TLS.
    fn url(&self, host: &str, words: &str) -> String {
        let password = percent_encoding::utf8_percent_encode(PASSWORD, percent_encoding::NON_ALPHANUMERIC);
        format!("postgresql://kinora_owner:{password}@{host}/doors?hostaddr={}&{words}", self.number)
    }

    /// What happens to somebody who comes so: the protocol that is spoken, or why not.
    async fn comes(&self, host: &str, words: &str) -> Result<String, String> {
        let database = Database::by_url(&self.url(host, words)).map_err(|e| e.to_string())?;
        let client = connect(&database.owner).await.map_err(|e| e.to_string())?;
        let sql = "select version from pg_stat_ssl where pid = pg_backend_pid()";
        let row = client.query_one(sql, &[]).await.expect("asked");
        Ok(row.get::<_, Option<String>>(0).unwrap_or_else(|| "plain".into()))
    }
}

fn superuser_of(cluster: &Cluster) -> Address {
    let mut address = cluster.database("postgres").owner;
    address.user("postgres");
    address
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A key and a certificate of a day, `path` with `.key` and `.pem`.
fn openssl(path: &Path, more: &[&str]) {
    let (key, pem) = (path.with_extension("key"), path.with_extension("pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
        ])
        .args(["-keyout", text(&key), "-out", text(&pem)])
        .args(more)
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_answer_is_what_the_address_says() {
    let server = Server::start().await;
    let by = |mode, file| server.by(mode, file);
    let plain = server.comes("db.example", "sslmode=disable").await.expect_err("nobody is let in");
    assert!(plain.contains("no encryption"), "{plain}");
    for (host, words) in [
        ("elsewhere.example", "sslmode=prefer".into()),
        ("elsewhere.example", "sslmode=require".into()),
        ("elsewhere.example", "sslmode=require&channel_binding=require".into()),
        ("elsewhere.example", by("require", "authority.pem")),
        ("elsewhere.example", by("verify-ca", "authority.pem")),
        ("elsewhere.example", by("verify-ca", "named.pem")),
        ("db.example", by("verify-full", "authority.pem")),
        ("db.example", by("verify-full", "named.pem")),
    ] {
        assert_eq!(server.comes(host, &words).await, Ok("TLSv1.3".into()), "{host} {words}");
    }
    for (host, words, why) in [
        ("elsewhere.example", by("verify-full", "authority.pem"), "not valid for name"),
        ("elsewhere.example", by("verify-full", "named.pem"), "not valid for name"),
        // The common name is none of its names.
        ("db", by("verify-full", "authority.pem"), "not valid for name"),
        ("db.example", by("verify-full", "stranger.pem"), "UnknownIssuer"),
        ("db.example", by("verify-ca", "stranger.pem"), "UnknownIssuer"),
        ("db.example", by("require", "stranger.pem"), "UnknownIssuer"),
        ("db.example", by("verify-full", "own.pem"), "UnknownIssuer"),
    ] {
        let refused = server.comes(host, &words).await.expect_err(&words);
        assert!(refused.contains(why), "{host} {words}: {refused}");
    }

    // A certificate that the server signed itself, as many are made by hand.
    let superuser = connect(&superuser_of(&server.cluster)).await.expect("superuser");
    superuser.batch_execute("alter system set ssl_cert_file = 'own.pem'").await.expect("set");
    superuser.batch_execute("alter system set ssl_key_file = 'own.key'").await.expect("set");
    superuser.batch_execute("select pg_reload_conf()").await.expect("reload");
    let itself = by("verify-full", "own.pem");
    for _ in 0..50 {
        if server.comes("db.example", &itself).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(server.comes("db.example", &itself).await, Ok("TLSv1.3".into()));
    let refused = server.comes("elsewhere.example", &itself).await.expect_err("another name");
    assert!(refused.contains("not valid for name"), "{refused}");
    assert!(server.comes("db.example", &by("verify-full", "authority.pem")).await.is_err());
    drop(superuser);
    server.cluster.leave().expect("left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_studio_works_and_is_saved_over_it() {
    let server = Server::start().await;
    let database = Database::by_url(&server.url("db.example", &server.by("verify-full", "authority.pem")))
        .expect("an address");
    let data = tempfile::tempdir().expect("folder");
    let config = Config { mode: Mode::Demo, data: data.path().to_owned(), ..Config::default() };
    let instance = Instance::open_on(config, database.clone(), None, true).await.expect("opened");
    instance.start(Roles::COMMAND);
    let client = connect(&superuser_of(&server.cluster)).await.expect("superuser");
    let sql =
        "select count(*), count(*) filter (where ssl) from pg_stat_activity join pg_stat_ssl using (pid)
               where usename = 'kinora_owner'";
    let row = client.query_one(sql, &[]).await.expect("looked");
    let (all, encrypted): (i64, i64) = (row.get(0), row.get(1));
    assert!(all > 1 && all == encrypted, "{encrypted} of {all}");
    instance.close().await.expect("closed");

    let dumper = Dumper { programs: Some(server.cluster.programs().to_owned()), database };
    let file = data.path().join("dump");
    dumper.dump(&file).expect("dumped");
    assert!(dumper.contents(&file).expect("listed").contains("TABLE DATA public events"));
    drop(client);
    server.cluster.leave().expect("left");
}

//! nginx, with the file of `deploy/`, in front of a running Kinora.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::running::{Running, data_folder, get};

const HOST: &str = "studio.example.org";

pub struct Nginx {
    child: Child,
    port: u16,
    /// Where it answers without TLS, which the file of `deploy/` has no door for.
    pub clear: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// In front of a site whose media folder is `media`. Where the test is root, nginx reads files as somebody
    /// else, of the same group.
    pub fn before(site: SocketAddr, media: &Path) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        let path = folder.path().to_string_lossy().into_owned();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=studio.example.org",
                "-keyout",
                &format!("{path}/privkey.pem"),
                "-out",
                &format!("{path}/fullchain.pem"),
            ])
            .output()
            .expect("openssl");
        assert!(made.status.success());
        let free =
            |_: ()| TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let (plain, tls, clear) = (free(()), free(()), free(()));
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let media = format!("{}/", media.display());
        let conf = std::fs::read_to_string(here.join("deploy/etc/nginx/sites-available/kinora.conf"))
            .expect("read")
            .replace("/etc/letsencrypt/live/studio.example.org", &path)
            .replace("127.0.0.1:8080", &site.to_string())
            .replace("/var/lib/kinora/media/", &media)
            .replace("rate=20r/s", "rate=9999r/s")
            .replace("listen 443 ssl http2;", &format!("listen 443 ssl http2; listen 127.0.0.1:{clear};"))
            .replace("listen 80", &format!("listen 127.0.0.1:{plain}"))
            .replace("listen 443", &format!("listen 127.0.0.1:{tls}"))
            .replace("/var/lib/kinora-maintenance", &path)
            .replace("/usr/share/kinora", &here.join("deploy").to_string_lossy());
        std::fs::write(folder.path().join("site.conf"), conf).expect("written");
        let user =
            if nix::unistd::geteuid().is_root() { "user nobody root;\n" } else { "master_process off;\n" };
        let main = format!(
            "daemon off;\n{user}worker_processes 1;\npid {path}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n access_log off;\n \
             client_body_temp_path {path}/body;\n proxy_temp_path {path}/proxy;\n fastcgi_temp_path {path}/f;\n uwsgi_temp_path {path}/u;\n \
             scgi_temp_path {path}/s;\n include site.conf;\n}}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), main).expect("written");
        let search = std::env::var("PATH").unwrap_or_default();
        let child = Command::new("nginx")
            .env("PATH", format!("{search}:/usr/sbin"))
            .args(["-p", &path, "-e", "stderr", "-c", "nginx.conf"])
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts; `scripts/needs test` installs it");
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", tls)).is_err() {
            assert!(Instant::now() < until, "nginx was not ready in 20 seconds");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self { child, port: tls, clear: SocketAddr::from(([127, 0, 0, 1], clear)), folder }
    }

    /// Status and head of the answer for a host and path; `None` when the connection was closed.
    fn ask(&self, host: &str, path: &str, more: &[&str]) -> Option<(u16, String)> {
        let out = Command::new("curl")
            .args([
                "--silent",
                "--insecure",
                "--max-time",
                "20",
                "--dump-header",
                "-",
                "--output",
                "/dev/null",
            ])
            .args(["--resolve", &format!("{host}:{}:127.0.0.1", self.port)])
            .args(more)
            .arg(format!("https://{host}:{}{path}", self.port))
            .output()
            .expect("curl");
        let head = String::from_utf8_lossy(&out.stdout).to_ascii_lowercase();
        let status =
            head.lines().rfind(|line| line.starts_with("http/"))?.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, head))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not killed: a master ends its workers itself.
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_hands_on_what_it_should_and_nothing_else() {
    let data = data_folder();
    let settings = data.path().join("kinora.toml");
    std::fs::write(&settings, format!("allowed_hosts = ['{HOST}']\n")).expect("written");
    let kinora = Running::start(data, &["--demo", "--config", settings.to_str().expect("a path")]);
    let nginx = Nginx::before(kinora.site, &kinora.data.path().join("media"));
    let (status, _, _) = get(kinora.site, "/", &[]);
    assert_eq!(status, 421, "by its address the studio is not called");

    let (status, head) = nginx.ask(HOST, "/", &["--http2"]).expect("an answer");
    assert_eq!(status, 200, "{head}");
    assert!(head.starts_with("http/2"), "{head}");
    for header in [
        "strict-transport-security: max-age=63072000",
        "content-security-policy:",
        "x-content-type-options: nosniff",
    ] {
        assert!(head.contains(header), "{header} is missing:\n{head}");
    }
    assert_eq!(head.matches("strict-transport-security:").count(), 1, "{head}");
    assert_eq!(nginx.ask("other.example.org", "/", &[]), None, "an unknown host gets no answer");
    for hidden in ["/metrics", "/readyz", "/s/keys", "/s/indexes/works/documents", "/protected-media/x"] {
        assert_eq!(nginx.ask(HOST, hidden, &[]).map(|(status, _)| status), Some(404), "{hidden}");
    }
    assert_eq!(nginx.ask(HOST, "/operator", &[]).map(|(status, _)| status), Some(303));

    std::fs::write(nginx.folder.path().join("on"), "").expect("written");
    let (status, head) = nginx.ask(HOST, "/films", &[]).expect("an answer");
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 300"), "{head}");
}

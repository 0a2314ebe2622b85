//! A server that speaks S3, in process, over a folder; it can stop answering at a chosen request, as if
//! whoever sent that one was killed.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kinora::config::Config;
use kinora::domain::media::Place;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const NAME: &str = "works";
const KEY: &str = "TESTKEYID";
const SECRET: &str = "a bucket full of light";

pub struct Bucket {
    pub url: String,
    folder: TempDir,
    left: Arc<AtomicI64>,
    sent: Arc<AtomicU64>,
    silent: Arc<Notify>,
}

impl Bucket {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir_all(folder.path().join("objects").join(NAME)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path().join("objects")).expect("a file system");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let (left, silent) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::new(Notify::new()));
        let sent = Arc::new(AtomicU64::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (held, quiet, count) = (Arc::clone(&left), Arc::clone(&silent), Arc::clone(&sent));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, held, quiet) = (service.clone(), Arc::clone(&held), Arc::clone(&quiet));
                let count = Arc::clone(&count);
                let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (service, held, quiet) = (service.clone(), Arc::clone(&held), Arc::clone(&quiet));
                    count.fetch_add(1, Ordering::SeqCst);
                    async move {
                        if held.fetch_sub(1, Ordering::SeqCst) <= 0 {
                            quiet.notify_one();
                            std::future::pending::<()>().await;
                        }
                        service.call(request.map(s3s::Body::from)).await
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
            }
        });
        Self { url, folder, left, sent, silent }
    }

    /// Settings by which a studio keeps its works there.
    pub fn settings(&self, config: &mut Config) {
        let file = self.folder.path().join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("private");
        config.storage.keep = Place::S3;
        config.storage.s3.bucket = Some(NAME.into());
        config.storage.s3.endpoint = Some(self.url.clone());
        config.storage.s3.prefix = "studio/one".into();
        config.storage.s3.key_id = KEY.into();
        config.storage.s3.secret_file = Some(file);
    }

    /// Where the studio's objects lie as files.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("objects").join(NAME).join("studio/one")
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Answers `n` requests more, and nothing after them.
    pub fn answer(&self, n: i64) {
        self.left.store(n, Ordering::SeqCst);
    }

    /// Returns once a request is not answered.
    pub async fn is_silent(&self) {
        self.silent.notified().await;
    }
}

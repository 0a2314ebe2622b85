//! A running Kinora on a real PostgreSQL for each test: one private cluster per test run, one
//! database and one data folder per test.

pub mod bucket;
pub mod diary;
pub mod meili;
mod postgres;

use kinora::config::{Config, Mode};
use kinora::domain::shared::calendar::Zone;
use kinora::http::routes::{self, Table};
use kinora::http::{App, server};
use kinora::startup::{Instance, Roles};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A time as a field of a page takes it, and a day as the pages name it: by the clock of the studio.
pub fn typed(at: chrono::DateTime<chrono::Utc>) -> String {
    Zone::amsterdam().local_of(at).format("%Y-%m-%dT%H:%M").to_string()
}

/// See [`typed`].
pub fn day_of(at: chrono::DateTime<chrono::Utc>) -> chrono::NaiveDate {
    Zone::amsterdam().date_of(at)
}

/// A studio with its site on a free port. Dropping it leaves the work to the end of the run;
/// [`Studio::close`] ends it in order.
pub struct Studio {
    pub instance: Instance,
    /// Address of the site, without a slash at the end.
    pub url: String,
    pub data: Arc<TempDir>,
    database: String,
    stop: Option<oneshot::Sender<()>>,
}

impl Studio {
    /// All roles but the scheduler (tests fire jobs themselves), mode `demo`, empty.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = Arc::new(tempfile::tempdir().expect("data folder"));
        let database = postgres::new_database().await;
        Self::on(data, database, Roles { scheduler: false, ..Roles::ALL }, change).await
    }

    /// In a folder that somebody prepared.
    pub async fn start_in(data: TempDir, roles: Roles, change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Arc::new(data), postgres::new_database().await, roles, change).await
    }

    /// With other roles than all.
    pub async fn with_roles(roles: Roles) -> Self {
        let data = Arc::new(tempfile::tempdir().expect("data folder"));
        let database = postgres::new_database().await;
        Self::on(data, database, roles, |_| {}).await
    }

    /// Another process's view: the same database and data folder once more.
    pub async fn beside(&self, roles: Roles) -> Self {
        Self::on(Arc::clone(&self.data), self.database.clone(), roles, |_| {}).await
    }

    /// The same with other settings.
    pub async fn beside_with(&self, roles: Roles, change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Arc::clone(&self.data), self.database.clone(), roles, change).await
    }

    /// Ends the instance and starts it again on the same database and data folder.
    pub async fn restart(self) -> Self {
        self.restart_as(Roles { scheduler: false, ..Roles::ALL }, |_| {}).await
    }

    /// The same in other roles, with other settings.
    pub async fn restart_as(self, roles: Roles, change: impl FnOnce(&mut Config)) -> Self {
        let (data, database) = (Arc::clone(&self.data), self.database.clone());
        self.close().await;
        Self::on(data, database, roles, change).await
    }

    async fn on(
        data: Arc<TempDir>,
        database: String,
        roles: Roles,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let mut config = Config {
            mode: Mode::Demo,
            data: data.path().to_owned(),
            listen: listener.local_addr().expect("address"),
            ..Config::default()
        };
        // Here encoding is what is waited for, while other tests keep all processors busy.
        config.media.niceness = 0;
        change(&mut config);
        // Tests write diaries, which no studio has.
        kinora::store::known::know::<diary::DiaryEvent>();
        let url = config.site_url();
        let on = postgres::database(&database).await;
        let instance = Instance::open_on(config, on, None, true).await.expect("instance opens");
        instance.start(roles);
        let app = Arc::new(App::new(instance.services.clone()));
        let table = Table::new(routes::all()).expect("table of addresses");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server::serve(app, table, listener, async {
            let _ = stopped.await;
        }));
        Self { instance, url, data, database, stop: Some(stop) }
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Waits until projections and workflows have digested everything.
    pub async fn settle(&self) {
        let settled = self.instance.services.settle(Duration::from_secs(60)).await.expect("settle");
        if !settled {
            let client = self.client().await;
            let rows = client.query("select name, position from checkpoints order by position", &[]).await;
            let state: Vec<(String, i64)> =
                rows.expect("checkpoints").iter().map(|r| (r.get(0), r.get(1))).collect();
            panic!("not settled: {state:?}, {:?}", self.instance.services.board.all());
        }
    }

    /// A connection of the application's role.
    pub async fn client(&self) -> kinora::store::Client {
        self.instance.services.pool.get().await.expect("connection")
    }

    /// A connection of somebody with all rights.
    pub async fn superuser(&self) -> tokio_postgres::Client {
        let mut config = self.instance.database().owner.clone();
        config.user("postgres");
        kinora::store::pool::connect(&config).await.expect("superuser")
    }

    /// Runs a job for a slot and waits for what follows.
    pub async fn run_job(&self, name: &str, at: &str) -> kinora::actors::jobs::Report {
        let cx = &self.instance.services;
        let all = kinora::actors::jobs::all();
        let job = all.iter().find(|j| j.name() == name).unwrap_or_else(|| panic!("no job {name}"));
        let at = at.parse().expect("RFC 3339");
        let meta = kinora::store::Metadata::system("test", cx.clock.new_id(), cx.clock.now());
        kinora::actors::jobs::run(job.as_ref(), at, meta, true, cx).await.expect("run")
    }

    /// A browser-like client: keeps cookies, follows no redirects.
    pub fn browser(&self) -> Browser {
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(120))
            .build()
            .expect("client");
        Browser { client, url: self.url.clone() }
    }

    /// No event was parked, and every list is what the log would make of it anew.
    pub async fn verify(&self) {
        self.settle().await;
        let client = self.client().await;
        let parked = client.query("select name, position, error from dead_letters", &[]).await.expect("read");
        let parked: Vec<(String, i64, String)> =
            parked.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect();
        assert!(parked.is_empty(), "{parked:?}");
        let verified = self.instance.projector.verify().await.expect("verify");
        assert!(verified.ok, "{verified:?}");
    }

    /// Ends it in order.
    pub async fn close(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.instance.close().await.expect("close");
    }
}

/// A person at a browser.
#[derive(Clone)]
pub struct Browser {
    pub client: reqwest::Client,
    pub url: String,
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Page {
    /// Where a redirect leads; empty if it is none.
    pub fn location(&self) -> &str {
        self.headers.get("location").and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let start = self.body.find(&format!("name=\"{name}\" value=\""))? + name.len() + 15;
        let rest = &self.body[start..];
        Some(rest[..rest.find('"')?].to_owned())
    }
}

impl Browser {
    async fn read(response: reqwest::Response) -> Page {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Page { status, headers, body: response.text().await.unwrap_or_default() }
    }

    /// Gets a page.
    pub async fn get(&self, path: &str) -> Page {
        Self::read(self.client.get(format!("{}{path}", self.url)).send().await.expect("answer")).await
    }

    /// Sends a request of any form.
    pub async fn answer(&self, request: reqwest::RequestBuilder) -> Page {
        Self::read(request.send().await.expect("answer")).await
    }

    /// Gets a file: its head and its bytes.
    pub async fn download(&self, path: &str) -> (reqwest::header::HeaderMap, Vec<u8>) {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.expect("answer");
        assert_eq!(answer.status(), 200, "{path}");
        let head = answer.headers().clone();
        (head, answer.bytes().await.expect("bytes").to_vec())
    }

    /// Gets a page and follows redirects.
    pub async fn follow(&self, path: &str) -> Page {
        let mut page = self.get(path).await;
        for _ in 0..5 {
            if page.location().is_empty() {
                break;
            }
            let to = page.location().to_owned();
            page = self.get(&to).await;
        }
        page
    }

    /// Posts fields as they are.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.post(format!("{}{path}", self.url)).form(fields);
        Self::read(request.send().await.expect("answer")).await
    }

    /// Opens the page of a form, takes its hidden fields, and posts `fields` to `action`.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get(page).await;
        let mut all: Vec<(String, String)> =
            fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut rest = form.body.as_str();
        while let Some(start) = rest.find("type=\"hidden\" name=\"") {
            rest = &rest[start + 20..];
            let Some((name, tail)) = rest.split_once('"') else { break };
            let value = tail.strip_prefix(" value=\"").and_then(|v| v.split_once('"')).map_or("", |(v, _)| v);
            if !all.iter().any(|(n, _)| n == name) {
                all.push((name.to_owned(), value.to_owned()));
            }
        }
        let request = self.client.post(format!("{}{action}", self.url)).form(&all);
        Self::read(request.send().await.expect("answer")).await
    }
}

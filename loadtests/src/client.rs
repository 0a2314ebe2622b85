//! One person's browser, without the drawing: a kept connection, cookies, forms.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const FORM: &str = "application/x-www-form-urlencoded";

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Answer {
    /// The body as text; pages are UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One request: what it was counted as, how long it took and how it ended.
pub struct Visit {
    pub page: &'static str,
    pub took: Duration,
    pub failure: Option<String>,
}

/// A browser.
pub struct Client {
    address: SocketAddr,
    from: Option<Ipv4Addr>,
    connection: Option<SendRequest<Full<Bytes>>>,
    cookies: BTreeMap<String, String>,
    pub visits: Vec<Visit>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, from: None, connection: None, cookies: BTreeMap::new(), visits: Vec::new() }
    }

    /// The same, from an address of its own: limits are for each address, and a crowd has many. All of 127.0.0.0/8
    /// is this machine; where the server is reached by IPv6 there is only one such address.
    pub fn of_crowd(address: SocketAddr, group: u8, number: u64) -> Self {
        let [.., high, low] = number.to_be_bytes();
        let own = Ipv4Addr::new(127, group, high, low.max(1));
        let from = (address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)).then_some(own);
        Self { from, ..Self::new(address) }
    }

    pub async fn get(&mut self, page: &'static str, path: &str) -> Option<Answer> {
        self.send(page, Method::GET, path, FORM, Bytes::new()).await
    }

    pub async fn post(&mut self, page: &'static str, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(page, Method::POST, path, FORM, Bytes::from(body)).await
    }

    /// Sends one file with a title, as the page without scripts does.
    pub async fn upload(
        &mut self,
        page: &'static str,
        path: &str,
        (csrf, title): (&str, &str),
        file: &[u8],
    ) -> Option<Answer> {
        let edge = "kinora-load-edge-7d1c0b";
        let mut body = format!(
            "--{edge}\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\n{csrf}\r\n\
             --{edge}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n{title}\r\n\
             --{edge}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"film.mp4\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{edge}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={edge}");
        self.send(page, Method::POST, path, &kind, Bytes::from(body)).await
    }

    /// Sends and notes; `None` when there was no answer or it was an error of the server.
    async fn send(
        &mut self,
        page: &'static str,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Option<Answer> {
        let started = Instant::now();
        let outcome = timeout(PATIENCE, self.exchange(method, path, kind, body)).await;
        let took = started.elapsed();
        let (answer, failure) = match outcome {
            Err(_) => (None, Some("no answer in 30 seconds".to_owned())),
            Ok(Err(reason)) => (None, Some(reason)),
            Ok(Ok(answer)) if answer.status.is_client_error() || answer.status.is_server_error() => {
                (None, Some(format!("status {}", answer.status.as_u16())))
            }
            Ok(Ok(answer)) => (Some(answer), None),
        };
        if failure.is_some() {
            self.connection = None;
        }
        self.visits.push(Visit { page, took, failure });
        answer
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<Answer, String> {
        let mut request =
            Request::builder().method(&method).uri(path).header(header::HOST, self.address.to_string());
        if !self.cookies.is_empty() {
            let all = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            request = request.header(header::COOKIE, all.join("; "));
        }
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(Full::new(body)).map_err(|e| e.to_string())?;
        let connection = self.connect().await?;
        let response = connection.send_request(request).await.map_err(|e| e.to_string())?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        for cookie in head.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap_or_default();
            if let Some((name, value)) = text.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        Ok(Answer { status: head.status, body })
    }

    async fn connect(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, String> {
        let usable = match self.connection.as_mut() {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = self.dial().await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            let (connection, driver) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
            // Ends with the connection; what went wrong shows at the next request.
            tokio::spawn(driver);
            self.connection = Some(connection);
        }
        self.connection.as_mut().ok_or_else(|| "not connected".to_owned())
    }

    async fn dial(&self) -> std::io::Result<TcpStream> {
        let Some(from) = self.from else { return TcpStream::connect(self.address).await };
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from.into(), 0))?;
        socket.connect(self.address).await
    }
}

/// The value of a hidden field of the page's form that posts to `action`.
pub fn hidden(page: &str, action: &str, field: &str) -> Option<String> {
    let form = page.split("<form").find(|form| form.contains(&format!("action=\"{action}\"")))?;
    let input = form.split("<input").find(|input| input.contains(&format!("name=\"{field}\"")))?;
    let value = input.split("value=\"").nth(1)?.split('"').next()?;
    Some(value.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'"))
}

/// The links of a page below `folder`, without duplicates.
pub fn links(page: &str, folder: &str) -> Vec<String> {
    let mut found: Vec<String> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with(folder) && link.len() > folder.len() && !link.contains(['?', '#']))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<a href="/films/b">B</a><a href="/films/a">A</a><a href="/films/a">again</a><a href="/films/">all</a>
        <form method="post" action="/logout"><input type="hidden" name="_csrf" value="no"></form>
        <form method="post" action="/login"><input type="hidden" name="_csrf" value="a&amp;b"><input name="login"></form>"#;

    #[test]
    fn hidden_fields_are_read_from_the_right_form() {
        assert_eq!(hidden(PAGE, "/login", "_csrf").as_deref(), Some("a&b"));
        assert_eq!(hidden(PAGE, "/register", "_csrf"), None);
    }

    #[tokio::test]
    async fn each_of_a_crowd_comes_from_an_address_of_its_own() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for (group, number) in [(1, 1), (1, 2), (2, 1), (1, 258)] {
            let _stream = Client::of_crowd(address, group, number).dial().await.unwrap();
            seen.insert(listener.accept().await.unwrap().1.ip().to_string());
        }
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            ["127.1.0.1", "127.1.0.2", "127.1.1.2", "127.2.0.1"]
        );
    }

    #[test]
    fn links_are_those_below_the_folder() {
        assert_eq!(links(PAGE, "/films/"), ["/films/a", "/films/b"]);
    }
}

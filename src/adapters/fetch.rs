//! Files from addresses that people name. Whatever stands behind such an address is a stranger: only public
//! places are gone to, the connection is made to the very address that was checked, redirects are checked anew,
//! and nothing takes longer or brings more than it may.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::{Host, Url};

/// Redirects that are followed.
const HOPS: usize = 5;
/// How long it may take until an answer begins, for each address.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may come in between.
const SILENCE: Duration = Duration::from_secs(60);

/// What is allowed.
#[derive(Clone)]
pub struct FetchLimits {
    /// Which addresses are gone to.
    pub allowed: Arc<dyn Fn(&SocketAddr) -> bool + Send + Sync>,
    /// How long all of it may take.
    pub time: Duration,
    /// Most bytes.
    pub bytes: u64,
}

impl FetchLimits {
    /// Public places only, or with `private` also this machine and private networks.
    #[must_use]
    pub fn new(private: bool, time: Duration, bytes: u64) -> Self {
        let allowed = Arc::new(move |address: &SocketAddr| private || is_public(address.ip()));
        Self { allowed, time, bytes }
    }
}

/// Why nothing is fetched. The text is for the person who named the address, and tells nothing of what a network
/// has inside.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not an address of a file.
    #[error("This is no address of a file. Enter one that begins with https:// or http://.")]
    NoAddress,
    /// A name and password in it.
    #[error("Leave name and password out of the address; they would stand in logs of others.")]
    Secret,
    /// Somewhere that is not public.
    #[error("This address does not lead to a public place of the internet, so it is not fetched.")]
    NotPublic,
    /// A name that nobody knows.
    #[error("No such place was found. Check the name in the address.")]
    NotFound,
    /// From https to http.
    #[error("The address leads from https to http, which is not followed. Name the last address itself.")]
    Downgrade,
    /// Redirects without end.
    #[error("The address leads on and on. Name the last address itself.")]
    TooManyHops,
    /// An answer that is no file.
    #[error("There is no file: the answer was {0}. Check the address in a browser.")]
    Status(u16),
    /// Larger than allowed.
    #[error("The file has {0} bytes, more than is allowed.")]
    TooLarge(u64),
    /// Too slow.
    #[error("It took too long. Try again, or fetch the file yourself and upload it.")]
    TimedOut,
    /// No connection, or a broken one.
    #[error("The place did not answer as it should. Try again later.")]
    Broken,
}

/// A file that is arriving.
pub struct Arriving {
    /// Its length, if the answer says so.
    pub length: Option<u64>,
    /// Its name, as the answer or the address says; may be empty.
    pub file_name: String,
    /// Its bytes; ends with an error when it is too slow, too long, or breaks off.
    pub bytes: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Reads what a person typed.
///
/// # Errors
/// If it is no address of a file.
pub fn parse(text: &str) -> Result<Url, FetchError> {
    let url = Url::parse(text.trim()).map_err(|_| FetchError::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(FetchError::NoAddress);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Secret);
    }
    Ok(url)
}

/// Whether everybody may go there: no address of this machine, of private networks, of a link, of a test or of a
/// group, in whatever writing.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // What leads to an IPv4 address in the end (6to4, NAT64, Teredo, mapped) is not gone to at all.
    let global = parts[0] & 0xe000 == 0x2000;
    let special = parts[0] == 0x2002
        || (parts[0] == 0x2001 && parts[1] < 0x0200)
        || (parts[0] == 0x2001 && parts[1] == 0x0db8)
        || (parts[0] == 0x3fff && parts[1] < 0x1000);
    global && !special
}

/// The one address to which the connection is made. If any of a name's addresses is not public, none is taken:
/// whoever answers so means no good.
async fn resolve(url: &Url, limits: &FetchLimits) -> Result<SocketAddr, FetchError> {
    let port = url.port_or_known_default().ok_or(FetchError::NoAddress)?;
    let found: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(v4)) => vec![(v4, port).into()],
        Some(Host::Ipv6(v6)) => vec![(v6, port).into()],
        Some(Host::Domain(name)) => {
            let asked = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, port))).await;
            asked.map_err(|_| FetchError::TimedOut)?.map_err(|_| FetchError::NotFound)?.collect()
        }
        None => return Err(FetchError::NoAddress),
    };
    if !found.iter().all(|address| (limits.allowed)(address)) {
        return Err(FetchError::NotPublic);
    }
    found.first().copied().ok_or(FetchError::NotFound)
}

/// Asks that one address, under the name that was typed.
async fn ask(url: &Url, address: SocketAddr) -> Result<Response<hyper::body::Incoming>, FetchError> {
    let name = url.host_str().ok_or(FetchError::NoAddress)?.trim_matches(['[', ']']).to_owned();
    #[expect(deprecated, reason = "the newer form wants a type of a crate that is no dependency of its own")]
    let connector = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .with_server_name(name)
        .enable_http1()
        .build();
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let request = Request::get(format!("{}://{address}{path}", url.scheme()))
        .header(HOST, host)
        .header(USER_AGENT, concat!("Kinora/", env!("CARGO_PKG_VERSION")))
        .header("accept", "*/*")
        .header("accept-encoding", "identity")
        .body(Empty::new())
        .map_err(|_| FetchError::NoAddress)?;
    match tokio::time::timeout(PATIENCE, client.request(request)).await {
        Ok(answer) => answer.map_err(|_| FetchError::Broken),
        Err(_) => Err(FetchError::TimedOut),
    }
}

/// Begins to fetch a file.
///
/// # Errors
/// As [`FetchError`] says; nothing has come then.
pub async fn fetch(text: &str, limits: FetchLimits) -> Result<Arriving, FetchError> {
    let until = Instant::now() + limits.time;
    let mut url = parse(text)?;
    for _ in 0..=HOPS {
        let address = resolve(&url, &limits).await?;
        let answer = ask(&url, address).await?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let next = to.and_then(|to| url.join(to).ok()).ok_or(FetchError::Status(status.as_u16()))?;
            let next = parse(next.as_str())?;
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(FetchError::Downgrade);
            }
            url = next;
            continue;
        }
        if status != StatusCode::OK {
            return Err(FetchError::Status(status.as_u16()));
        }
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let length = header(CONTENT_LENGTH).and_then(|n| n.parse().ok());
        if let Some(length) = length.filter(|length| *length > limits.bytes) {
            return Err(FetchError::TooLarge(length));
        }
        let named = header(CONTENT_DISPOSITION).and_then(file_name_in);
        let file_name = named.unwrap_or_else(|| last_part(&url));
        return Ok(Arriving { length, file_name, bytes: body(answer, limits.bytes, until) });
    }
    Err(FetchError::TooManyHops)
}

fn body(
    answer: Response<hyper::body::Incoming>,
    most: u64,
    until: Instant,
) -> BoxStream<'static, std::io::Result<Bytes>> {
    /// What has not come yet, how much has, and what bounds the rest.
    struct Rest {
        pieces: BoxStream<'static, std::io::Result<Bytes>>,
        had: u64,
        most: u64,
        until: Instant,
    }
    let slow = || std::io::Error::new(std::io::ErrorKind::TimedOut, "too slow");
    let pieces = answer.into_body().into_data_stream().map_err(std::io::Error::other).boxed();
    let rest = Rest { pieces, had: 0, most, until };
    futures_util::stream::try_unfold(rest, move |mut rest| async move {
        // What is always there in time may still go on for too long.
        if Instant::now() >= rest.until {
            return Err(slow());
        }
        let wait = rest.until.min(Instant::now() + SILENCE);
        let piece = tokio::time::timeout_at(wait, rest.pieces.try_next()).await.map_err(|_| slow())??;
        let Some(piece) = piece else { return Ok(None) };
        rest.had += piece.len() as u64;
        if rest.had > rest.most {
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "too long"));
        }
        Ok(Some((piece, rest)))
    })
    .boxed()
}

/// The name in a `Content-Disposition`, plain or extended (RFC 6266); without a path.
fn file_name_in(header: &str) -> Option<String> {
    let value = |name: &str| {
        header.split(';').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = value("filename*").and_then(|text| {
        let (_, coded) = text.split_once("''")?;
        Some(percent_encoding::percent_decode_str(coded).decode_utf8().ok()?.into_owned())
    });
    let name = extended.or_else(|| value("filename"))?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_owned();
    (!name.is_empty()).then_some(name)
}

fn last_part(url: &Url) -> String {
    let part = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn open() -> FetchLimits {
        FetchLimits::new(true, Duration::from_secs(20), 1000)
    }

    /// A server of one answer for each path; gives its address and counts requests.
    async fn server(
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let n = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..n]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let _ = stream.write_all(answer(&path).as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        (address, asked)
    }

    async fn all(arriving: Arriving) -> std::io::Result<Vec<u8>> {
        let pieces: Vec<Bytes> = arriving.bytes.try_collect().await?;
        Ok(pieces.concat())
    }

    #[test]
    fn only_public_places_are_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "240.0.0.1",
            "192.0.0.8",
            "192.88.99.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fec0::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in
            ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn places_that_are_not_public_are_never_asked() {
        let (address, asked) = server(|_| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".into()).await;
        let closed = || FetchLimits::new(false, Duration::from_secs(20), 1000);
        let port = address.port();
        for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.1"]
        {
            let error = fetch(&format!("http://{host}:{port}/a.mp4"), closed()).await.err().unwrap();
            assert!(matches!(error, FetchError::NotPublic | FetchError::NotFound), "{host}: {error}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        for (text, words) in [
            ("file:///etc/passwd", "no address of a file"),
            ("ftp://example.org/a", "no address of a file"),
            ("a.mp4", "no address of a file"),
            ("https://me:secret@example.org/a.mp4", "Leave name and password out"),
        ] {
            let error = fetch(text, closed()).await.err().unwrap().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_arrives_with_its_name_through_redirects() {
        let (address, _) = server(|path| match path {
            "/start" => "HTTP/1.1 302 Found\r\nlocation: /dir/Mein%20Film.mp4?x=1\r\n\r\n".into(),
            "/dir/Mein%20Film.mp4?x=1" => "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nbytes".into(),
            "/named" => "HTTP/1.1 200 OK\r\ncontent-disposition: attachment; filename=\"../a.mp4\"; filename*=UTF-8''%C3%BC.mp4\r\n\r\nx".into(),
            "/round" => "HTTP/1.1 302 Found\r\nlocation: /round\r\n\r\n".into(),
            "/ftp" => "HTTP/1.1 302 Found\r\nlocation: ftp://example.org/a\r\n\r\n".into(),
            _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
        })
        .await;
        let at = |path: &str| format!("http://{address}{path}");
        let arriving = fetch(&at("/start"), open()).await.unwrap();
        assert_eq!((arriving.length, arriving.file_name.as_str()), (Some(5), "Mein Film.mp4"));
        assert_eq!(all(arriving).await.unwrap(), b"bytes");
        assert_eq!(fetch(&at("/named"), open()).await.unwrap().file_name, "ü.mp4");
        assert!(matches!(fetch(&at("/round"), open()).await, Err(FetchError::TooManyHops)));
        assert!(matches!(fetch(&at("/ftp"), open()).await, Err(FetchError::NoAddress)));
        assert!(matches!(fetch(&at("/none"), open()).await, Err(FetchError::Status(404))));
    }

    #[tokio::test]
    async fn what_is_too_long_too_slow_or_cut_off_ends_with_an_error() {
        let (address, _) = server(|path| match path {
            "/said" => "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".into(),
            "/edge" => format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1000)),
            "/unsaid" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001)),
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nonly this".into(),
        })
        .await;
        let at = |path: &str| format!("http://{address}{path}");
        assert!(matches!(fetch(&at("/said"), open()).await, Err(FetchError::TooLarge(1001))));
        assert_eq!(all(fetch(&at("/edge"), open()).await.unwrap()).await.unwrap().len(), 1000);
        let error = all(fetch(&at("/unsaid"), open()).await.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
        assert!(all(fetch(&at("/cut"), open()).await.unwrap()).await.is_err());
        let hasty = FetchLimits { time: Duration::ZERO, ..open() };
        let error = all(fetch(&at("/edge"), hasty).await.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_redirect_into_the_house_is_not_followed() {
        let (inside, asked) = server(|_| "HTTP/1.1 200 OK\r\n\r\nsecret".into()).await;
        let (outside, first) = server(move |_| {
            format!("HTTP/1.1 302 Found\r\nlocation: http://{inside}/latest/meta-data\r\n\r\n")
        })
        .await;
        // As if the first server were public and the second one not.
        let limits = FetchLimits { allowed: Arc::new(move |address| *address == outside), ..open() };
        let error = fetch(&format!("http://{outside}/a.mp4"), limits).await.err().unwrap();
        assert!(matches!(error, FetchError::NotPublic), "{error}");
        assert_eq!((first.load(Ordering::SeqCst), asked.load(Ordering::SeqCst)), (1, 0));
    }
}

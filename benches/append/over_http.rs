//! The same command by HTTP: a warp route in front of Kinora's bus, and the same route in front of `postgres-es`.

use crate::contender::{Contender, Trouble};
use crate::ours::{Ours, envelope};
use crate::peers::PostgresEs;
use crate::work::{Diary, Pen};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;
use warp::Filter;
use warp::http::StatusCode;

/// What a route does with a diary's id.
type Write = Arc<dyn Fn(Uuid) -> BoxFuture<'static, bool> + Send + Sync>;
type Connection = SendRequest<Empty<Bytes>>;

/// A server on the loopback, and a kept connection for each writer.
pub struct OverHttp {
    name: &'static str,
    address: SocketAddr,
    free: Mutex<Vec<Connection>>,
}

impl OverHttp {
    /// In front of the bus.
    pub async fn ours(ours: Arc<Ours>) -> Result<Self, Trouble> {
        let write: Write = Arc::new(move |id| {
            let ours = Arc::clone(&ours);
            Box::pin(async move { ours.bus.dispatch::<Diary>(envelope(id)).await.is_ok() })
        });
        Self::serve("kinora bus over HTTP", write).await
    }

    /// In front of `postgres-es` as published.
    pub async fn theirs(theirs: Arc<PostgresEs>) -> Result<Self, Trouble> {
        let write: Write = Arc::new(move |id| {
            let theirs = Arc::clone(&theirs);
            Box::pin(async move { theirs.write(id).await.is_ok() })
        });
        Self::serve("postgres-es over HTTP", write).await
    }

    async fn serve(name: &'static str, write: Write) -> Result<Self, Trouble> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let route = warp::path!("diaries" / Uuid).and(warp::post()).then(move |id| {
            let written = write(id);
            async move {
                if written.await { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
            }
        });
        tokio::spawn(warp::serve(route).incoming(listener).run());
        Ok(Self { name, address, free: Mutex::default() })
    }

    async fn connect(&self) -> Result<Connection, Trouble> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contender for OverHttp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let kept = self.free().pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let request = Request::post(format!("/diaries/{}", pen.stream))
                .header("host", "localhost")
                .body(Empty::new())?;
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            let status = response.status();
            response.into_body().collect().await?;
            if status != StatusCode::NO_CONTENT {
                return Err(format!("the server answers {status}").into());
            }
            self.free().push(connection);
            Ok(())
        })
    }
}

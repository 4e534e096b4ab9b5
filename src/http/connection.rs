//! Closes connections that keep the service waiting.
//!
//! The framework has timeouts for the head of a connection's first request and for the pause between two requests. It
//! has none for the head of a later request and for a client that doesn't read its answer. Both are here: otherwise
//! half a request would hold a connection forever.

use std::any::Any;
use std::cell::Cell;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often a busy connection is checked.
const TICK: Duration = Duration::from_secs(1);

/// An open connection.
struct Connection {
    /// A duplicate of the socket: the framework doesn't share its own.
    socket: OwnedFd,
    /// When it began to wait for its next request; `None` while it has one.
    waiting_since: Cell<Option<Instant>>,
}

/// The connection of a request.
#[derive(Clone)]
struct Watched(Rc<Connection>);

/// For [`actix_web::HttpServer::on_connect`]: closes a connection whose next request has not arrived completely within
/// `time`, counted from the end of the request before.
pub fn watch(time: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + Sync + 'static {
    let warned = Arc::new(Once::new());
    move |stream, data| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        match rustix::io::fcntl_dupfd_cloexec(stream, 0) {
            Ok(socket) => {
                let connection = Rc::new(Connection { socket, waiting_since: Cell::new(Some(Instant::now())) });
                actix_web::rt::spawn(close_when_late(Rc::downgrade(&connection), time));
                data.insert(Watched(connection));
            }
            // If there is no file descriptor left for one, there is none for the next: one warning is enough.
            Err(error) => {
                warned.call_once(|| tracing::warn!(%error, "connections are not timed: allow more open files"))
            }
        }
    }
}

async fn close_when_late(connection: Weak<Connection>, time: Duration) {
    let mut wait = time;
    loop {
        actix_web::rt::time::sleep(wait).await;
        let Some(connection) = connection.upgrade() else { return };
        wait = match connection.rest_of(time) {
            None => TICK,
            Some(Duration::ZERO) => {
                let is_done = connection.is_drained().await;
                if is_done && connection.rest_of(time) == Some(Duration::ZERO) {
                    // It fails if the connection is closed already, which is fine.
                    let _ = rustix::net::shutdown(&connection.socket, rustix::net::Shutdown::Both);
                    return;
                }
                TICK
            }
            Some(rest) => rest,
        };
    }
}

impl Connection {
    /// How much time is left for the next request; `None` while it has one.
    fn rest_of(&self, time: Duration) -> Option<Duration> {
        self.waiting_since.get().map(|since| time.saturating_sub(since.elapsed()))
    }

    /// Whether no answer is being sent any more: there is room to send, and there still is after the other tasks of
    /// this thread had a chance to fill it.
    async fn is_drained(&self) -> bool {
        for _ in 0..3 {
            if !self.has_room() {
                return false;
            }
            tokio::task::yield_now().await;
        }
        self.has_room()
    }

    /// Whether the socket takes more data.
    fn has_room(&self) -> bool {
        let mut sockets = [PollFd::new(&self.socket, PollFlags::OUT)];
        poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }
}

/// Middleware around all others: marks a connection as busy from its request until the end of the answer.
pub async fn mark<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let busy = request.conn_data::<Watched>().map(|Watched(connection)| Busy::begin(connection));
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Answer { body: body.boxed(), _busy: busy }.boxed()))
}

/// Marks a connection as busy until it is dropped.
struct Busy(Rc<Connection>);

impl Busy {
    fn begin(connection: &Rc<Connection>) -> Self {
        connection.waiting_since.set(None);
        Self(Rc::clone(connection))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.waiting_since.set(Some(Instant::now()));
    }
}

/// An answer's body that keeps its connection busy until it is dropped.
struct Answer {
    body: BoxBody,
    _busy: Option<Busy>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Makes the system close connections of `listener` whose client acknowledges nothing for so long.
#[cfg(target_os = "linux")]
pub fn limit_unread(listener: &TcpListener, time: Duration) {
    let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    // Accepted sockets inherit it from the listening one.
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(listener, milliseconds) {
        tracing::warn!(%error, "connections of clients that read no answer are not closed");
    }
}

/// Other systems have no such limit.
#[cfg(not(target_os = "linux"))]
pub fn limit_unread(_listener: &TcpListener, _time: Duration) {}

//! Connections that keep the service waiting are closed.
//!
//! The framework times the head of a connection's first request, and the pause between two. What it does not time is
//! the head of a later request, half of which would hold a connection for good, and the taking of an answer: both are
//! timed here.

use std::any::Any;
use std::cell::Cell;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Once;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How often a connection is looked at that is busy otherwise.
const TICK: Duration = Duration::from_secs(1);

static WARNED: Once = Once::new();

/// A connection, as long as it lasts.
struct Connection {
    /// The same socket once more: the framework keeps its own to itself.
    socket: OwnedFd,
    /// Since when it has had time for a next request; none while it has one.
    waiting_since: Cell<Option<Instant>>,
}

/// What the requests of a connection know it by.
#[derive(Clone)]
struct Watched(Rc<Connection>);

/// For [`actix_web::HttpServer::on_connect`]: a connection has so much time for each of its requests to come whole, the
/// pause before it included.
pub fn watch(time: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Clone + Send + Sync + 'static {
    move |stream, data| {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        match rustix::io::fcntl_dupfd_cloexec(stream, 0) {
            Ok(socket) => {
                let connection = Rc::new(Connection { socket, waiting_since: Cell::new(Some(Instant::now())) });
                actix_web::rt::spawn(close_when_late(Rc::downgrade(&connection), time));
                data.insert(Watched(connection));
            }
            // Where one has no file left, the next has none either.
            Err(error) => {
                WARNED.call_once(|| tracing::warn!(%error, "connections go without a watch: allow more files"))
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
                let is_done = connection.has_all_been_taken().await;
                if is_done && connection.rest_of(time) == Some(Duration::ZERO) {
                    // Where it is closed already, that is what was wanted.
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
    /// How much of its time for the next request is left; none while it has one.
    fn rest_of(&self, time: Duration) -> Option<Duration> {
        self.waiting_since.get().map(|since| time.saturating_sub(since.elapsed()))
    }

    /// Whether no answer goes out any more: there is room to send, and there still is once whoever has something to
    /// send, in this very thread, has had a turn to fill it.
    async fn has_all_been_taken(&self) -> bool {
        for _ in 0..3 {
            if !self.has_room() {
                return false;
            }
            tokio::task::yield_now().await;
        }
        self.has_room()
    }

    /// Whether the system takes more to send.
    fn has_room(&self) -> bool {
        let mut wanted = [PollFd::new(&self.socket, PollFlags::OUT)];
        poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }
}

/// Middleware, outside all other: a connection that has a request is not waiting for one.
pub async fn mark<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let busy = request.conn_data::<Watched>().map(|Watched(connection)| Busy::begin(connection));
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Answer { body: body.boxed(), _busy: busy }.boxed()))
}

/// A connection that has a request, until the answer has been handed over.
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

/// Gives up connections of `listener` whose client takes nothing of what it is sent for so long.
#[cfg(target_os = "linux")]
pub fn limit_unread(listener: &TcpListener, time: Duration) {
    let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    // Accepted sockets have it from the one that listens.
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(listener, milliseconds) {
        tracing::warn!(%error, "clients that take no answer are waited for");
    }
}

/// Other systems have no such limit.
#[cfg(not(target_os = "linux"))]
pub fn limit_unread(_listener: &TcpListener, _time: Duration) {}

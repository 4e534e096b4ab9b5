//! Slow clients: idle connections, requests at one byte per second, answers that are never read. They must not block
//! other clients, and their connections are closed after a time limit. No database is involved, so one engine is
//! enough.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use medstrategi::db::Engine;
use serde_json::{Value, json};

use crate::harness::{App, LONGEST, wait_until};
use crate::indicators::indicator;
use crate::program::{Served, program, program_by, serve};
use crate::reporting_at_once::patiently;

crate::tests![
    idle_connections_do_not_block_others,
    clients_that_send_a_byte_at_a_time_are_disconnected,
    unread_answers_are_abandoned,
    slow_readers_get_the_whole_answer,
    unread_tables_give_their_place_to_others,
];

const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Starts the program with all connection time limits set to `seconds`.
fn with_times(command: &mut Command, seconds: u64) -> Served {
    for name in ["HEADER_TIMEOUT", "KEEP_ALIVE", "BODY_TIMEOUT"] {
        command.env(format!("MEDSTRATEGI_{name}"), format!("{seconds}s"));
    }
    serve(command)
}

fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.base.strip_prefix("http://").unwrap()).unwrap()
}

/// Opens a connection and completes one request on it.
fn connect_and_ask(served: &Served) -> TcpStream {
    let mut stream = connect(served);
    stream.write_all(REQUEST).unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while !answer.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 204 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Time limit for slow clients while other clients are served, in seconds. Longer than [`AT_ONCE`], so that a request
/// that waits for a slow client to time out is noticed.
const LONG: u64 = 90;
/// A request that waits for no other client is answered within this time, even on a slow machine.
const AT_ONCE: Duration = Duration::from_secs(30);

/// Requires that other clients are answered promptly, and returns the longest time that one waited.
#[track_caller]
fn others_are_served(app: &App, served: &Served) {
    for _ in 0..20 {
        let begun = Instant::now();
        app.request_to(&served.base, "GET", "/v1/levels").send().expect(200);
        assert!(begun.elapsed() < AT_ONCE, "somebody else waits for {:?}", begun.elapsed());
    }
}

/// The client's end of a connection.
struct Client {
    stream: TcpStream,
    got: Vec<u8>,
    closed_after: Option<Duration>,
    begun: Instant,
}

impl Client {
    fn open(open: impl FnOnce() -> TcpStream) -> Self {
        // The clock starts before the service's own, so that no connection seems to end too early.
        let begun = Instant::now();
        let stream = open();
        stream.set_nonblocking(true).unwrap();
        Self { stream, got: Vec::new(), closed_after: None, begun }
    }

    /// Reads what has arrived. Returns whether the connection has ended.
    fn look(&mut self) {
        let mut part = [0; 4096];
        while self.closed_after.is_none() {
            match self.stream.read(&mut part) {
                Ok(0) => self.closed_after = Some(self.begun.elapsed()),
                Ok(read) => self.got.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.closed_after = Some(self.begun.elapsed()),
            }
        }
    }

    fn say(&mut self, byte: u8) {
        // Whether the service accepts it shows in its answer.
        let _ = self.stream.write(&[byte]);
    }
}

/// Waits until all connections are closed. Meanwhile each sends `byte` once a second, if there is one.
#[track_caller]
fn wait_until_closed(clients: &mut [Client], byte: Option<u8>, time: Duration) {
    let begun = Instant::now();
    let mut said = Instant::now();
    loop {
        clients.iter_mut().for_each(Client::look);
        let open = clients.iter().filter(|client| client.closed_after.is_none()).count();
        if open == 0 {
            return;
        }
        assert!(begun.elapsed() < time, "{open} of {} are open still", clients.len());
        if let (Some(byte), true) = (byte, said.elapsed() > Duration::from_secs(1)) {
            clients.iter_mut().for_each(|client| client.say(byte));
            said = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Resident memory of the process, in megabytes.
fn memory(served: &Served) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// Number of sockets that the process has open.
fn sockets(served: &Served) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", served.child.id())).unwrap();
    let target = |file: std::io::Result<std::fs::DirEntry>| std::fs::read_link(file.ok()?.path()).ok();
    files.filter_map(target).filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

fn idle_connections_do_not_block_others(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    const CONNECTIONS: usize = 2_000;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: files.maximum, ..files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).unwrap();
    // The soft limit is usually 1,000 open files; a process may raise it.
    let start =
        |seconds| with_times(&mut program_by(app, &["sh", "-c", "ulimit -Sn 1024; exec \"$0\" \"$@\""]), seconds);
    let open = |served: &Served| -> [Vec<Client>; 2] {
        let silent = (0..CONNECTIONS).map(|_| Client::open(|| connect(served))).collect();
        [silent, (0..CONNECTIONS).map(|_| Client::open(|| connect_and_ask(served))).collect()]
    };

    let served = start(LONG);
    let memory_before = memory(&served);
    let begun = Instant::now();
    let mut clients = open(&served);
    others_are_served(app, &served);
    let grown = memory(&served).saturating_sub(memory_before);
    assert!(grown < 120, "{grown} MB for {} connections", 2 * CONNECTIONS);
    clients.iter_mut().flatten().for_each(Client::look);
    // On a slow machine, their time may have run out by now.
    if begun.elapsed() < Duration::from_secs(LONG - 10) {
        assert!(clients.iter().flatten().all(|client| client.closed_after.is_none()), "they have some time");
    }
    drop((served, clients));

    let served = start(5);
    let sockets_before = sockets(&served);
    let [mut silent, mut idle] = open(&served);
    wait_until_closed(&mut silent, None, LONGEST);
    wait_until_closed(&mut idle, None, LONGEST);
    assert!(idle.iter().all(|client| client.got.is_empty()), "nothing is said to who has had an answer");
    wait_for_sockets(&served, sockets_before);
    others_are_served(app, &served);
}

/// Waits until the service has closed its ends of the connections too.
#[track_caller]
fn wait_for_sockets(served: &Served, before: usize) {
    // Connections of the other requests are kept alive.
    wait_until("the sockets are closed", || sockets(served) <= before + 20);
}

fn clients_that_send_a_byte_at_a_time_are_disconnected(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    const EACH: usize = 50;
    let begin = |head: &str, stream: &dyn Fn() -> TcpStream| -> Vec<Client> {
        let begun = || {
            let mut stream = stream();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        };
        (0..EACH).map(|_| Client::open(begun)).collect()
    };
    let token = app.token("med.edit");
    let of_a_body = format!(
        "POST /v1/levels HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    let of_a_head = "GET /v1/levels HTTP/1.1\r\nX-Long: ";
    let begin_all = |served: &Served| -> Vec<Client> {
        let heads = begin(of_a_head, &|| connect(served));
        let bodies = begin(&of_a_body, &|| connect(served));
        let later_heads = begin(of_a_head, &|| connect_and_ask(served));
        let later_bodies = begin(&of_a_body, &|| connect_and_ask(served));
        [heads, bodies, later_heads, later_bodies].into_iter().flatten().collect()
    };

    let served = with_times(&mut program(app), LONG);
    let mut clients = begin_all(&served);
    for _ in 0..3 {
        clients.iter_mut().for_each(|client| client.say(b'x'));
        others_are_served(app, &served);
    }
    drop((served, clients));

    // Leaves a slow machine time between an answer and the next byte.
    let served = with_times(&mut program(app), 5);
    let before = sockets(&served);
    let mut clients = begin_all(&served);
    wait_until_closed(&mut clients, Some(b'x'), LONGEST);
    let kinds: Vec<&[Client]> = clients.chunks(EACH).collect();
    for (kind, is_told) in [(kinds[0], true), (kinds[1], true), (kinds[2], false), (kinds[3], true)] {
        for client in kind {
            let (got, time) = (String::from_utf8_lossy(&client.got), client.closed_after.unwrap());
            assert!(time > Duration::from_secs(2), "it had no time at all: {time:?} {got}");
            assert!(got.is_empty() || got.starts_with("HTTP/1.1 408 "), "{got}");
            assert!(!is_told || !got.is_empty(), "it is told why");
        }
    }
    wait_for_sockets(&served, before);
}

/// Stores `rows` levels, each with a long text, for an answer of the size that a test needs.
fn fill(app: &App, rows: usize, note: usize) {
    app.post("/v1/indicators", indicator("mange", json!({"frequency": "once"}))).expect(201);
    let day = chrono::NaiveDate::from_ymd_opt(1930, 1, 1).unwrap();
    let note = "x".repeat(note);
    let row = |n: usize| json!({"period": (day + chrono::Days::new(n as u64)).to_string(), "value": n, "note": note});
    let rows: Vec<Value> = (0..rows).map(row).collect();
    let token = app.token("med.measure");
    app.request("PUT", "/v1/indicators/mange/values").token(&token).json(&json!({"values": rows})).send().expect(200);
}

/// An answer too large for the socket buffers: it can't be sent unless the client reads.
const WHOLE: &str = "/v1/export?values=true";

/// Sends a request and reads nothing of the answer.
fn ask(app: &App, served: &Served, path: &str) -> TcpStream {
    let stream = connect(served);
    // A small receive window, or else the operating system buffers some megabytes.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 * 1024).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", app.token("med.admin"));
    (&stream).write_all(head.as_bytes()).unwrap();
    stream
}

fn unread_answers_are_abandoned(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    fill(app, 700, 19_000);
    let ask_for_much = |served: &Served| -> Vec<TcpStream> { (0..5).map(|_| ask(app, served, WHOLE)).collect() };

    let served = with_times(&mut program(app), LONG);
    let streams = ask_for_much(&served);
    others_are_served(app, &served);
    drop((served, streams));

    let served = with_times(&mut program(app), 2);
    let before = sockets(&served);
    let streams = ask_for_much(&served);
    // Accepted before these.
    others_are_served(app, &served);
    wait_until("the sockets are closed", || sockets(&served) <= before + 2);
    drop(streams);
}

fn slow_readers_get_the_whole_answer(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    fill(app, 700, 19_000);
    const SECONDS: u64 = 5;
    // Longer than a slow machine delays a reader.
    let served = with_times(&mut program(app), SECONDS);
    let mut stream = ask(app, &served, WHOLE);
    let (mut text, mut part) = (Vec::new(), vec![0; 256 * 1024]);
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let begun = Instant::now();
    let is_whole =
        |text: &[u8]| text.ends_with(b"}") && text.iter().filter(|byte| **byte == b'x').count() >= 700 * 19_000;
    while text.len() < 700 * 19_000 || !is_whole(&text) {
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "it ends after {} bytes and {:?}", text.len(), begun.elapsed());
        text.extend_from_slice(&part[..read]);
        // Half a megabyte a second: 26 seconds in all. Each pause is much shorter than the time limit.
        std::thread::sleep(Duration::from_millis(read as u64 / 500));
    }
    assert!(begun.elapsed() > Duration::from_secs(4 * SECONDS), "that was not slow: {:?}", begun.elapsed());
}

fn unread_tables_give_their_place_to_others(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    // More than the socket buffers of any system hold.
    const ROWS: usize = 8_000;
    fill(app, ROWS, 2_000);
    // Longer than a request waits for a database connection: if one had to wait, it would get a 503.
    let served = with_times(&mut program(app), 5);
    let before = sockets(&served);
    let table = "/v1/indicators/mange/values?format=csv";
    // Twice as many as may read long tables at the same time.
    let mut slow: Vec<TcpStream> = (0..6).map(|_| ask(app, &served, table)).collect();
    std::thread::sleep(Duration::from_millis(300));
    others_are_served(app, &served);
    // On a slow machine, a place may become free later than a request waits for it.
    let whole = patiently(|| app.request_to(&served.base, "GET", table).send()).expect(200);
    assert_eq!(whole.body.iter().filter(|byte| **byte == b'\n').count(), ROWS + 1);
    wait_for_sockets(&served, before);
    // A table that was cut off must not look complete.
    let mut begun = 0;
    for stream in &mut slow {
        let mut text = Vec::new();
        // The operating system does not always report that the other side has closed.
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let _ = stream.read_to_end(&mut text);
        let is_refused = text.starts_with(b"HTTP/1.1 503 ");
        assert!(is_refused || text.starts_with(b"HTTP/1.1 200 "), "{:?}", &text[..text.len().min(100)]);
        begun += usize::from(!is_refused);
        assert!(!text.ends_with(b"\r\n0\r\n\r\n"), "it looks whole, with {} bytes", text.len());
    }
    assert!(begun >= 3, "only {begun} had a turn");
}

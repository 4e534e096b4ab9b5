//! Clients that keep the service waiting: with nothing to say, with a byte a second, or with answers that they don't
//! take. They hold nobody up, and they are gone after their time. The database has no part in it, so that one engine
//! does.

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
    thousands_of_idle_connections_hold_nobody_up,
    clients_that_dribble_are_cut_off,
    answers_that_nobody_takes_are_given_up,
    answers_that_are_taken_slowly_come_whole,
    tables_that_are_not_taken_leave_their_turn_to_others,
];

const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The program, with times of so many seconds.
fn with_times(command: &mut Command, seconds: u64) -> Served {
    for name in ["HEADER_TIMEOUT", "KEEP_ALIVE", "BODY_TIMEOUT"] {
        command.env(format!("MEDSTRATEGI_{name}"), format!("{seconds}s"));
    }
    serve(command)
}

fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.base.strip_prefix("http://").unwrap()).unwrap()
}

/// A connection over which a request has been answered.
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

/// Seconds that slow clients have where others are served beside them: whoever waited for their end would wait for
/// longer than [`AT_ONCE`].
const LONG: u64 = 90;
/// An answer that waits for nobody comes sooner than this, however slow the machine.
const AT_ONCE: Duration = Duration::from_secs(30);

/// How soon others are answered, at worst.
#[track_caller]
fn others_are_served(app: &App, served: &Served) {
    for _ in 0..20 {
        let begun = Instant::now();
        app.request_to(&served.base, "GET", "/v1/levels").send().expect(200);
        assert!(begun.elapsed() < AT_ONCE, "somebody else waits for {:?}", begun.elapsed());
    }
}

/// A connection seen by its client.
struct Client {
    stream: TcpStream,
    got: Vec<u8>,
    closed_after: Option<Duration>,
    begun: Instant,
}

impl Client {
    fn open(open: impl FnOnce() -> TcpStream) -> Self {
        // Taken before the service can begin to count: no connection seems to end too early.
        let begun = Instant::now();
        let stream = open();
        stream.set_nonblocking(true).unwrap();
        Self { stream, got: Vec::new(), closed_after: None, begun }
    }

    /// Takes what has come, and whether it was the end.
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
        // Whether it is taken is seen by what comes back.
        let _ = self.stream.write(&[byte]);
    }
}

/// Waits until all are closed, each of them saying a byte a second, where `byte` is one.
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

/// How much memory a process holds, in megabytes.
fn memory(served: &Served) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// How many connections to clients, and whatever else is a socket, a process has open.
fn sockets(served: &Served) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", served.child.id())).unwrap();
    let target = |file: std::io::Result<std::fs::DirEntry>| std::fs::read_link(file.ok()?.path()).ok();
    files.filter_map(target).filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

fn thousands_of_idle_connections_hold_nobody_up(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    const CONNECTIONS: usize = 2_000;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: files.maximum, ..files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).unwrap();
    // Systems usually begin with a thousand files, and grant more to whoever asks.
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
    // Where they were looked at late, their time may have run out.
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

/// What was closed for the client is gone in the service too.
#[track_caller]
fn wait_for_sockets(served: &Served, before: usize) {
    // Those of the requests beside are kept for the next.
    wait_until("the sockets are closed", || sockets(served) <= before + 20);
}

fn clients_that_dribble_are_cut_off(app: &App) {
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

    // Long enough for a machine that is held up between an answer and the next word.
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

/// An answer of some size.
fn fill(app: &App, rows: usize, note: usize) {
    app.post("/v1/indicators", indicator("mange", json!({"frequency": "once"}))).expect(201);
    let day = chrono::NaiveDate::from_ymd_opt(1930, 1, 1).unwrap();
    let note = "x".repeat(note);
    let row = |n: usize| json!({"period": (day + chrono::Days::new(n as u64)).to_string(), "value": n, "note": note});
    let rows: Vec<Value> = (0..rows).map(row).collect();
    let token = app.token("med.measure");
    app.request("PUT", "/v1/indicators/mange/values").token(&token).json(&json!({"values": rows})).send().expect(200);
}

/// An answer that no system holds for a client that doesn't take it.
const WHOLE: &str = "/v1/export?values=true";

/// Asks, and takes nothing of the answer.
fn ask(app: &App, served: &Served, path: &str) -> TcpStream {
    let stream = connect(served);
    // A window that stays small: else the system itself takes some megabytes.
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 * 1024).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", app.token("med.admin"));
    (&stream).write_all(head.as_bytes()).unwrap();
    stream
}

fn answers_that_nobody_takes_are_given_up(app: &App) {
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
    // Taken in before these.
    others_are_served(app, &served);
    wait_until("the sockets are closed", || sockets(&served) <= before + 2);
    drop(streams);
}

fn answers_that_are_taken_slowly_come_whole(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    fill(app, 700, 19_000);
    const SECONDS: u64 = 5;
    // More than a machine may hold up a reader for.
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
        // Half a megabyte a second: 26 seconds for the whole, and a pause is short beside the time that it may last.
        std::thread::sleep(Duration::from_millis(read as u64 / 500));
    }
    assert!(begun.elapsed() > Duration::from_secs(4 * SECONDS), "that was not slow: {:?}", begun.elapsed());
}

fn tables_that_are_not_taken_leave_their_turn_to_others(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    // More than any system takes for a client that doesn't.
    const ROWS: usize = 8_000;
    fill(app, ROWS, 2_000);
    // Longer than anybody waits for a connection: whoever would have to is told 503.
    let served = with_times(&mut program(app), 5);
    let before = sockets(&served);
    let table = "/v1/indicators/mange/values?format=csv";
    // Twice as many as may read at length at a time.
    let mut slow: Vec<TcpStream> = (0..6).map(|_| ask(app, &served, table)).collect();
    std::thread::sleep(Duration::from_millis(300));
    others_are_served(app, &served);
    // Turns may come to an end more slowly than one waits for one, on some machines.
    let whole = patiently(|| app.request_to(&served.base, "GET", table).send()).expect(200);
    assert_eq!(whole.body.iter().filter(|byte| **byte == b'\n').count(), ROWS + 1);
    wait_for_sockets(&served, before);
    // Nobody takes half a table for a whole one.
    let mut begun = 0;
    for stream in &mut slow {
        let mut text = Vec::new();
        // The system does not always tell that the other side has given up.
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let _ = stream.read_to_end(&mut text);
        let is_refused = text.starts_with(b"HTTP/1.1 503 ");
        assert!(is_refused || text.starts_with(b"HTTP/1.1 200 "), "{:?}", &text[..text.len().min(100)]);
        begun += usize::from(!is_refused);
        assert!(!text.ends_with(b"\r\n0\r\n\r\n"), "it looks whole, with {} bytes", text.len());
    }
    assert!(begun >= 3, "only {begun} had a turn");
}

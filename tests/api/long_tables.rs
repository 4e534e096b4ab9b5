//! Tables that are streamed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::App;
use crate::indicators::indicator;

crate::tests![clients_that_do_not_read_do_not_block_others, a_slow_reader_gets_the_whole_table];

const ROWS: usize = 60_000;

/// Stores so many values that the table exceeds every socket buffer.
fn fill(app: &App) {
    app.post("/v1/indicators", indicator("mange", json!({"frequency": "once"}))).expect(201);
    let day = chrono::NaiveDate::from_ymd_opt(1930, 1, 1).unwrap();
    let note = "x".repeat(120);
    let row = |n: usize| json!({"period": (day + chrono::Days::new(n as u64)).to_string(), "value": n, "note": note});
    let rows: Vec<Value> = (0..ROWS).map(row).collect();
    let token = app.token("med.measure");
    app.request("PUT", "/v1/indicators/mange/values").token(&token).json(&json!({"values": rows})).send().expect(200);
}

/// Requests the table and reads nothing of it.
fn ask(app: &App) -> TcpStream {
    let mut socket = TcpStream::connect(app.base.trim_start_matches("http://")).unwrap();
    let token = app.token("med.read");
    write!(
        socket,
        "GET /v1/indicators/mange/values?format=csv HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    )
    .unwrap();
    socket
}

fn clients_that_do_not_read_do_not_block_others(app: &App) {
    fill(app);
    let sockets: Vec<TcpStream> = (0..12).map(|_| ask(app)).collect();
    std::thread::sleep(Duration::from_millis(500));
    // A request that had to wait for the slow readers would get a 503 before they are disconnected.
    for _ in 0..5 {
        app.get("/v1/levels").expect(200);
        app.get("/v1/indicators/mange/values?limit=10").expect(200);
    }
    drop(sockets);
}

fn a_slow_reader_gets_the_whole_table(app: &App) {
    fill(app);
    let mut socket = ask(app);
    let (mut text, mut part) = (Vec::new(), vec![0; 300_000]);
    loop {
        match socket.read(&mut part).unwrap() {
            0 => break,
            read => text.extend_from_slice(&part[..read]),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n0\r\n\r\n"), "it ends as it should");
    assert_eq!(text.matches(&"x".repeat(120)).count(), ROWS);
}

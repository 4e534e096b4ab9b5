//! An HTTP client that costs little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::MAX_WAIT;

/// A keep-alive connection that does the least that HTTP needs, so that the client is not what is measured.
pub struct Wire {
    reader: BufReader<TcpStream>,
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(MAX_WAIT)).unwrap();
        Self { reader: BufReader::with_capacity(64 * 1024, stream), head: String::new(), body: Vec::new() }
    }

    /// Sends a request, keeps the whole answer, and returns its status.
    pub fn send(&mut self, head: &str, body: &[u8]) -> u16 {
        let mut answer = std::mem::take(&mut self.body);
        answer.clear();
        let status = self.exchange(head, body, |piece| answer.extend_from_slice(piece));
        self.body = answer;
        status
    }

    /// Sends a request, passes the answer to `take` as it arrives, and returns its status.
    pub fn exchange(&mut self, head: &str, body: &[u8], mut take: impl FnMut(&[u8])) -> u16 {
        let stream = self.reader.get_mut();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        self.head.clear();
        loop {
            match self.reader.read_line(&mut self.head).unwrap() {
                0 => panic!("the server closed the connection after: {}", self.head),
                length if length == "\r\n".len() => break,
                _ => {}
            }
        }
        let status = self.head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        if [204, 304].contains(&status) {
            return status;
        }
        match self.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) => self.receive(length, &mut take),
            None => while self.receive_chunk(&mut take) > 0 {},
        }
        status
    }

    fn receive(&mut self, length: usize, take: &mut impl FnMut(&[u8])) {
        let mut left = length;
        while left > 0 {
            let piece = self.reader.fill_buf().unwrap();
            assert!(!piece.is_empty(), "the server closed the connection in the middle of an answer");
            let length = left.min(piece.len());
            take(&piece[..length]);
            self.reader.consume(length);
            left -= length;
        }
    }

    /// Receives one chunk (RFC 9112, section 7.1) and returns its length. The last chunk is empty.
    fn receive_chunk(&mut self, take: &mut impl FnMut(&[u8])) -> usize {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("no chunk: '{line}'"));
        self.receive(length, take);
        let mut end = [0; 2];
        self.reader.read_exact(&mut end).unwrap();
        assert_eq!(&end, b"\r\n");
        length
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

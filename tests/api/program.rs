//! The compiled program, started as users start it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use medstrategi::db::Engine;

use crate::engines::free_port;
use crate::harness::{App, wait_until};

/// The program with the test's database, and the secret that signs the test's tokens.
pub fn program(app: &App) -> Command {
    program_by(app, &["env"])
}

/// The program, started through `starter`, which replaces itself with it.
pub fn program_by(app: &App, starter: &[&str]) -> Command {
    let mut command = Command::new(starter[0]);
    command.args(&starter[1..]).arg(env!("CARGO_BIN_EXE_medstrategi"));
    command.current_dir(app.folder.path()).env_clear().env("MEDSTRATEGI_DATABASE_URL", &app.url);
    command
}

/// The URL of a new database that no server has open.
pub fn fresh(app: &App) -> String {
    app.engines.create_bare(app.engine, app.folder.path())
}

pub fn program_over(app: &App, url: &str) -> Command {
    let mut command = program(app);
    command.env("MEDSTRATEGI_DATABASE_URL", url);
    command
}

pub fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running server that is killed when the test is over.
pub struct Served {
    pub child: Child,
    pub base: String,
    pub printed: Vec<String>,
}

impl Served {
    /// Kills it at once.
    pub fn kill(mut self) {
        signal(&self.child, "-KILL");
        wait(&mut self.child);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `serve` and waits until it answers.
pub fn serve(command: &mut Command) -> Served {
    // Tests must not run into rate limits.
    command.envs([("MEDSTRATEGI_SUBJECT_RATE", "0"), ("MEDSTRATEGI_ADDRESS_RATE", "0")]);
    let (child, base) = start(command.arg("serve").stdout(Stdio::null()));
    let mut served = Served { child, base, printed: Vec::new() };
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    wait_until("the server is ready", || {
        assert!(served.child.try_wait().unwrap().is_none(), "the server has ended");
        agent.get(format!("{}/readyz", served.base)).call().is_ok_and(|answer| answer.status() == 204)
    });
    served
}

/// Starts `serve --demo` and reads everything that it prints.
pub fn serve_demo(command: &mut Command) -> Served {
    let (mut child, base) = start(command.args(["serve", "--demo"]).stdout(Stdio::piped()));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    for line in lines {
        let line = line.unwrap();
        let is_last = line.contains("-X POST");
        printed.push(line);
        if is_last {
            break;
        }
    }
    assert!(printed.len() > 5, "the demo did not start: {printed:?}");
    Served { child, base, printed }
}

/// Starts it on a free port, with its log beside the database.
fn start(command: &mut Command) -> (Child, String) {
    let bind = free_address();
    let log = command.get_current_dir().unwrap().join("log");
    let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let child = command.args(["--bind", &bind]).stderr(log).spawn().unwrap();
    (child, format!("http://{bind}"))
}

/// The log of all programs that used the test's database.
pub fn logged(app: &App) -> String {
    std::fs::read_to_string(app.folder.path().join("log")).unwrap()
}

/// A free address, reserved for the caller.
pub fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

pub fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_until("the process ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

pub fn signal(child: &Child, name: &str) {
    // The program answers requests slightly before it handles signals.
    wait_until("it listens to signals", || name != "-TERM" || catches_term(child));
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Whether the process handles SIGTERM, according to `/proc`.
fn catches_term(child: &Child) -> bool {
    const TERM: u32 = 15;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.is_none_or(|caught| u64::from_str_radix(caught.trim(), 16).unwrap() >> (TERM - 1) & 1 == 1)
}

/// The invented municipality's bundle.
pub fn demo() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo.json").to_owned()
}

/// A token for the demo of a [`fresh`] database.
pub fn token_for_demo(app: &App, scope: &str) -> String {
    let secret = find_secret(app.folder.path(), app.engine);
    let output = run(program(app).env("MEDSTRATEGI_SECRET_FILE", secret).args([
        "token",
        "--scope",
        scope,
        "--municipality",
        "noerrelund",
    ]));
    out(&output).trim().to_owned()
}

/// The path of the secret that belongs to a [`fresh`] database.
pub fn find_secret(folder: &Path, engine: Engine) -> PathBuf {
    match engine {
        Engine::Sqlite => folder.join("bare.secret"),
        Engine::Postgres => folder.join("medstrategi.secret"),
    }
}

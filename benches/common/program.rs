//! The released program in its own process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;

use super::databases::TestDatabase;
use super::databases::engines::free_port;
use super::{Memory, interruption, memory, reset_peak};

/// The program with its own database.
pub struct Program {
    pub home: TestDatabase,
    secret: LocalSecret,
}

impl Program {
    pub fn over(home: TestDatabase) -> Self {
        // Created here, so that tokens can be made before a server starts.
        let secret = LocalSecret::read_or_create(&secret_file(&home)).unwrap();
        Self { home, secret }
    }

    /// A token for the municipality, good for a day.
    pub fn token(&self, municipality: &str, subject: &str, scope: Scope) -> String {
        let lifetime = Duration::from_secs(24 * 60 * 60);
        self.secret.sign(subject, &municipality.parse().unwrap(), &[scope], lifetime).unwrap()
    }

    /// `medstrategi import`
    pub fn import(&self, bundles: &[PathBuf]) {
        let output = self.command().arg("import").args(bundles).output().unwrap();
        assert!(output.status.success(), "the import failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `medstrategi serve`
    pub fn serve(&self) -> Process {
        let address = free_address();
        let mut command = self.command();
        command.args(["serve", "--bind", &address.to_string()]);
        Process::start(command, address, &self.home.folder.path().join("log"))
    }

    /// Starts the benchmark's own program with this argument, followed by those of `in_process::serve_alone`.
    pub fn serve_constants(&self, argument: &str) -> Process {
        let address = free_address();
        let mut command = self.isolated(&std::env::current_exe().unwrap());
        command.args([argument, &self.home.url]).arg(secret_file(&self.home)).arg(address.to_string());
        Process::start(command, address, &self.home.folder.path().join("log-of-constants"))
    }

    fn command(&self) -> Command {
        let mut command = self.isolated(Path::new(env!("CARGO_BIN_EXE_medstrategi")));
        command.args(["--database-url", &self.home.url, "--secret-file"]).arg(secret_file(&self.home));
        // The clients send requests as fast as they can.
        command.envs([("MEDSTRATEGI_SUBJECT_RATE", "0"), ("MEDSTRATEGI_ADDRESS_RATE", "0")]);
        command
    }

    /// A command without the environment of the user, whose settings would change the results.
    fn isolated(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.home.folder.path()).env_clear().stdin(Stdio::null());
        command
    }
}

fn secret_file(home: &TestDatabase) -> PathBuf {
    home.folder.path().join("medstrategi.secret")
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// Whether the server answers that it is ready; an error while it doesn't listen yet.
fn is_ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut begin = [0; b"HTTP/1.1 204".len()];
    stream.read_exact(&mut begin)?;
    Ok(&begin == b"HTTP/1.1 204")
}

/// A server in its own process, killed on drop.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(mut command: Command, address: SocketAddr, log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let mut process = Self { address, child, log: log.to_owned() };
        process.wait_until_ready();
        process
    }

    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        while !is_ready(self.address).unwrap_or(false) {
            interruption::check();
            let is_starting = self.child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(60);
            assert!(is_starting, "the server did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Resets the recorded peak memory. Returns false on systems that don't record it.
    pub fn reset_peak(&self) -> bool {
        reset_peak(&self.child.id().to_string())
    }

    /// The most memory in use since the last reset, in MB.
    pub fn peak(&self) -> Option<f64> {
        memory(&self.child.id().to_string(), Memory::Peak)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

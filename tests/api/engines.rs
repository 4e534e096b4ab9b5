//! The databases under test: each test gets one of its own, copied from a migrated template.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::db::{Database, Engine, Location, Options, block_on, migrate};

pub struct Engines {
    postgres: Option<Postgres>,
    folder: tempfile::TempDir,
    next: AtomicU32,
}

struct Postgres {
    /// A URL up to the database's name.
    base: String,
    cluster: Option<Cluster>,
    /// CREATE DATABASE fails while another session uses the template.
    creating: Mutex<()>,
}

/// A throw-away PostgreSQL server, stopped and removed when it is dropped.
pub struct Cluster {
    binaries: PathBuf,
    data: PathBuf,
    port: u16,
    options: &'static str,
}

const TEMPLATE: &str = "medstrategi_template";

fn migrated(location: Location) {
    let database = Database::open(location, Options::new(AssignmentProjection)).unwrap();
    block_on(database.admin(|connection| migrate::run(connection))).unwrap();
}

impl Engines {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("template.db"));
        migrated(location);
        let postgres = Postgres::start(folder.path());
        Self { folder, postgres, next: AtomicU32::new(1) }
    }

    pub fn has(&self, engine: Engine) -> bool {
        engine == Engine::Sqlite || self.postgres.is_some()
    }

    /// The URL of a new, migrated, empty database; `folder` is the test's own.
    pub fn create(&self, engine: Engine, folder: &Path) -> String {
        match (engine, &self.postgres) {
            (Engine::Sqlite, _) => {
                let path = folder.join("medstrategi.db");
                std::fs::copy(self.folder.path().join("template.db"), &path).unwrap();
                format!("sqlite:{}", path.display())
            }
            (Engine::Postgres, Some(postgres)) => postgres.create(&self.name(), Some(TEMPLATE)),
            (Engine::Postgres, None) => panic!("there is no PostgreSQL"),
        }
    }

    /// The URL of a new database without any table.
    pub fn create_bare(&self, engine: Engine, folder: &Path) -> String {
        match (engine, &self.postgres) {
            (Engine::Sqlite, _) => format!("sqlite:{}", folder.join("bare.db").display()),
            (Engine::Postgres, Some(postgres)) => postgres.create(&self.name(), None),
            (Engine::Postgres, None) => panic!("there is no PostgreSQL"),
        }
    }

    fn name(&self) -> String {
        format!("medstrategi_{}_{}", std::process::id(), self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub fn stop(&self) {
        // The last trial's closure may still hold the engines, so that `drop` would not run when the program ends.
        if let Some(cluster) = self.postgres.as_ref().and_then(|postgres| postgres.cluster.as_ref()) {
            cluster.stop("immediate");
        }
    }
}

impl Postgres {
    fn start(folder: &Path) -> Option<Self> {
        let (base, cluster) = match std::env::var("TEST_POSTGRES_URL") {
            Ok(url) => (url.trim_end_matches('/').to_owned(), None),
            Err(_) => {
                // Speed over safety: this data may be lost.
                let cluster = Cluster::create(folder, "-c synchronous_commit=off -c max_connections=300")?;
                (cluster.base(), Some(cluster))
            }
        };
        let postgres = Self { base, cluster, creating: Mutex::new(()) };
        postgres.admin(&format!("DROP DATABASE IF EXISTS {TEMPLATE}"));
        let url = postgres.create(TEMPLATE, None);
        migrated(Location::parse(&url).unwrap());
        Some(postgres)
    }

    fn admin(&self, sql: &str) {
        let mut admin = PgConnection::establish(&format!("{}/postgres", self.base)).unwrap();
        admin.batch_execute(sql).unwrap();
    }

    fn create(&self, name: &str, template: Option<&str>) -> String {
        let _alone = self.creating.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let template = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.admin(&format!("CREATE DATABASE {name}{template}"));
        format!("{}/{name}", self.base)
    }
}

impl Cluster {
    /// Starts a server with its data in `folder`. None if PostgreSQL is not installed.
    pub fn create(folder: &Path, options: &'static str) -> Option<Self> {
        let binaries = find_binaries()?;
        let data = folder.join("postgres");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root. The other user must be able to enter the parent folder.
            std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            assert!(Command::new("chown").args(["nobody"]).arg(&data).status().unwrap().success());
        }
        run(as_other_user(&binaries.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data));
        let port = free_port();
        let cluster = Self { binaries, data, port, options };
        cluster.start();
        Some(cluster)
    }

    /// A URL up to the database's name.
    pub fn base(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}", self.port)
    }

    /// Starts it again under the same address.
    pub fn start(&self) {
        // No power failure is simulated here.
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c full_page_writes=off {}",
            self.port, self.options
        );
        run(as_other_user(&self.binaries.join("pg_ctl"))
            .args(["start", "--wait", "--timeout=60", "--log"])
            .arg(self.data.join("log"))
            .arg("--pgdata")
            .arg(&self.data)
            .args(["--options", &options]));
        wait_for(&self.base());
    }

    /// Stops it: `fast` is an orderly shutdown, `immediate` is like a crash.
    pub fn stop(&self, mode: &str) {
        let mut stop = as_other_user(&self.binaries.join("pg_ctl"));
        stop.args(["stop", "--mode", mode, "--pgdata"]).arg(&self.data);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop("immediate");
    }
}

fn wait_for(base: &str) {
    let begun = Instant::now();
    while PgConnection::establish(&format!("{base}/postgres")).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "PostgreSQL did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn find_binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn as_other_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    // A server that inherits a pipe would keep it open.
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?} failed");
}

/// Reports what could not be tested here. With `CI=true` that is a failure.
pub fn not_tested(what: &str) {
    eprintln!("NOT TESTED: {what}.");
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "CI=true, and there was no test of {what}");
}

/// A free port, reserved for the caller.
///
/// It is below the range for outgoing connections (Linux: from 32768), whose ports may be taken at any moment.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 100).unwrap() * 200;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 200;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

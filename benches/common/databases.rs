//! Databases to measure on: SQLite below `TMPDIR`, and PostgreSQL on a throw-away server or on that of
//! `TEST_POSTGRES_URL`.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use engines::Engines;
use medstrategi::db::{AnyConnection, Engine};

#[path = "../../tests/api/engines.rs"]
pub mod engines;

/// The engines. A throw-away PostgreSQL is stopped even if the benchmark fails.
pub struct Databases(Engines);

impl Databases {
    pub fn start() -> Self {
        Self(Engines::start())
    }

    /// Creates an empty database; `None` if there is no PostgreSQL.
    pub fn create(&self, engine: Engine) -> Option<TestDatabase> {
        if !self.0.has(engine) {
            eprintln!("\nNOT MEASURED: PostgreSQL. Install its server, or name one in TEST_POSTGRES_URL.");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let url = self.0.create(engine, folder.path());
        Some(TestDatabase { engine, url, folder })
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A database and a folder that are removed on drop.
pub struct TestDatabase {
    pub engine: Engine,
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl TestDatabase {
    /// Opens a connection outside of the pool.
    pub fn connect(&self) -> AnyConnection {
        connect(self.engine, &self.url)
    }

    /// Vacuums and analyses, as PostgreSQL would do by itself a minute after so many new rows.
    pub fn settle(&self) {
        if self.engine == Engine::Postgres {
            self.connect().batch_execute("VACUUM ANALYZE").unwrap();
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((base, name)) = self.url.rsplit_once('/').filter(|_| self.engine == Engine::Postgres) else { return };
        // The server itself may have failed.
        let dropped = PgConnection::establish(&format!("{base}/postgres")).map_err(|error| error.to_string()).and_then(
            |mut admin| {
                let sql = format!("DROP DATABASE {name} WITH (FORCE)");
                admin.batch_execute(&sql).map_err(|error| error.to_string())
            },
        );
        if let Err(error) = dropped {
            eprintln!("the database {name} is still there: {error}");
        }
    }
}

/// Opens a connection with the program's settings.
pub fn connect(engine: Engine, url: &str) -> AnyConnection {
    match engine {
        Engine::Postgres => AnyConnection::Postgres(PgConnection::establish(url).unwrap()),
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            assert!(Path::new(path).exists(), "{path}");
            let mut sqlite = SqliteConnection::establish(path).unwrap();
            let settings = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
            sqlite.batch_execute(settings).unwrap();
            AnyConnection::Sqlite(sqlite)
        }
    }
}

/// The name of an engine in tables.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// Prints which database the following figures are for.
pub fn print_engine(engine: Engine) {
    match (engine, std::env::var("TEST_POSTGRES_URL")) {
        (Engine::Sqlite, _) => println!("\nSQLite, below {}", std::env::temp_dir().display()),
        (Engine::Postgres, Ok(_)) => println!("\nPostgreSQL, the server of TEST_POSTGRES_URL"),
        (Engine::Postgres, Err(_)) => {
            println!("\nPostgreSQL with fsync off, which flatters it: TEST_POSTGRES_URL names another server");
        }
    }
}

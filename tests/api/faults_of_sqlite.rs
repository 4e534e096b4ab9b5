//! A full disk: stored rows can be read, nothing new is stored, and nothing is damaged.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::prelude::*;
use diesel::sql_types::Text;
use medstrategi::db::Engine;
use serde_json::json;

use crate::engines::not_tested;
use crate::harness::{App, Response};
use crate::program::{program_by, serve, signal, wait};

crate::tests![a_full_disk_refuses_writes_and_loses_nothing];

/// A file system of a few megabytes, in a mount namespace of its own. It disappears with the namespace.
struct SmallDisk {
    /// The process that keeps the namespace alive.
    keeper: Child,
    folder: PathBuf,
    /// The command prefix that runs a program in the namespace.
    enter: Vec<String>,
}

impl SmallDisk {
    /// None if the system does not allow mounting.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir(folder).unwrap();
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let as_root: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
        let script = "mount -t tmpfs -o size=6m,mode=777 none \"$0\" && echo mounted && exec cat";
        let mut keeper = Command::new("unshare")
            .arg("--mount")
            .args(as_root)
            .args(["sh", "-c", script])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(keeper.stdout.take().unwrap()), &mut said).unwrap();
        if said != "mounted\n" {
            let _ = keeper.wait();
            return None;
        }
        let mut enter = vec!["nsenter".to_owned(), format!("--target={}", keeper.id()), "--mount".to_owned()];
        if !is_root {
            enter.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        Some(Self { keeper, folder: folder.to_owned(), enter })
    }

    /// The path of a file on this disk, as seen by this process.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.folder.strip_prefix("/").unwrap()).join(name)
    }

    /// Fills the disk.
    fn fill(&self) {
        let mut balloon = std::fs::File::create(self.path("balloon")).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while balloon.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path("balloon")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Copies the database file and its WAL, and runs SQLite's integrity check on the copy.
fn check_integrity(app: &App, disk: &SmallDisk) {
    #[derive(QueryableByName)]
    struct Checked {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    for name in ["small.db", "small.db-wal"] {
        std::fs::copy(disk.path(name), app.folder.path().join(name)).unwrap();
    }
    let mut copy = SqliteConnection::establish(app.folder.path().join("small.db").to_str().unwrap()).unwrap();
    let checked: Vec<Checked> = diesel::sql_query("PRAGMA integrity_check").load(&mut copy).unwrap();
    assert_eq!(checked.iter().map(|row| row.integrity_check.as_str()).collect::<Vec<_>>(), ["ok"]);
    let broken = diesel::sql_query("PRAGMA foreign_key_check").execute(&mut copy).unwrap();
    assert_eq!(broken, 0);
}

fn a_full_disk_refuses_writes_and_loses_nothing(app: &App) {
    if app.engine == Engine::Postgres {
        return;
    }
    let Some(disk) = SmallDisk::mount(&app.folder.path().join("disk")) else {
        return not_tested("a full disk: this system lets nobody mount one");
    };
    // Includes the WAL of the test's own server.
    for (from, to) in [("medstrategi.db", "small.db"), ("medstrategi.db-wal", "small.db-wal")] {
        std::fs::copy(app.folder.path().join(from), disk.path(to)).unwrap();
    }
    let url = format!("sqlite:{}", disk.folder.join("small.db").display());
    let secret = app.folder.path().join("medstrategi.secret");
    let enter: Vec<&str> = disk.enter.iter().map(String::as_str).collect();
    let start =
        || serve(program_by(app, &enter).env("MEDSTRATEGI_DATABASE_URL", &url).env("MEDSTRATEGI_SECRET_FILE", &secret));
    let mut served = start();
    let base = served.base.clone();
    let put = |n: usize| -> Response {
        let body = json!({"key": format!("u{n:04}"), "name": "x".repeat(150), "kind": "other"});
        app.request_to(&base, "PUT", &format!("/v1/units/u{n:04}")).json(&body).send()
    };
    let mut stored = Vec::new();
    for n in 0..10 {
        put(n).expect(201);
        stored.push(format!("u{n:04}"));
    }
    let keys = |base: &str| -> Vec<String> {
        app.list_of(base, "/v1/units?limit=200").iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };

    disk.fill();
    // The WAL has allocated space left, which small writes use up first.
    let mut refused = 0;
    for n in 10..1_000 {
        let answer = put(n);
        match answer.status {
            201 => stored.push(format!("u{n:04}")),
            _ => {
                let problem = answer.expect_problem(503, "unavailable").json();
                assert!(problem["detail"].as_str().unwrap().starts_with("Nothing can be stored"), "{problem}");
                refused += 1;
            }
        }
        if refused == 30 {
            break;
        }
    }
    assert_eq!(refused, 30, "the disk did not get full");
    for _ in 0..12 {
        assert_eq!(keys(&base), stored, "what is stored can be read, and what was refused is not there");
    }
    app.request_to(&base, "GET", "/v1/changes").send().expect(200);
    app.request_to(&base, "GET", "/readyz").send().expect(204);
    check_integrity(app, &disk);

    disk.make_room();
    for n in 2_000..2_040 {
        put(n).expect(201);
        stored.push(format!("u{n:04}"));
    }
    assert_eq!(keys(&base), stored);

    // Full again, and killed: after the restart every acknowledged write is there.
    disk.fill();
    while put(stored.len() + 3_000).status == 201 {
        stored.push(format!("u{:04}", stored.len() + 3_000));
    }
    signal(&served.child, "-KILL");
    wait(&mut served.child);
    disk.make_room();
    let again = start();
    assert_eq!(keys(&again.base), stored);
    let body = json!({"key": "z", "name": "Z", "kind": "other"});
    app.request_to(&again.base, "PUT", "/v1/units/z").json(&body).send().expect(201);
    check_integrity(app, &disk);
}

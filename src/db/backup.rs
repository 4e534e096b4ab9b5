//! A copy of a SQLite database that is in use.
//!
//! `VACUUM INTO` writes it from one reading transaction: it is one state of the database, whatever is written
//! meanwhile, and no writer has to wait. (SQLite's online backup starts over after every write between two of its
//! steps.) The copy gets its name only once it is complete, checked and on the disk.

use std::fs::File;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::integrity;

/// Why there is no copy, in words for people.
pub type Failure = String;

/// How long to wait for a writer that has locked the whole file.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

/// Copies the database at `from` to `to`, where no file may exist yet. Returns the size of the copy in bytes.
pub fn copy(from: &Path, to: &Path) -> Result<u64, Failure> {
    if to.symlink_metadata().is_ok() {
        return Err(format!("{} is there already: name another file, or move it away first", to.display()));
    }
    if !from.is_file() {
        return Err(format!("there is no database at {}", from.display()));
    }
    let folder = folder_of(to)?;
    let failed = |what: &str| {
        let to = to.display().to_string();
        let what = what.to_owned();
        move |error: &dyn std::fmt::Display| format!("{to} was not written: {what}: {error}")
    };
    // Only its owner may read it. It is deleted when this function ends, unless it got its name.
    let unfinished = tempfile::Builder::new()
        .prefix(".medstrategi-backup-")
        .tempfile_in(&folder)
        .map_err(|error| failed("its folder takes no file")(&error))?;
    write(from, unfinished.path()).map_err(|error| failed("the database could not be copied")(&error))?;
    check(unfinished.path()).map_err(|error| failed("the copy is not sound")(&error))?;
    unfinished.as_file().sync_all().map_err(|error| failed("the disk did not take it")(&error))?;
    let bytes = unfinished.as_file().metadata().map_err(|error| failed("its size is unknown")(&error))?.len();
    unfinished.persist_noclobber(to).map_err(|error| failed("it could not be given its name")(&error.error))?;
    // The name, too, has to survive a power cut.
    File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| format!("{} is written, but the disk did not confirm its name: {error}", to.display()))?;
    Ok(bytes)
}

fn folder_of(file: &Path) -> Result<PathBuf, Failure> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    folder.canonicalize().map_err(|error| format!("the folder {} can't be written to: {error}", folder.display()))
}

fn write(from: &Path, to: &Path) -> Result<(), Failure> {
    let to = to.to_str().ok_or("its path is not UTF-8")?;
    let mut source = open(from)?;
    let describe = |error: diesel::result::Error| error.to_string();
    if !integrity::is_ours(&mut source).map_err(describe)? {
        return Err(format!("{} holds no data of this service", from.display()));
    }
    diesel::sql_query("VACUUM INTO $1").bind::<Text, _>(to).execute(&mut source).map_err(describe)?;
    Ok(())
}

fn check(copy: &Path) -> Result<(), Failure> {
    let errors = integrity::faults_of_sqlite(&mut open(copy)?).map_err(|error| error.to_string())?;
    match errors.first() {
        None => Ok(()),
        Some(first) => Err(format!("{first} ({} findings; `medstrategi check` tells more)", errors.len())),
    }
}

fn open(path: &Path) -> Result<SqliteConnection, Failure> {
    let path = path.to_str().ok_or("its path is not UTF-8")?;
    let mut connection = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
    diesel::connection::SimpleConnection::batch_execute(&mut connection, BUSY_TIMEOUT)
        .map_err(|error| error.to_string())?;
    Ok(connection)
}

//! Where settings come from: flags, the environment and `medstrategi.toml`, in that order. An empty variable, as
//! container files often pass it, counts as none.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::SettingError;
use super::issuer::IssuerSetting;
use crate::db::Location;

/// A whole number as it is written. Which numbers are allowed is checked where the setting is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "NumberOrText")]
pub struct Number(pub(super) String);

/// How the file may write a number.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number")]
enum NumberOrText {
    Integer(i64),
    Text(String),
}

impl From<NumberOrText> for Number {
    fn from(written: NumberOrText) -> Self {
        match written {
            NumberOrText::Integer(number) => Self(number.to_string()),
            NumberOrText::Text(text) => Self(text),
        }
    }
}

impl FromStr for Number {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// The settings as flags and environment variables give them, whose help the texts are, and under the same names
/// `medstrategi.toml`.
#[allow(rustdoc::bare_urls)]
#[derive(Debug, Default, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flags {
    /// File with further settings; medstrategi.toml in the current folder is read where it exists
    #[arg(long, global = true, env = "MEDSTRATEGI_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<String>,
    /// Database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME [default: sqlite:medstrategi.db; DATABASE_URL is
    /// taken too]
    #[arg(long, global = true, env = "MEDSTRATEGI_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    #[serde(skip_serializing)]
    pub database_url: Option<SecretString>,
    /// Most connections to the database at a time [default: 10]
    #[arg(long, global = true, env = "MEDSTRATEGI_DATABASE_POOL", value_name = "COUNT")]
    pub database_pool: Option<Number>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "MEDSTRATEGI_BIND", value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// Origin that browsers may call from, such as https://intranet.example.dk; repeat or separate by commas
    /// [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Option<Vec<String>>,
    /// Address and port for metrics (Prometheus, GET /metrics), apart from the API [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_METRICS_BIND", value_name = "ADDRESS")]
    pub metrics_bind: Option<String>,
    /// Reverse proxy whose X-Forwarded-For is believed, as an address or network such as 10.0.0.0/8; repeat or
    /// separate by commas [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Requests a second that one token subject may keep up; 0 = any number [default: 50]
    #[arg(long, global = true, env = "MEDSTRATEGI_SUBJECT_RATE", value_name = "COUNT")]
    pub subject_rate: Option<Number>,
    /// Requests that one token subject may send at once after a pause [default: 500]
    #[arg(long, global = true, env = "MEDSTRATEGI_SUBJECT_BURST", value_name = "COUNT")]
    pub subject_burst: Option<Number>,
    /// Requests a second that one address may keep up, with or without a token; 0 = any number [default: 500]
    #[arg(long, global = true, env = "MEDSTRATEGI_ADDRESS_RATE", value_name = "COUNT")]
    pub address_rate: Option<Number>,
    /// Requests that one address may send at once after a pause [default: 5000]
    #[arg(long, global = true, env = "MEDSTRATEGI_ADDRESS_BURST", value_name = "COUNT")]
    pub address_burst: Option<Number>,
    /// Most connections from clients at a time [default: 10000]
    #[arg(long, global = true, env = "MEDSTRATEGI_MOST_CONNECTIONS", value_name = "COUNT")]
    pub most_connections: Option<Number>,
    /// Most requests that wait for the database at a time; others are answered 503 at once [default: 100]
    #[arg(long, global = true, env = "MEDSTRATEGI_MOST_WAITING", value_name = "COUNT")]
    pub most_waiting: Option<Number>,
    /// Longest address of a request, query included, in bytes [default: 8192]
    #[arg(long, global = true, env = "MEDSTRATEGI_URL_LIMIT", value_name = "BYTES")]
    pub url_limit: Option<Number>,
    /// Largest headers of a request, all together, in bytes [default: 32768]
    #[arg(long, global = true, env = "MEDSTRATEGI_HEADER_LIMIT", value_name = "BYTES")]
    pub header_limit: Option<Number>,
    /// Most rows on a page of a list, however many are asked for [default: as the contract says]
    #[arg(long, global = true, env = "MEDSTRATEGI_PAGE_LIMIT", value_name = "ROWS")]
    pub page_limit: Option<Number>,
    /// Time that a request's headers may take to arrive [default: 10s]
    #[arg(long, global = true, env = "MEDSTRATEGI_HEADER_TIMEOUT", value_name = "TIME")]
    pub header_timeout: Option<String>,
    /// Time that a connection may be silent between two requests [default: 15s]
    #[arg(long, global = true, env = "MEDSTRATEGI_KEEP_ALIVE", value_name = "TIME")]
    pub keep_alive: Option<String>,
    /// Largest body of an ordinary request, in bytes [default: 1048576]
    #[arg(long, global = true, env = "MEDSTRATEGI_BODY_LIMIT", value_name = "BYTES")]
    pub body_limit: Option<Number>,
    /// Largest body of a bulk request such as an import, in bytes [default: 67108864]
    #[arg(long, global = true, env = "MEDSTRATEGI_BULK_BODY_LIMIT", value_name = "BYTES")]
    pub bulk_body_limit: Option<Number>,
    /// Time that an ordinary request's body may take to arrive, and a client to take the next part of an answer
    /// [default: 30s]
    #[arg(long, global = true, env = "MEDSTRATEGI_BODY_TIMEOUT", value_name = "TIME")]
    pub body_timeout: Option<String>,
    /// Time that a bulk request's body may take to arrive [default: 5m]
    #[arg(long, global = true, env = "MEDSTRATEGI_BULK_BODY_TIMEOUT", value_name = "TIME")]
    pub bulk_body_timeout: Option<String>,
    /// Time that requests in flight get to finish after SIGTERM [default: 30s]
    #[arg(long, global = true, env = "MEDSTRATEGI_SHUTDOWN_TIMEOUT", value_name = "TIME")]
    pub shutdown_timeout: Option<String>,
    /// File with the secret of local tokens, made where it is missing [default: beside the database]
    #[arg(long, global = true, env = "MEDSTRATEGI_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<String>,
    /// Days that the log of who read personal data is kept [default: 365]
    #[arg(long, global = true, env = "MEDSTRATEGI_ACCESS_LOG_DAYS", value_name = "DAYS")]
    pub access_log_days: Option<Number>,
    /// Hours for which a report sent again under its Idempotency-Key gets the first one's answer [default: 24]
    #[arg(long, global = true, env = "MEDSTRATEGI_IDEMPOTENCY_HOURS", value_name = "HOURS")]
    pub idempotency_hours: Option<Number>,
    /// What is logged: error, warn, info, debug, or a filter such as info,medstrategi=debug [default: info]
    #[arg(long, global = true, env = "MEDSTRATEGI_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged: pretty, json, or auto (pretty on a terminal) [default: auto]
    #[arg(long, global = true, env = "MEDSTRATEGI_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Whose tokens are accepted: only in the file, as tables.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub issuers: Vec<IssuerSetting>,
}

/// The settings of all sources together, and those that depend on which source they came from.
pub(super) struct Sources {
    pub(super) flags: Flags,
    pub(super) database: Location,
    pub(super) secret_file: PathBuf,
    /// The folder that paths in issuers are relative to.
    pub(super) folder: PathBuf,
}

impl Flags {
    /// These flags, completed by the file.
    pub(super) fn with_file(&self) -> Result<Sources, SettingError> {
        let named = self.config.as_deref().filter(|path| !path.is_empty()).map(Path::new);
        let (mut file, folder) = read_file(named)?;
        let database = database(self.database_url.as_ref(), file.database_url.as_ref(), &folder)?;
        let secret_file = match (self.secret_file.as_deref().filter(|path| !path.is_empty()), &file.secret_file) {
            (Some(path), _) => PathBuf::from(path),
            (None, Some(path)) => folder.join(path),
            (None, None) => default_secret_file(&database),
        };
        let issuers = std::mem::take(&mut file.issuers);
        let flags = Self { issuers, ..self.over(&file).map_err(|error| error.to_string())? };
        Ok(Sources { flags, database, secret_file, folder })
    }

    /// These flags; those that are missing are taken from `file`.
    fn over(&self, file: &Self) -> Result<Self, Box<dyn std::error::Error>> {
        let mut all = Table::try_from(file)?;
        all.extend(Table::try_from(self)?.into_iter().filter(|(_, value)| !is_empty(value)));
        Ok(all.try_into()?)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.iter().all(is_empty),
        _ => false,
    }
}

fn read_file(named: Option<&Path>) -> Result<(Flags, PathBuf), SettingError> {
    let path = named.unwrap_or(Path::new("medstrategi.toml"));
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            // The message only: the text around it may hold a password.
            let place = |error: &toml::de::Error| {
                error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1)
            };
            let file = toml::from_str(&text)
                .map_err(|error| format!("{}, line {}: {}", path.display(), place(&error), error.message()))?;
            Ok((file, folder))
        }
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok((Flags::default(), folder)),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    }
}

/// From a flag or variable, else from the file, where a path is relative to the file's folder.
fn database(flag: Option<&SecretString>, file: Option<&SecretString>, folder: &Path) -> Result<Location, SettingError> {
    let common = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    match (flag.map(ExposeSecret::expose_secret).filter(|url| !url.is_empty()), file) {
        (Some(url), _) => Location::parse(url),
        (None, Some(url)) => match Location::parse(url.expose_secret())? {
            Location::Sqlite(path) => Ok(Location::Sqlite(folder.join(path))),
            postgres => Ok(postgres),
        },
        (None, None) => Location::parse(common().as_deref().unwrap_or("sqlite:medstrategi.db")),
    }
}

/// Beside the database file; with PostgreSQL, in the current folder.
fn default_secret_file(database: &Location) -> PathBuf {
    match database {
        Location::Sqlite(path) => path.with_extension("secret"),
        Location::Postgres(_) => "medstrategi.secret".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings from a file with this text, and these flags.
    fn beside(file: &str, mut flags: Flags) -> Result<Sources, SettingError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).unwrap();
        flags.config = Some(path.display().to_string());
        flags.with_file().map(|sources| Sources { folder: PathBuf::new(), ..sources })
    }

    #[test]
    fn flags_override_the_file_and_empty_ones_count_as_none() {
        let file = r#"
            bind = "127.0.0.1:1"
            log = "debug"
            body_limit = 10
            page_limit = "20"
            cors_origins = ["https://one.dk"]
            trusted_proxies = ["10.0.0.1"]
        "#;
        let flags = Flags {
            bind: Some("127.0.0.1:2".into()),
            log: Some(String::new()),
            page_limit: "30".parse().ok(),
            cors_origins: Some(vec!["https://two.dk".into()]),
            trusted_proxies: Some(vec![String::new()]),
            ..Flags::default()
        };
        let settings = beside(file, flags).unwrap().flags;
        assert_eq!(settings.bind.as_deref(), Some("127.0.0.1:2"));
        assert_eq!(settings.log.as_deref(), Some("debug"));
        assert_eq!(settings.body_limit.unwrap().0, "10");
        assert_eq!(settings.page_limit.unwrap().0, "30");
        assert_eq!(settings.cors_origins.unwrap(), ["https://two.dk"]);
        assert_eq!(settings.trusted_proxies.unwrap(), ["10.0.0.1"]);
        assert!(settings.keep_alive.is_none());
    }

    #[test]
    fn paths_in_the_file_are_relative_to_its_folder() {
        let text = "database_url = 'sqlite:a.db'\nsecret_file = 'b'";
        let sources = beside(text, Flags::default()).unwrap();
        let folder = sources.secret_file.parent().unwrap().to_owned();
        assert!(folder.is_absolute());
        assert!(matches!(sources.database, Location::Sqlite(path) if path == folder.join("a.db")));
        let flags =
            Flags { database_url: Some("sqlite:c.db".into()), secret_file: Some("d".into()), ..Flags::default() };
        let sources = beside(text, flags).unwrap();
        assert_eq!(sources.secret_file, Path::new("d"));
        assert!(matches!(sources.database, Location::Sqlite(path) if path == Path::new("c.db")));
    }

    #[test]
    fn faults_in_the_file_name_their_line() {
        let fault = |text: &str| beside(text, Flags::default()).err().unwrap();
        assert!(fault("log = 'info'\nbody_limit = true").contains("line 2: expected a whole number"));
        assert!(fault("log = 'info'\n\nbdy_limit = 1").contains("line 3: unknown field `bdy_limit`"));
        assert!(fault("config = 'other.toml'").contains("unknown field `config`"));
        assert!(!fault("database_url = 'postgres://u:hidden@h/n").contains("hidden"));
    }
}

//! The settings: by flag, environment or `medstrategi.toml`, in that order; each checked before
//! anything starts, with a sentence that says what to write instead.

mod issuer;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::auth::issuer::{Issuer, Issuers};
use crate::auth::local::LocalSecret;
use crate::db::Location;
use crate::http::client_address::TrustedProxies;
use crate::http::limits::{ConnectionLimits, Limit, Limits};
use crate::http::rate_limit::{Rate, Rates};
use issuer::IssuerSetting;

/// The most requests that a rate can allow, a second and at once.
const MOST_REQUESTS: u32 = 1_000_000;

/// The longest time that a setting takes.
const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What is wrong with a setting, and what to write instead.
pub type SettingError = String;

/// The settings as flags and environment variables give them; the texts are the command's own help.
#[allow(rustdoc::bare_urls)]
#[derive(Debug, Default, Args)]
pub struct Flags {
    /// File with further settings; medstrategi.toml in the current folder is read where it exists
    #[arg(long, global = true, env = "MEDSTRATEGI_CONFIG", value_name = "FILE")]
    pub config: Option<String>,
    /// Database: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME [default: sqlite:medstrategi.db; DATABASE_URL is taken too]
    #[arg(long, global = true, env = "MEDSTRATEGI_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Most connections to the database at a time [default: 10]
    #[arg(long, global = true, env = "MEDSTRATEGI_DATABASE_POOL", value_name = "COUNT")]
    pub database_pool: Option<String>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "MEDSTRATEGI_BIND", value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// Origin that browsers may call from, such as https://intranet.example.dk; repeat or separate by commas [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Option<Vec<String>>,
    /// Address and port for metrics (Prometheus, GET /metrics), apart from the API [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_METRICS_BIND", value_name = "ADDRESS")]
    pub metrics_bind: Option<String>,
    /// Reverse proxy whose X-Forwarded-For is believed, as an address or network such as 10.0.0.0/8; repeat or separate by commas [default: none]
    #[arg(long, global = true, env = "MEDSTRATEGI_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Requests a second that one token subject may keep up; 0 = any number [default: 50]
    #[arg(long, global = true, env = "MEDSTRATEGI_SUBJECT_RATE", value_name = "COUNT")]
    pub subject_rate: Option<String>,
    /// Requests that one token subject may send at once after a pause [default: 500]
    #[arg(long, global = true, env = "MEDSTRATEGI_SUBJECT_BURST", value_name = "COUNT")]
    pub subject_burst: Option<String>,
    /// Requests a second that one address may keep up, with or without a token; 0 = any number [default: 500]
    #[arg(long, global = true, env = "MEDSTRATEGI_ADDRESS_RATE", value_name = "COUNT")]
    pub address_rate: Option<String>,
    /// Requests that one address may send at once after a pause [default: 5000]
    #[arg(long, global = true, env = "MEDSTRATEGI_ADDRESS_BURST", value_name = "COUNT")]
    pub address_burst: Option<String>,
    /// Most connections from clients at a time [default: 10000]
    #[arg(long, global = true, env = "MEDSTRATEGI_MOST_CONNECTIONS", value_name = "COUNT")]
    pub most_connections: Option<String>,
    /// Most requests that wait for the database at a time; others are answered 503 at once [default: 100]
    #[arg(long, global = true, env = "MEDSTRATEGI_MOST_WAITING", value_name = "COUNT")]
    pub most_waiting: Option<String>,
    /// Longest address of a request, query included, in bytes [default: 8192]
    #[arg(long, global = true, env = "MEDSTRATEGI_URL_LIMIT", value_name = "BYTES")]
    pub url_limit: Option<String>,
    /// Largest headers of a request, all together, in bytes [default: 32768]
    #[arg(long, global = true, env = "MEDSTRATEGI_HEADER_LIMIT", value_name = "BYTES")]
    pub header_limit: Option<String>,
    /// Most rows on a page of a list, however many are asked for [default: as the contract says]
    #[arg(long, global = true, env = "MEDSTRATEGI_PAGE_LIMIT", value_name = "ROWS")]
    pub page_limit: Option<String>,
    /// Time that a request's headers may take to arrive [default: 10s]
    #[arg(long, global = true, env = "MEDSTRATEGI_HEADER_TIMEOUT", value_name = "TIME")]
    pub header_timeout: Option<String>,
    /// Time that a connection may be silent between two requests [default: 15s]
    #[arg(long, global = true, env = "MEDSTRATEGI_KEEP_ALIVE", value_name = "TIME")]
    pub keep_alive: Option<String>,
    /// Largest body of an ordinary request, in bytes [default: 1048576]
    #[arg(long, global = true, env = "MEDSTRATEGI_BODY_LIMIT", value_name = "BYTES")]
    pub body_limit: Option<String>,
    /// Largest body of a bulk request such as an import, in bytes [default: 67108864]
    #[arg(long, global = true, env = "MEDSTRATEGI_BULK_BODY_LIMIT", value_name = "BYTES")]
    pub bulk_body_limit: Option<String>,
    /// Time that an ordinary request's body may take to arrive, and a client to take the next part of an answer [default: 30s]
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
    pub access_log_days: Option<String>,
    /// Hours for which a report sent again under its Idempotency-Key gets the first one's answer [default: 24]
    #[arg(long, global = true, env = "MEDSTRATEGI_IDEMPOTENCY_HOURS", value_name = "HOURS")]
    pub idempotency_hours: Option<String>,
    /// What is logged: error, warn, info, debug, or a filter such as info,medstrategi=debug [default: info]
    #[arg(long, global = true, env = "MEDSTRATEGI_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged: pretty, json, or auto (pretty on a terminal) [default: auto]
    #[arg(long, global = true, env = "MEDSTRATEGI_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// The settings as `medstrategi.toml` gives them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    database_url: Option<SecretString>,
    database_pool: Option<usize>,
    bind: Option<String>,
    metrics_bind: Option<String>,
    cors_origins: Option<Vec<String>>,
    trusted_proxies: Option<Vec<String>>,
    subject_rate: Option<usize>,
    subject_burst: Option<usize>,
    address_rate: Option<usize>,
    address_burst: Option<usize>,
    most_connections: Option<usize>,
    most_waiting: Option<usize>,
    url_limit: Option<usize>,
    header_limit: Option<usize>,
    page_limit: Option<usize>,
    header_timeout: Option<String>,
    keep_alive: Option<String>,
    body_limit: Option<usize>,
    bulk_body_limit: Option<usize>,
    body_timeout: Option<String>,
    bulk_body_timeout: Option<String>,
    shutdown_timeout: Option<String>,
    secret_file: Option<PathBuf>,
    access_log_days: Option<usize>,
    idempotency_hours: Option<usize>,
    log: Option<String>,
    log_format: Option<String>,
    issuers: Vec<IssuerSetting>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For log collectors: one JSON object per line.
    Json,
}

/// The settings, checked.
#[derive(Debug)]
pub struct Settings {
    /// Where the database stands.
    pub database: Location,
    /// Most connections at a time.
    pub database_pool: u32,
    /// Where the server listens.
    pub bind: SocketAddr,
    /// Where metrics are served, if anywhere.
    pub metrics_bind: Option<SocketAddr>,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How often a subject and an address may ask.
    pub rates: Rates,
    /// Limits of requests.
    pub limits: Limits,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Most requests that wait for the database at a time.
    pub most_waiting: usize,
    /// Time for requests in flight after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Days that the access log is kept.
    pub access_log_days: u32,
    /// Hours that idempotency keys are kept.
    pub idempotency_hours: u32,
    /// What is logged.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    secret_file: PathBuf,
    issuers: Vec<IssuerSetting>,
    folder: PathBuf,
}

impl Settings {
    /// Reads and checks all settings. An empty variable, as container files like to pass, is none.
    pub fn load(flags: &Flags) -> Result<Self, SettingError> {
        let given = |flag: &Option<String>| flag.clone().filter(|value| !value.is_empty());
        let config = given(&flags.config).map(PathBuf::from);
        let (file, folder) = read_file(config.as_deref())?;
        let database = database(given(&flags.database_url), file.database_url, &folder)?;
        let bind = given(&flags.bind).or(file.bind).unwrap_or_else(|| "127.0.0.1:8080".into());
        let bind = address("bind", &bind, 8080)?;
        let metrics_bind = given(&flags.metrics_bind).or(file.metrics_bind);
        let metrics_bind = metrics_bind.map(|text| address("metrics_bind", &text, 9090)).transpose()?;
        let trusted_proxies = flags.trusted_proxies.clone().or(file.trusted_proxies).unwrap_or_default();
        let trusted_proxies = TrustedProxies::parse(&trusted_proxies)?;
        let mut cors_origins = flags.cors_origins.clone().or(file.cors_origins).unwrap_or_default();
        cors_origins.retain(|origin| !origin.is_empty());
        cors_origins.iter().try_for_each(|origin| check_origin(origin))?;
        let time = |name: &str, flag: &Option<String>, file: Option<String>, default: Duration| {
            given(flag).or(file).map_or(Ok(default), |text| duration(name, &text))
        };
        let (usual, usual_connections) = (Limits::default(), ConnectionLimits::default());
        let number = |name: &str, flag: &Option<String>, file: Option<usize>, default: usize| match given(flag) {
            Some(text) => {
                text.parse().map_err(|_| format!("{name} is '{text}': write a whole number, such as {default}"))
            }
            None => Ok(file.unwrap_or(default)),
        };
        let within = |name: &str, flag: &Option<String>, file: Option<usize>, default: u32, most: u32| {
            let number = number(name, flag, file, default as usize)?;
            let found = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
            found.ok_or_else(|| format!("{name} is {number}: write a number from 1 to {most}"))
        };
        let rate = |name: &str, rate: usize, burst: u32| {
            let known = u32::try_from(rate).ok().filter(|rate| *rate <= MOST_REQUESTS);
            let rate =
                known.ok_or_else(|| format!("{name} is {rate}: write 0 for any number, or up to {MOST_REQUESTS}"))?;
            Ok::<_, SettingError>(Rate::new(rate, burst))
        };
        let subject_rate = number("subject_rate", &flags.subject_rate, file.subject_rate, 50)?;
        let subject_burst = within("subject_burst", &flags.subject_burst, file.subject_burst, 500, MOST_REQUESTS)?;
        let address_rate = number("address_rate", &flags.address_rate, file.address_rate, 500)?;
        let address_burst = within("address_burst", &flags.address_burst, file.address_burst, 5_000, MOST_REQUESTS)?;
        let rates = Rates {
            subject: rate("subject_rate", subject_rate, subject_burst)?,
            address: rate("address_rate", address_rate, address_burst)?,
        };
        let connections = ConnectionLimits {
            most: within("most_connections", &flags.most_connections, file.most_connections, 10_000, 1_000_000)?
                as usize,
            header_time: time(
                "header_timeout",
                &flags.header_timeout,
                file.header_timeout,
                usual_connections.header_time,
            )?,
            keep_alive: time("keep_alive", &flags.keep_alive, file.keep_alive, usual_connections.keep_alive)?,
        };
        let most_waiting = within("most_waiting", &flags.most_waiting, file.most_waiting, 100, 100_000)? as usize;
        let page = match given(&flags.page_limit).is_some() || file.page_limit.is_some() {
            true => Some(within("page_limit", &flags.page_limit, file.page_limit, 200, 10_000)?),
            false => None,
        };
        let limits = Limits {
            url: within("url_limit", &flags.url_limit, file.url_limit, 8 * 1024, 64 * 1024)? as usize,
            headers: within("header_limit", &flags.header_limit, file.header_limit, 32 * 1024, 128 * 1024)? as usize,
            page,
            ordinary: Limit {
                bytes: number("body_limit", &flags.body_limit, file.body_limit, usual.ordinary.bytes)?,
                time: time("body_timeout", &flags.body_timeout, file.body_timeout, usual.ordinary.time)?,
            },
            bulk: Limit {
                bytes: number("bulk_body_limit", &flags.bulk_body_limit, file.bulk_body_limit, usual.bulk.bytes)?,
                time: time("bulk_body_timeout", &flags.bulk_body_timeout, file.bulk_body_timeout, usual.bulk.time)?,
            },
        };
        let secret_file = given(&flags.secret_file).map(PathBuf::from);
        let secret_file = secret_file.or(file.secret_file.map(|path| folder.join(path)));
        Ok(Self {
            database_pool: pool(within("database_pool", &flags.database_pool, file.database_pool, 10, 1_000)?)?,
            secret_file: secret_file.unwrap_or_else(|| default_secret_file(&database)),
            shutdown_timeout: time(
                "shutdown_timeout",
                &flags.shutdown_timeout,
                file.shutdown_timeout,
                Duration::from_secs(30),
            )?,
            access_log_days: within("access_log_days", &flags.access_log_days, file.access_log_days, 365, 36_500)?,
            idempotency_hours: within(
                "idempotency_hours",
                &flags.idempotency_hours,
                file.idempotency_hours,
                24,
                8_760,
            )?,
            log: given(&flags.log).or(file.log).unwrap_or_else(|| "info,actix_server=warn,actix_http=off".into()),
            log_format: parse_log_format(given(&flags.log_format).or(file.log_format).as_deref())?,
            issuers: file.issuers,
            database,
            bind,
            metrics_bind,
            cors_origins,
            trusted_proxies,
            rates,
            limits,
            connections,
            most_waiting,
            folder,
        })
    }

    /// Whether tokens come from outside, which puts the local secret out of force.
    pub fn has_outside_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// The local secret, which is there once the service has been started.
    pub fn local_secret(&self) -> Result<LocalSecret, SettingError> {
        LocalSecret::read(&self.secret_file)
    }

    /// The local secret, made where there is none yet.
    fn local_secret_or_new(&self) -> Result<LocalSecret, SettingError> {
        LocalSecret::read_or_create(&self.secret_file)
    }

    /// Everybody whose tokens are accepted. Keys that are published begin to be fetched.
    pub fn issuers(&self) -> Result<Issuers, SettingError> {
        self.accepted_issuers().map(Issuers::new)
    }

    /// [`Settings::issuers`] before anything is fetched.
    pub fn accepted_issuers(&self) -> Result<Vec<Issuer>, SettingError> {
        if !self.has_outside_issuers() {
            return Ok(vec![self.local_secret_or_new()?.issuer()]);
        }
        let mut names = std::collections::HashSet::new();
        if let Some(twice) = self.issuers.iter().find(|issuer| !names.insert(&issuer.issuer)) {
            return Err(format!("the issuer '{}' stands in the settings twice: write it once", twice.issuer));
        }
        self.issuers.iter().map(|setting| setting.build(&self.folder)).collect()
    }
}

fn read_file(named: Option<&Path>) -> Result<(File, PathBuf), SettingError> {
    let path = named.unwrap_or(Path::new("medstrategi.toml"));
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            // The message alone: what stands around it may hold a password.
            let place = |error: &toml::de::Error| {
                error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1)
            };
            let file = toml::from_str(&text)
                .map_err(|error| format!("{}, line {}: {}", path.display(), place(&error), error.message()))?;
            Ok((file, folder))
        }
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok((File::default(), folder)),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    }
}

/// By flag or variable, else from the file, where a path is relative to the file.
fn database(flag: Option<String>, file: Option<SecretString>, folder: &Path) -> Result<Location, SettingError> {
    let common = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    match (flag, file) {
        (Some(url), _) => Location::parse(&url),
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

fn address(name: &str, text: &str, port: u16) -> Result<SocketAddr, SettingError> {
    text.parse().map_err(|_| {
        format!("{name} is '{text}': write an IP address and a port, such as 127.0.0.1:{port} or 0.0.0.0:{port}")
    })
}

/// A table that is sent while it is read has a connection for itself, so that one more is needed.
fn pool(connections: u32) -> Result<u32, SettingError> {
    match connections {
        1 => Err("database_pool is 1: write a number from 2 to 1000, since a long table takes one for itself".into()),
        connections => Ok(connections),
    }
}

fn duration(name: &str, text: &str) -> Result<Duration, SettingError> {
    let time = humantime::parse_duration(text).ok().filter(|time| !time.is_zero() && *time <= LONGEST_TIME);
    time.ok_or_else(|| format!("{name} is '{text}': write a time such as 30s, 5m or 1h, up to a day"))
}

fn check_origin(origin: &str) -> Result<(), SettingError> {
    let parsed = url::Url::parse(origin).ok();
    if parsed.is_some_and(|url| url.origin().ascii_serialization() == origin) {
        return Ok(());
    }
    Err(format!(
        "'{origin}' in cors_origins is no origin: write scheme and host (and port) alone, such as https://intranet.example.dk"
    ))
}

fn parse_log_format(text: Option<&str>) -> Result<LogFormat, SettingError> {
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match text.unwrap_or("auto") {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        "auto" => Ok(if is_terminal { LogFormat::Pretty } else { LogFormat::Json }),
        other => Err(format!("log_format is '{other}': write auto, pretty or json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_are_answered_with_what_to_write() {
        let flags = |set: fn(&mut Flags)| {
            let mut flags = Flags { database_url: Some("sqlite:x.db".into()), ..Flags::default() };
            set(&mut flags);
            Settings::load(&flags).unwrap_err()
        };
        assert!(flags(|flags| flags.bind = Some("localhost".into())).contains("127.0.0.1:8080"));
        assert!(flags(|flags| flags.database_url = Some("mysql:x".into())).contains("sqlite:medstrategi.db"));
        assert!(flags(|flags| flags.cors_origins = Some(vec!["https://a.dk/".into()])).contains("scheme and host"));
        assert!(flags(|flags| flags.cors_origins = Some(vec!["*".into()])).contains("scheme and host"));
        assert!(flags(|flags| flags.body_timeout = Some("long".into())).contains("30s"));
        assert!(flags(|flags| flags.header_timeout = Some("0s".into())).contains("30s"));
        assert!(flags(|flags| flags.keep_alive = Some("2days".into())).contains("up to a day"));
        assert!(flags(|flags| flags.address_rate = Some("2000000000".into())).contains("0 for any number"));
        assert!(flags(|flags| flags.trusted_proxies = Some(vec!["proxy".into()])).contains("10.0.0.0/8"));
        assert!(flags(|flags| flags.log_format = Some("xml".into())).contains("pretty or json"));
        assert!(flags(|flags| flags.database_pool = Some("0".into())).contains("1 to 1000"));
        assert!(flags(|flags| flags.database_pool = Some("1".into())).contains("2 to 1000"));
    }
}

//! The settings: from flags, the environment or `medstrategi.toml`, in that order. Each is checked before anything
//! starts; where one is wrong, a sentence says what to write instead.

mod issuer;
mod sources;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::issuer::{Issuer, Issuers};
use crate::auth::local::LocalSecret;
use crate::db::Location;
use crate::http::client_address::TrustedProxies;
use crate::http::limits::{ConnectionLimits, Limit, Limits};
use crate::http::rate_limit::{Rate, Rates};
use issuer::IssuerSetting;
use sources::{Number, Sources};

pub use sources::Flags;

/// The most requests that a rate can allow, a second and at once.
const MOST_REQUESTS: u32 = 1_000_000;

/// The longest time that a setting takes.
const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What is wrong with a setting, and what to write instead.
pub type SettingError = String;

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
    /// Reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// How many requests a subject and an address may send.
    pub rates: Rates,
    /// Limits of requests.
    pub limits: Limits,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// Most requests that wait for the database at a time.
    pub most_waiting: usize,
    /// Time for requests in flight after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Days for which the access log is retained.
    pub access_log_days: u32,
    /// Hours for which idempotency keys are retained.
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
    /// Reads and checks all settings.
    pub fn load(flags: &Flags) -> Result<Self, SettingError> {
        let Sources { flags, database, secret_file, folder } = flags.with_file()?;
        let (usual, usual_connections) = (Limits::default(), ConnectionLimits::default());
        let mut cors_origins = flags.cors_origins.unwrap_or_default();
        cors_origins.retain(|origin| !origin.is_empty());
        cors_origins.iter().try_for_each(|origin| check_origin(origin))?;
        let subject_burst = within("subject_burst", flags.subject_burst, 500, MOST_REQUESTS)?;
        let address_burst = within("address_burst", flags.address_burst, 5_000, MOST_REQUESTS)?;
        let rates = Rates {
            subject: rate("subject_rate", flags.subject_rate, 50, subject_burst)?,
            address: rate("address_rate", flags.address_rate, 500, address_burst)?,
        };
        let connections = ConnectionLimits {
            max: within("most_connections", flags.most_connections, usual_connections.max, 1_000_000)? as usize,
            header_time: time("header_timeout", flags.header_timeout, usual_connections.header_time)?,
            keep_alive: time("keep_alive", flags.keep_alive, usual_connections.keep_alive)?,
        };
        let page = flags.page_limit.map(|rows| within("page_limit", Some(rows), 200, 10_000)).transpose()?;
        let limits = Limits {
            url: within("url_limit", flags.url_limit, usual.url, 64 * 1024)? as usize,
            headers: within("header_limit", flags.header_limit, usual.headers, 128 * 1024)? as usize,
            page,
            ordinary: Limit {
                bytes: number("body_limit", flags.body_limit, usual.ordinary.bytes)?,
                time: time("body_timeout", flags.body_timeout, usual.ordinary.time)?,
            },
            bulk: Limit {
                bytes: number("bulk_body_limit", flags.bulk_body_limit, usual.bulk.bytes)?,
                time: time("bulk_body_timeout", flags.bulk_body_timeout, usual.bulk.time)?,
            },
        };
        Ok(Self {
            database,
            database_pool: pool(within("database_pool", flags.database_pool, 10, 1_000)?)?,
            bind: address("bind", flags.bind.as_deref().unwrap_or("127.0.0.1:8080"), 8080)?,
            metrics_bind: flags.metrics_bind.map(|text| address("metrics_bind", &text, 9090)).transpose()?,
            cors_origins,
            trusted_proxies: TrustedProxies::parse(&flags.trusted_proxies.unwrap_or_default())?,
            rates,
            limits,
            connections,
            most_waiting: within("most_waiting", flags.most_waiting, 100, 100_000)? as usize,
            shutdown_timeout: time("shutdown_timeout", flags.shutdown_timeout, Duration::from_secs(30))?,
            access_log_days: within("access_log_days", flags.access_log_days, 365, 36_500)?,
            idempotency_hours: within("idempotency_hours", flags.idempotency_hours, 24, 8_760)?,
            log: flags.log.unwrap_or_else(|| "info,actix_server=warn,actix_http=off".into()),
            log_format: parse_log_format(flags.log_format.as_deref())?,
            secret_file,
            issuers: flags.issuers,
            folder,
        })
    }

    /// Whether tokens come from outside issuers; then the local secret isn't used.
    pub fn has_outside_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// The local secret, which exists once the service has been started.
    pub fn local_secret(&self) -> Result<LocalSecret, SettingError> {
        LocalSecret::read(&self.secret_file)
    }

    /// The local secret; created where there is none yet.
    fn local_secret_or_new(&self) -> Result<LocalSecret, SettingError> {
        LocalSecret::read_or_create(&self.secret_file)
    }

    /// The issuers whose tokens are accepted. Starts to fetch published keys.
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

fn number(name: &str, value: Option<Number>, default: usize) -> Result<usize, SettingError> {
    let Some(Number(text)) = value else { return Ok(default) };
    text.parse().map_err(|_| format!("{name} is '{text}': write a whole number, such as {default}"))
}

fn within(name: &str, value: Option<Number>, default: usize, most: u32) -> Result<u32, SettingError> {
    let number = number(name, value, default)?;
    let found = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
    found.ok_or_else(|| format!("{name} is {number}: write a number from 1 to {most}"))
}

/// A rate of 0 means that there is no limit.
fn rate(name: &str, value: Option<Number>, default: usize, burst: u32) -> Result<Option<Rate>, SettingError> {
    let rate = number(name, value, default)?;
    let known = u32::try_from(rate).ok().filter(|rate| *rate <= MOST_REQUESTS);
    let rate = known.ok_or_else(|| format!("{name} is {rate}: write 0 for any number, or up to {MOST_REQUESTS}"))?;
    Ok(Rate::new(rate, burst))
}

fn time(name: &str, value: Option<String>, default: Duration) -> Result<Duration, SettingError> {
    let Some(text) = value else { return Ok(default) };
    let time = humantime::parse_duration(&text).ok().filter(|time| !time.is_zero() && *time <= LONGEST_TIME);
    time.ok_or_else(|| format!("{name} is '{text}': write a time such as 30s, 5m or 1h, up to a day"))
}

fn address(name: &str, text: &str, port: u16) -> Result<SocketAddr, SettingError> {
    text.parse().map_err(|_| {
        format!("{name} is '{text}': write an IP address and a port, such as 127.0.0.1:{port} or 0.0.0.0:{port}")
    })
}

/// At least two: a table that is sent while it is read occupies one connection.
fn pool(connections: u32) -> Result<u32, SettingError> {
    match connections {
        1 => Err("database_pool is 1: write a number from 2 to 1000, since a long table takes one for itself".into()),
        connections => Ok(connections),
    }
}

fn check_origin(origin: &str) -> Result<(), SettingError> {
    let parsed = url::Url::parse(origin).ok();
    if parsed.is_some_and(|url| url.origin().ascii_serialization() == origin) {
        return Ok(());
    }
    Err(format!(
        "'{origin}' in cors_origins is no origin: write scheme and host (and port) alone, such as \
         https://intranet.example.dk"
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
        assert!(flags(|flags| flags.address_rate = "2000000000".parse().ok()).contains("0 for any number"));
        assert!(flags(|flags| flags.trusted_proxies = Some(vec!["proxy".into()])).contains("10.0.0.0/8"));
        assert!(flags(|flags| flags.log_format = Some("xml".into())).contains("pretty or json"));
        assert!(flags(|flags| flags.database_pool = "0".parse().ok()).contains("1 to 1000"));
        assert!(flags(|flags| flags.database_pool = "1".parse().ok()).contains("2 to 1000"));
    }
}

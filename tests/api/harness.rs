//! A server with a database of its own for each test, and an HTTP client for it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use diesel::connection::SimpleConnection as _;
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::auth::issuer::Issuers;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::{Bundle, ImportAnswer};
use medstrategi::db::{Database, Engine, Location, Options, block_on};
use medstrategi::http::limits::{Limit, Limits};
use medstrategi::problem::Result as ServiceResult;
use medstrategi::server::{self, Parts};
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

use crate::engines::Engines;

/// The municipality that most tests act in.
pub const HERE: &str = "testby";
/// Another municipality. Its data must not exist for tokens of the first.
pub const ELSEWHERE: &str = "nabokommune";
/// An origin that CORS allows.
pub const ORIGIN: &str = "https://intranet.testby.dk";

/// Time limit for anything a test waits for, long enough for a slow machine.
pub const LONGEST: Duration = Duration::from_secs(120);

#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONGEST, "{what}: not within {LONGEST:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Settings of a property test: this many cases, with a fixed seed, so that a failure is repeatable. PROPTEST_RNG_SEED
/// sets another seed.
pub fn repeatable(cases: u32) -> Config {
    let usual = Config::default();
    let rng_seed = if usual.rng_seed == RngSeed::Random { RngSeed::Fixed(4) } else { usual.rng_seed };
    Config { cases, rng_seed, failure_persistence: None, ..usual }
}

/// Opens a database with so many connections.
pub fn open(url: &str, pool_size: u32) -> Database {
    let options = Options { pool_size, ..Options::new(AssignmentProjection) };
    Database::open(Location::parse(url).unwrap(), options).unwrap()
}

/// Runs SQL statements, past the service. Fails where one of them does.
pub fn try_sql(database: &Database, sql: &str) -> ServiceResult<()> {
    let sql = sql.to_owned();
    block_on(database.admin(move |connection| Ok(connection.batch_execute(&sql)?)))
}

/// Runs SQL statements, past the service.
#[track_caller]
pub fn sql(database: &Database, sql: &str) {
    try_sql(database, sql).unwrap_or_else(|problem| panic!("{sql}: {:?}", problem.cause));
}

pub struct App<'e> {
    pub engine: Engine,
    pub engines: &'e Engines,
    pub database: Database,
    pub url: String,
    pub base: String,
    pub folder: tempfile::TempDir,
    secret: LocalSecret,
    handle: ServerHandle,
    agent: ureq::Agent,
}

impl<'e> App<'e> {
    /// Starts a server with a migrated database that holds two empty municipalities.
    pub fn start(engines: &'e Engines, engine: Engine) -> Self {
        Self::start_with(engines, engine, |secret| Issuers::new(vec![secret.issuer()]))
    }

    pub fn start_with(engines: &'e Engines, engine: Engine, issuers: impl FnOnce(&LocalSecret) -> Issuers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = LocalSecret::read_or_create(&folder.path().join("medstrategi.secret")).unwrap();
        let url = engines.create(engine, folder.path());
        let database = open(&url, 8);
        let (handle, base) = serve(database.clone(), issuers(&secret), |parts| parts);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LONGEST))
            // Shorter than the service's keep-alive time.
            .max_idle_age(Duration::from_secs(5))
            .max_redirects(0)
            .build()
            .into();
        let app = Self { engine, engines, database, url, base, folder, secret, handle, agent };
        for key in [HERE, ELSEWHERE] {
            app.import(&json!({"municipality": {"key": key, "code": "999", "name": key}})).unwrap();
        }
        app
    }

    /// Imports a bundle, as the command line does.
    pub fn import(&self, bundle: &Value) -> ServiceResult<ImportAnswer> {
        let bundle: Bundle = serde_json::from_value(bundle.clone()).unwrap();
        block_on(import_creating(&self.database, "test", "test", bundle))
    }

    pub fn token(&self, scope: &str) -> String {
        self.token_of(HERE, scope)
    }

    pub fn token_of(&self, municipality: &str, scope: &str) -> String {
        self.token_for("tester", municipality, scope)
    }

    pub fn token_for(&self, subject: &str, municipality: &str, scope: &str) -> String {
        let scopes: Vec<Scope> = scope.split_whitespace().map(|word| word.parse().unwrap()).collect();
        self.secret.sign(subject, &municipality.parse().unwrap(), &scopes, Duration::from_secs(600)).unwrap()
    }

    /// A request with a token that has all scopes.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        self.request_to(&self.base, method, path)
    }

    /// [`App::request`] to another server that accepts the same tokens.
    pub fn request_to(&self, base: &str, method: &str, path: &str) -> Request<'_> {
        Request {
            agent: &self.agent,
            method: method.to_owned(),
            url: format!("{base}{path}"),
            headers: vec![("authorization".into(), format!("Bearer {}", self.token("med.admin med.audit")))],
            body: None,
        }
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Response {
        self.request("POST", path).json(&body).send()
    }

    /// PUT without `If-Match`, which can only create.
    pub fn put_new(&self, path: &str, body: Value) -> Response {
        self.request("PUT", path).json(&body).send()
    }

    /// PUT with `If-Match: *`.
    pub fn put(&self, path: &str, body: Value) -> Response {
        self.request("PUT", path).header("if-match", "*").json(&body).send()
    }

    /// PATCH with `If-Match: *`.
    pub fn patch(&self, path: &str, body: Value) -> Response {
        self.request("PATCH", path).header("if-match", "*").json(&body).send()
    }

    /// DELETE with `If-Match: *`.
    pub fn delete(&self, path: &str) -> Response {
        self.request("DELETE", path).header("if-match", "*").send()
    }

    /// All rows of a list, over all pages.
    pub fn list(&self, path: &str) -> Vec<Value> {
        self.list_of(&self.base, path)
    }

    /// [`App::list`] of another server.
    pub fn list_of(&self, base: &str, path: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut address = path.to_owned();
        loop {
            let page = self.request_to(base, "GET", &address).send().expect(200).json();
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            let next = match &page["next"] {
                Value::Null => return rows,
                Value::String(next) => next.clone(),
                next => next.to_string(),
            };
            let parameter = if path.starts_with("/v1/changes") { "after" } else { "cursor" };
            address = format!("{path}{separator}{parameter}={next}");
        }
    }

    pub fn keys(&self, path: &str) -> Vec<String> {
        self.list(path).iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    }

    /// Number of rows in the change log.
    pub fn changes(&self) -> usize {
        self.list("/v1/changes?limit=200").len()
    }

    /// Starts a second server with the same database and other settings.
    pub fn beside(&self, set_up: impl FnOnce(Parts) -> Parts + Send + 'static) -> Beside {
        let issuers = Issuers::new(vec![self.secret.issuer()]);
        let (handle, base) = serve(self.database.clone(), issuers, set_up);
        Beside { handle, base }
    }

    /// Number of SQL statements that the service runs during `work`.
    pub fn statements(&self, work: impl FnOnce()) -> u64 {
        let before = self.database.statements();
        work();
        self.database.statements() - before
    }
}

/// A server beside that of an [`App`].
pub struct Beside {
    pub base: String,
    handle: ServerHandle,
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        // Not awaited: the server's own runtime would have to complete it.
        drop(self.handle.stop(false));
    }
}

fn serve(
    database: Database,
    issuers: Issuers,
    set_up: impl FnOnce(Parts) -> Parts + Send + 'static,
) -> (ServerHandle, String) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let limit = |bytes, time| Limit { bytes, time };
        let (ordinary, bulk) = (limit(1024 * 1024, Duration::from_secs(5)), limit(64 * 1024 * 1024, LONGEST));
        let parts = Parts {
            limits: Limits { ordinary, bulk, ..Limits::default() },
            cors_origins: vec![ORIGIN.into()],
            workers: Some(1),
            ..Parts::new(database, issuers)
        };
        actix_web::rt::System::new().block_on(async {
            let (server, address) =
                server::start(set_up(parts), server::listen("127.0.0.1:0".parse().unwrap()).unwrap()).unwrap();
            sender.send((server.handle(), format!("http://{address}"))).unwrap();
            server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

pub struct Request<'a> {
    agent: &'a ureq::Agent,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request<'_> {
    pub fn without_token(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.without_token().header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        let media_type = if self.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.header("content-type", media_type).bytes(serde_json::to_vec(body).unwrap())
    }

    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn send(self) -> Response {
        self.try_send().unwrap()
    }

    /// [`Request::send`] to a server that may stop before it answers.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = match self.body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer?;
        let body = answer.body_mut().with_config().limit(200 * 1024 * 1024).read_to_vec()?;
        Ok(Response {
            what: format!("{} {}", self.method, self.url),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    }
}

#[derive(Debug)]
pub struct Response {
    what: String,
    pub status: u16,
    headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Response {
    /// Requires this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, String::from_utf8_lossy(&self.body));
        self
    }

    /// Requires a complete problem answer of this type.
    #[track_caller]
    pub fn expect_problem(self, status: u16, kind: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.what);
        let problem = answer.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{problem}");
        assert!(answer.url_path().starts_with(problem["instance"].as_str().unwrap()), "{problem}");
        answer
    }

    /// Requires errors at exactly these pointers.
    #[track_caller]
    pub fn expect_errors(self, pointers: &[&str]) -> Self {
        let answer = self.expect_problem(422, "invalid-body");
        let mut found: Vec<String> = answer.pointers();
        let mut expected: Vec<String> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", answer.json());
        answer
    }

    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    fn url_path(&self) -> &str {
        let url = self.what.split_once("://").unwrap().1;
        &url[url.find('/').unwrap_or(url.len())..]
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether a header of this name lists the word.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        let values = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(word))
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{} has no ETag", self.what)).to_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, String::from_utf8_lossy(&self.body)))
    }
}

//! The database: two engines behind one door, and every transaction through it.
//!
//! [`Database::read`] and [`Database::write`] each run one transaction off the async threads and
//! hand their work a [`Tenant`] or a [`Writer`]: the connection together with the one municipality
//! that it may touch. Stores take nothing else, so no query can be written without its boundary.

pub mod access_log;
pub mod backup;
pub mod caches;
pub mod change_log;
pub mod connection;
pub mod integrity;
pub mod migrate;
pub mod projection;
pub mod retention;
pub mod schema;
mod turns;
pub mod types;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use tokio::sync::OwnedSemaphorePermit;

use crate::problem::{Kind, Problem, Result};
use caches::Caches;
use change_log::Newest;
pub use connection::{AnyConnection, Engine, Location};
use connection::{ConnectionFactory, Lock, Purpose};
use projection::{ChangeEvent, Projection};
use retention::Retention;
use schema::{actors, municipalities};
use turns::{Turns, Waiting};
use types::{Id, Key, Timestamp};

/// How long a request waits for a free connection before it is answered with 503.
const POOL_WAIT: Duration = Duration::from_secs(3);

/// How many connections writers never take.
const KEPT_FOR_READERS: u32 = 3;

/// How long a request waits for its turn, to write or to read at length, before it is answered with 503.
const TURN_WAIT: Duration = Duration::from_secs(10);

/// Who acts, and for which municipality: what a token, or the command line, boils down to here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The only municipality whose data exists for this principal.
    pub municipality: Key,
    /// Who vouches for the subject.
    pub issuer: String,
    /// The subject, as its issuer names it.
    pub subject: String,
}

/// How a database is opened.
#[derive(Clone)]
pub struct Options {
    /// What is derived from the rows and kept up to date by every transaction that writes.
    pub projection: Arc<dyn Projection>,
    /// How many connections there are at most.
    pub pool_size: u32,
    /// How many requests wait for one at most; the next is answered with 503 at once.
    pub max_waiting: usize,
    /// For how long logs are retained.
    pub retention: Retention,
    /// Whether the engine refuses whatever would change the database.
    pub is_read_only: bool,
}

impl Options {
    /// The usual options, with the projection that whoever writes has to keep up to date.
    pub fn new(projection: impl Projection + 'static) -> Self {
        Self {
            projection: Arc::new(projection),
            pool_size: 1,
            max_waiting: 100,
            retention: Retention::default(),
            is_read_only: false,
        }
    }
}

/// A pool of connections to one database.
#[derive(Clone)]
pub struct Database {
    pool: r2d2::Pool<ConnectionFactory>,
    /// Requests wait for a connection here, where waiting costs no thread.
    connections: Turns,
    /// Writers wait for each other; without this, those that wait would hold every connection.
    writers: Turns,
    /// What is read for as long as a client takes to take it leaves connections for all others.
    long_reads: Turns,
    waiting: Waiting,
    /// Those who wait for a long reading are in nobody else's way.
    waiting_long: Waiting,
    location: Arc<Location>,
    retention: Retention,
    statements: Arc<AtomicU64>,
    projection: Arc<dyn Projection>,
    caches: Arc<Caches>,
}

impl Database {
    /// Opens the database at `location`, reaching it at least once. A SQLite file that isn't there is made, unless it
    /// is opened to be read.
    pub fn open(location: Location, options: Options) -> Result<Self> {
        let Options { projection, pool_size, max_waiting, retention, is_read_only } = options;
        if let (Location::Sqlite(path), true) = (&location, is_read_only)
            && !path.is_file()
        {
            return Err(Problem::new(Kind::Unavailable, format!("There is no database at {}.", path.display())));
        }
        let purpose = if is_read_only { Purpose::Reading } else { Purpose::Serving };
        let statements = Arc::new(AtomicU64::new(0));
        let factory = ConnectionFactory::new(purpose, location.clone(), Arc::clone(&statements));
        // r2d2 retries in silence; one attempt by hand gives the operator the reason.
        r2d2::ManageConnection::connect(&factory).map_err(|error| Problem {
            cause: None,
            ..Problem::new(Kind::Unavailable, format!("The database {location} can't be opened: {error}"))
        })?;
        let pool = r2d2::Pool::builder()
            .max_size(pool_size)
            .connection_timeout(POOL_WAIT)
            .error_handler(Box::new(r2d2::LoggingErrorHandler))
            .build(factory)
            .map_err(Problem::unavailable)?;
        Ok(Self {
            pool,
            connections: Turns::of(pool_size, POOL_WAIT),
            writers: Turns::of(pool_size.saturating_sub(KEPT_FOR_READERS), TURN_WAIT),
            long_reads: Turns::of(pool_size / 3, TURN_WAIT),
            waiting: Waiting::at_most(max_waiting),
            waiting_long: Waiting::at_most(max_waiting),
            location: Arc::new(location),
            retention,
            statements,
            projection,
            caches: Arc::default(),
        })
    }

    /// Where it stands.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How many SQL statements ran since the start, transaction control aside.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How it is used at this moment.
    pub fn usage(&self) -> Usage {
        let r2d2::State { connections, idle_connections, .. } = self.pool.state();
        Usage { connections, idle: idle_connections, waiting: self.waiting.count(), statements: self.statements() }
    }

    /// Runs `work` off the async threads, once there is a connection for it.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> Result<T> + Send + 'static) -> Result<T> {
        let turn = self.connections.take(&self.waiting).await?;
        let database = self.clone();
        off_the_async_threads(move || {
            // Given back when the work is done, even if the client has gone by then.
            let _turn = turn;
            work(&database)
        })
        .await
    }

    /// Runs `work` in one read-only transaction that sees one state of the database.
    pub async fn read<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let principal = principal.clone();
        self.in_turn(move |database| database.read_blocking(&principal, work)).await
    }

    /// A turn for a reading that may last as long as its client takes; whoever gets none in time is answered with 503.
    pub async fn long_read(&self) -> Result<OwnedSemaphorePermit> {
        self.long_reads.take(&self.waiting_long).await
    }

    /// Runs `work` in one writing transaction; it is stored whole or, after an error, not at all.
    pub async fn write<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_as(Writing { is_alone: true, is_kept: true }, principal, work).await
    }

    /// [`Database::write`] for show: `work` sees what it writes, and all of it is taken back.
    pub async fn rehearse<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_as(Writing { is_alone: true, is_kept: false }, principal, work).await
    }

    /// [`Database::write`] of rows that nothing else depends on: on PostgreSQL it goes on beside other writers.
    pub(in crate::db) async fn append<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_as(Writing { is_alone: false, is_kept: true }, principal, work).await
    }

    async fn write_as<T: Send + 'static>(
        &self,
        writing: Writing,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let principal = principal.clone();
        let turn = self.writers.take(&self.waiting).await?;
        self.in_turn(move |database| {
            let _turn = turn;
            database.write_transaction(writing, &principal, municipality_id, work)
        })
        .await
    }

    /// [`Database::read`] for callers that may block, such as the command line.
    pub fn read_blocking<T>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.pool.get().map_err(Problem::unavailable)?;
        connection.begin_read()?;
        finish(&mut connection, true, |connection| {
            let municipality_id = municipality_id(connection, &principal.municipality)?;
            work(&mut Tenant { connection, municipality_id, caches: &self.caches })
        })
    }

    /// Runs `work` in one read-only transaction outside any municipality.
    pub fn look<T>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        let mut connection = self.pool.get().map_err(Problem::unavailable)?;
        connection.begin_read()?;
        finish(&mut connection, false, work)
    }

    /// Runs `work`, which compares what could be written with what is stored, and writes none of it: it has what a
    /// [`Writer`] has but for the right to write, and keeps nobody out.
    pub fn compare<T>(&self, principal: &Principal, work: impl FnOnce(&mut Writer<'_>) -> Result<T>) -> Result<T> {
        self.look(|connection| {
            let municipality_id = municipality_id(connection, &principal.municipality)?;
            work(&mut self.writer(Tenant { connection, municipality_id, caches: &self.caches }, principal))
        })
    }

    /// [`Database::write`] for callers that may block, such as the command line.
    pub fn write_blocking<T>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        self.write_creating(principal, municipality_id, work)
    }

    /// Like [`Database::write_blocking`], but `locate` says which municipality it is, and may
    /// create it: the command line's import is the one place where municipalities are born.
    pub fn write_creating<T>(
        &self,
        principal: &Principal,
        locate: impl FnOnce(&mut AnyConnection, &Key) -> Result<Id>,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        self.write_transaction(Writing { is_alone: true, is_kept: true }, principal, locate, work)
    }

    fn write_transaction<T>(
        &self,
        writing: Writing,
        principal: &Principal,
        locate: impl FnOnce(&mut AnyConnection, &Key) -> Result<Id>,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.pool.get().map_err(Problem::unavailable)?;
        connection.begin_write()?;
        finish(&mut connection, writing.is_kept, |connection| {
            if writing.is_alone {
                connection.lock(Lock::Rows, principal.municipality.as_str())?;
            }
            let municipality_id = locate(connection, &principal.municipality)?;
            let mut writer = self.writer(Tenant { connection, municipality_id, caches: &self.caches }, principal);
            let outcome = work(&mut writer)?;
            if writing.is_kept {
                writer.update_projection()?;
            }
            Ok(outcome)
        })
    }

    fn writer<'c>(&self, tenant: Tenant<'c>, principal: &Principal) -> Writer<'c> {
        Writer {
            tenant,
            principal: principal.clone(),
            actor_id: None,
            now: Timestamp::now(),
            retention: self.retention,
            projection: Arc::clone(&self.projection),
            events: Vec::new(),
        }
    }

    /// The latest change in a principal's municipality: one statement, which sees one state by itself.
    pub async fn newest_change(&self, principal: &Principal) -> Result<Newest> {
        let key = principal.municipality.clone();
        self.in_turn(move |database| database.unbound(|connection| change_log::newest_of(connection, &key))).await
    }

    /// Runs `work` outside any municipality: health, migrations, and what the command line looks up.
    pub fn unbound<T>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        work(&mut *self.pool.get().map_err(Problem::unavailable)?)
    }

    /// Whether the database answers and has every migration.
    pub async fn is_ready(&self) -> Result<()> {
        self.in_turn(|database| {
            database.unbound(|connection| {
                connection.ping().map_err(Problem::unavailable)?;
                match migrate::pending(connection)? {
                    0 => Ok(()),
                    n => Err(Problem::new(Kind::Unavailable, format!("{n} migrations have not run yet."))),
                }
            })
        })
        .await
    }
}

/// How a database is used at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// Requests that wait for one, or for their turn to write; those for a long table aside.
    pub waiting: usize,
    /// SQL statements since the start, transaction control aside.
    pub statements: u64,
}

/// How a transaction writes.
#[derive(Debug, Clone, Copy)]
struct Writing {
    /// Whether it keeps the municipality's other writers out.
    is_alone: bool,
    /// Whether what it wrote is kept.
    is_kept: bool,
}

async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let span = tracing::Span::current();
    actix_web::web::block(move || span.in_scope(work)).await.map_err(Problem::internal)?
}

/// Commits what `work` did, or rolls it back: after an error, or where it is not to be kept. After a panic the
/// pool throws the connection away, and the transaction with it.
fn finish<T>(
    connection: &mut AnyConnection,
    is_kept: bool,
    work: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<T> {
    type Transactions = AnyConnection;
    let outcome = work(connection);
    if is_kept && outcome.is_ok() {
        let committed = <Transactions as TransactionManager<AnyConnection>>::commit_transaction(connection);
        if committed.is_ok() {
            return outcome;
        }
        // A commit that failed has ended the transaction already, mostly.
        let _ = <Transactions as TransactionManager<AnyConnection>>::rollback_transaction(connection);
        return committed.map_err(Problem::from).and(outcome);
    }
    if let Err(error) = <Transactions as TransactionManager<AnyConnection>>::rollback_transaction(connection) {
        tracing::debug!(%error, "there was nothing to roll back");
    }
    outcome
}

fn municipality_id(connection: &mut AnyConnection, key: &Key) -> Result<Id> {
    municipalities::table
        .filter(municipalities::key.eq(key))
        .select(municipalities::id)
        .first(connection)
        .optional()?
        .ok_or_else(|| {
            Problem::new(
                Kind::NoMunicipality,
                format!("The municipality '{key}' has no data here; `medstrategi import` creates it from a bundle."),
            )
        })
}

/// A connection inside a transaction, together with the one municipality that it may read.
pub struct Tenant<'c> {
    /// For the stores alone.
    pub connection: &'c mut AnyConnection,
    /// Stands in the WHERE clause of every query that a reference, a filter or a list leads into the
    /// data with; rows below those are reached by the ids that such a query found.
    pub municipality_id: Id,
    caches: &'c Caches,
}

impl Tenant<'_> {
    /// What a module remembers between requests; see [`Caches`].
    pub fn cache<C: Default + Send + Sync + 'static>(&self) -> Arc<C> {
        self.caches.get()
    }
}

/// A [`Tenant`] that may write, and remembers who does.
pub struct Writer<'c> {
    tenant: Tenant<'c>,
    principal: Principal,
    actor_id: Option<Id>,
    now: Timestamp,
    retention: Retention,
    projection: Arc<dyn Projection>,
    events: Vec<ChangeEvent>,
}

impl<'c> Deref for Writer<'c> {
    type Target = Tenant<'c>;

    fn deref(&self) -> &Tenant<'c> {
        &self.tenant
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tenant
    }
}

impl Writer<'_> {
    /// The time of this transaction: the same in every row it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Brings up to date what is derived from the rows that this transaction has changed.
    fn update_projection(&mut self) -> Result<()> {
        let events = std::mem::take(&mut self.events);
        match events.is_empty() {
            true => Ok(()),
            false => Arc::clone(&self.projection).apply(self, events),
        }
    }

    /// The row that stands for whoever acts, made on first use. The change log refers to people
    /// only through it, so that they can be forgotten without touching what they did.
    pub fn actor_id(&mut self) -> Result<Id> {
        if let Some(id) = self.actor_id {
            return Ok(id);
        }
        let id = match self.known_actor()? {
            Some(id) => id,
            None => {
                let new = (
                    actors::id.eq(Id::new()),
                    actors::municipality_id.eq(self.tenant.municipality_id),
                    actors::issuer.eq(&self.principal.issuer),
                    actors::subject.eq(&self.principal.subject),
                );
                // Somebody who appends to a log may have been faster: whoever was, that row counts.
                crate::insert_new!(self.tenant.connection, actors::table, new)?;
                self.known_actor()?.ok_or_else(|| Problem::internal("an actor was made and is not there"))?
            }
        };
        self.actor_id = Some(id);
        Ok(id)
    }

    fn known_actor(&mut self) -> Result<Option<Id>> {
        Ok(actors::table
            .filter(actors::municipality_id.eq(self.tenant.municipality_id))
            .filter(actors::issuer.eq(&self.principal.issuer))
            .filter(actors::subject.eq(&self.principal.subject))
            .select(actors::id)
            .first(self.tenant.connection)
            .optional()?)
    }
}

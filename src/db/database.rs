//! The door to the database: a pool of connections, and every transaction through it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use tokio::sync::OwnedSemaphorePermit;

use super::caches::Caches;
use super::connection::{AnyConnection, ConnectionFactory, Location, Lock, Purpose};
use super::limiter::{Limiter, WaitQueue};
use super::options::{Options, Retention};
use super::projection::Projection;
use super::schema::municipalities;
use super::tenant::{Principal, Tenant, Writer};
use super::types::{Id, Key};
use crate::problem::{Kind, Problem, Result};

/// How long a request waits for a free connection before it is answered with 503.
const MAX_WAIT_FOR_CONNECTION: Duration = Duration::from_secs(3);

/// How long a request waits until it may write, or read at length, before it is answered with 503.
const MAX_WAIT_FOR_PERMIT: Duration = Duration::from_secs(10);

/// How many connections writers never take.
const RESERVED_FOR_READERS: u32 = 3;

/// A pool of connections to one database.
#[derive(Clone)]
pub struct Database {
    pool: r2d2::Pool<ConnectionFactory>,
    /// One permit per connection: waiting for a permit blocks no thread.
    connections: Limiter,
    /// Writers wait for each other here; otherwise those that wait for a lock would hold every connection.
    writers: Limiter,
    /// Readings that last as long as the client takes to receive them leave connections for all others.
    long_reads: Limiter,
    queue: WaitQueue,
    /// Those who wait for a long read take nobody else's place.
    long_read_queue: WaitQueue,
    location: Arc<Location>,
    retention: Retention,
    statements: Arc<AtomicU64>,
    projection: Arc<dyn Projection>,
    caches: Arc<Caches>,
}

/// How a transaction begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    /// It sees one state of the database throughout, and writes nothing.
    Read,
    /// It is committed.
    Write,
    /// It writes, sees what it wrote, and is rolled back.
    DryRun,
}

impl Database {
    /// Opens the database at `location`, and connects to it once, so that an operator sees at once why it can't be
    /// reached. A SQLite file that isn't there is created, except when it is opened read-only.
    pub fn open(location: Location, options: Options) -> Result<Self> {
        let Options { projection, pool_size, max_waiting, retention, is_read_only } = options;
        if let (Location::Sqlite(path), true) = (&location, is_read_only)
            && !path.is_file()
        {
            return Err(Problem::new(Kind::Unavailable, format!("There is no database at {}.", path.display())));
        }
        let statements = Arc::new(AtomicU64::new(0));
        let purpose = if is_read_only { Purpose::Reading } else { Purpose::Serving };
        let factory = ConnectionFactory::new(purpose, location.clone(), Arc::clone(&statements));
        // r2d2 retries without saying why; this attempt gives the reason.
        r2d2::ManageConnection::connect(&factory).map_err(|error| Problem {
            cause: None,
            ..Problem::new(Kind::Unavailable, format!("The database {location} can't be opened: {error}"))
        })?;
        let pool = r2d2::Pool::builder()
            .max_size(pool_size)
            .connection_timeout(MAX_WAIT_FOR_CONNECTION)
            .error_handler(Box::new(r2d2::LoggingErrorHandler))
            .build(factory)
            .map_err(Problem::unavailable)?;
        Ok(Self {
            pool,
            connections: Limiter::new(pool_size, MAX_WAIT_FOR_CONNECTION),
            writers: Limiter::new(pool_size.saturating_sub(RESERVED_FOR_READERS), MAX_WAIT_FOR_PERMIT),
            long_reads: Limiter::new(pool_size / 3, MAX_WAIT_FOR_PERMIT),
            queue: WaitQueue::new(max_waiting),
            long_read_queue: WaitQueue::new(max_waiting),
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
        Usage { connections, idle: idle_connections, waiting: self.queue.len(), statements: self.statements() }
    }

    /// How long logs are retained.
    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    /// Runs `work` in one read-only transaction that sees one state of the database.
    pub async fn read<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Tenant<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let key = principal.municipality.clone();
        self.with_connection(move |database, connection| {
            in_transaction(connection, Transaction::Read, |connection| {
                let municipality_id = municipality_id(connection, &key)?;
                work(&mut Tenant::new(connection, municipality_id, &database.caches))
            })
        })
        .await
    }

    /// Runs `work` in one transaction that keeps the municipality's other writers out. All of it is stored or, after
    /// an error, nothing.
    pub async fn write<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_in(Transaction::Write, Some(Lock::Rows), principal, work).await
    }

    /// Like [`Database::write`], but everything is rolled back in the end: `work` sees what it wrote, nobody else does.
    pub async fn dry_run<T: Send + 'static>(
        &self,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_in(Transaction::DryRun, Some(Lock::Rows), principal, work).await
    }

    /// Runs `work` outside of any municipality, and outside of a transaction unless it begins one: for health,
    /// migrations, and the command line.
    pub async fn admin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Admin<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.with_connection(move |database, connection| work(&mut Admin { connection, database })).await
    }

    /// A permit for a reading that lasts as long as the client takes to receive it. Fails with 503 where there is none
    /// in time.
    pub async fn long_read(&self) -> Result<OwnedSemaphorePermit> {
        self.long_reads.acquire(&self.long_read_queue).await
    }

    /// Writes as `transaction` and `lock` say. Without a lock, others may write beside it on PostgreSQL.
    pub(super) async fn write_in<T: Send + 'static>(
        &self,
        transaction: Transaction,
        lock: Option<Lock>,
        principal: &Principal,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let principal = principal.clone();
        self.with_writing_connection(move |database, connection| {
            database.run_writer(connection, (transaction, lock), &principal, municipality_id, work)
        })
        .await
    }

    /// Runs `work` on a connection of the pool, off the async threads.
    async fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.connections.acquire(&self.queue).await?;
        let database = self.clone();
        let span = tracing::Span::current();
        let job = move || {
            // Given back when the work is done, even if the client has gone by then.
            let _permit = permit;
            let mut connection = database.pool.get().map_err(Problem::unavailable)?;
            span.in_scope(|| work(&database, &mut connection))
        };
        tokio::task::spawn_blocking(job).await.map_err(Problem::internal)?
    }

    /// [`Database::with_connection`] for what writes.
    pub(super) async fn with_writing_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &mut AnyConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.writers.acquire(&self.queue).await?;
        self.with_connection(move |database, connection| {
            let _permit = permit;
            work(database, connection)
        })
        .await
    }

    fn run_writer<T>(
        &self,
        connection: &mut AnyConnection,
        (transaction, lock): (Transaction, Option<Lock>),
        principal: &Principal,
        locate: impl FnOnce(&mut AnyConnection, &Key) -> Result<Id>,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        in_transaction(connection, transaction, |connection| {
            if let Some(lock) = lock {
                connection.lock(lock, principal.municipality.as_str())?;
            }
            let municipality_id = locate(connection, &principal.municipality)?;
            let tenant = Tenant::new(connection, municipality_id, &self.caches);
            let oldest_key = self.retention.oldest_key(tenant.now());
            let mut writer = Writer::new(tenant, principal.clone(), oldest_key);
            let outcome = work(&mut writer)?;
            if transaction == Transaction::Write {
                self.update_projection(&mut writer)?;
            }
            Ok(outcome)
        })
    }

    /// Brings up to date what is derived from the rows that `writer` has changed.
    fn update_projection(&self, writer: &mut Writer<'_>) -> Result<()> {
        let mut events = writer.take_events();
        events.retain(|event| self.projection.is_affected_by(event));
        match events.is_empty() {
            true => Ok(()),
            false => self.projection.apply(writer, events),
        }
    }
}

/// A connection outside of any municipality.
pub struct Admin<'c> {
    connection: &'c mut AnyConnection,
    database: &'c Database,
}

impl Deref for Admin<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        self.connection
    }
}

impl DerefMut for Admin<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        self.connection
    }
}

impl Admin<'_> {
    /// Runs `work` in one read-only transaction that sees one state of the database.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
        in_transaction(self.connection, Transaction::Read, work)
    }

    /// Like [`Database::write`], but `locate` finds the principal's municipality or creates it, in the same
    /// transaction: only the command line's import creates municipalities.
    pub fn write_to<T>(
        &mut self,
        principal: &Principal,
        locate: impl FnOnce(&mut AnyConnection, &Key) -> Result<Id>,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        self.database.run_writer(self.connection, (Transaction::Write, Some(Lock::Rows)), principal, locate, work)
    }
}

/// How a database is used at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// Requests that wait for a connection or until they may write; those for a long table aside.
    pub waiting: usize,
    /// SQL statements since the start, transaction control aside.
    pub statements: u64,
}

/// Runs `work` on the database from code that isn't async, such as the command line: blocks until it is done.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Problem::internal)?;
    runtime.block_on(work)
}

/// Runs `work` between the beginning and the end of a transaction, which is rolled back after an error. After a panic
/// the pool throws the connection away, and the transaction with it.
pub(super) fn in_transaction<T>(
    connection: &mut AnyConnection,
    transaction: Transaction,
    work: impl FnOnce(&mut AnyConnection) -> Result<T>,
) -> Result<T> {
    type Transactions = AnyConnection;
    match transaction {
        Transaction::Read => connection.begin_read()?,
        Transaction::Write | Transaction::DryRun => connection.begin_write()?,
    }
    let outcome = work(connection);
    if transaction != Transaction::DryRun && outcome.is_ok() {
        let committed = <Transactions as TransactionManager<AnyConnection>>::commit_transaction(connection);
        if committed.is_ok() {
            return outcome;
        }
        // A commit that failed has usually ended the transaction already.
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

//! Removes outdated rows once an hour while the service runs.

use std::time::Duration;

use crate::db::Database;
use crate::db::retention::Forgotten;

const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Runs until the service stops. Several instances may share a database: each skips rows that another one is removing.
/// After a failure, the next hour's run tries again.
pub async fn run(database: Database) {
    loop {
        match database.forget_outdated().await {
            Ok(forgotten) if forgotten == Forgotten::default() => {}
            Ok(Forgotten { accesses, idempotency_keys }) => {
                tracing::info!(accesses, idempotency_keys, "forgot what was outdated");
            }
            Err(problem) => {
                let cause = problem.cause.as_ref().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(detail = %problem.detail, cause, "could not forget what is outdated");
            }
        }
        actix_web::rt::time::sleep(PAUSE).await;
    }
}

//! What the service does by itself while it serves: every hour it forgets what has been kept long enough.

use std::time::Duration;

use crate::db::Database;
use crate::db::retention::Forgotten;

const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Goes on for as long as the service runs. Several instances may do so over one database: what one of them is
/// removing the others leave to it. A failure waits for the next hour.
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

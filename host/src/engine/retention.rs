//! What the journal need not keep: attempts that are older than `[store] keep_attempts`. Rows, bills and receipts stay.

use std::time::Duration;

use super::{Engine, retry};
use crate::journal::JournalError;
use crate::observe::clock;

/// How often it is looked at.
const EVERY: Duration = Duration::from_hours(1);

/// Drops what is too old, now and then, until the engine is told to stop.
pub(super) async fn keep_up(engine: Engine) {
    loop {
        let engine = engine.refreshed();
        if let Err(error) = drop_old(&engine).await {
            tracing::error!("attempts that are too old are not dropped: {error}");
        }
        if engine.sleep(EVERY).await.is_err() {
            return;
        }
    }
}

/// Drops what is too old.
pub(super) async fn drop_old(engine: &Engine) -> Result<(), JournalError> {
    let before_ms = clock::now_ms().saturating_sub(retry::ms(engine.snapshot.keep_attempts));
    for scheme in engine.journal.schemes().await? {
        let dropped = engine.journal.drop_attempts(&scheme, before_ms).await?;
        if dropped > 0 {
            tracing::debug!(scheme, dropped, "attempts that were too old are dropped");
        }
    }
    Ok(())
}

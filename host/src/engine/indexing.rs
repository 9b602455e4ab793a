//! Building the indexes that lookups need, beside everything else.
//!
//! A snapshot says which indexes its collections need. When another snapshot serves, they are built from the rows that are
//! there, each collection by a task of its own, so that a big one holds up no other. Bills whose lookups need an index that
//! is not built stay as they are, not dead and without a failed attempt, and so does the rest of their scheme's delivery;
//! scans and all other schemes go on. Every index that is built wakes the deliveries.
//!
//! An index that was complete may have to be built again: a page that an earlier snapshot fetched does not have it. Whoever
//! comes upon that asks for it ([`Indexing::ask`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::check::indexes::named;
use super::snapshot::{Scheme, Snapshot};
use super::{Engine, shape};
use crate::journal::{IndexFields, Journal, JournalError};

/// What takes longer is worth a line in the log.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// How long it rests after an index could not be built.
const REST: Duration = Duration::from_secs(30);

/// What builders and those who wait for them share.
#[derive(Clone)]
pub(super) struct Indexing {
    asked: Arc<Notify>,
    /// How many times indexes were built that were missing: what is there already wakes nobody, or one who waits for a big
    /// index would ask for it all the while.
    built: Arc<watch::Sender<u64>>,
}

impl Default for Indexing {
    fn default() -> Self {
        Self { asked: Arc::default(), built: Arc::new(watch::channel(0).0) }
    }
}

impl Indexing {
    /// An index is missing.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Changes whenever indexes were built from now on.
    pub(super) fn built(&self) -> watch::Receiver<u64> {
        self.built.subscribe()
    }
}

/// Builds what a snapshot needs, and waits for it: where there is nothing else to do.
pub(super) async fn build_all(journal: &dyn Journal, snapshot: &Snapshot) -> Result<(), JournalError> {
    for scheme in &snapshot.schemes {
        build(journal, scheme).await?;
    }
    Ok(())
}

/// Builds what is needed, whenever something else serves or an index is asked for. Runs until the engine is told to stop;
/// what it has begun then is gone on with at the next start.
pub(super) async fn keep_up(mut engine: Engine) {
    let mut building: JoinSet<Result<bool, JournalError>> = JoinSet::new();
    let mut collections: HashMap<Id, String> = HashMap::new();
    // Collections that are looked at again when their task has ended.
    let mut again: HashSet<String> = HashSet::new();
    loop {
        engine = engine.refreshed();
        for scheme in &engine.snapshot.schemes {
            if collections.values().any(|busy| *busy == scheme.stem) {
                again.insert(scheme.stem.clone());
            } else {
                begin(&engine, scheme, Duration::ZERO, &mut building, &mut collections);
            }
        }
        loop {
            let mut stop = engine.stop.clone();
            tokio::select! {
                Some(ended) = building.join_next_with_id() => {
                    let id = ended.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
                    let Some(stem) = collections.remove(&id) else { continue };
                    let is_asked_again = again.remove(&stem);
                    let after = match ended.map_err(|error| error.to_string()).and_then(|(_, built)| built.map_err(|error| error.to_string())) {
                        Ok(has_built) => {
                            engine.indexing.built.send_if_modified(|count| {
                                *count += u64::from(has_built);
                                has_built
                            });
                            is_asked_again.then_some(Duration::ZERO)
                        }
                        Err(error) => {
                            tracing::error!(collection = stem, "its indexes are not built, again in {REST:?}: {error}");
                            Some(REST)
                        }
                    };
                    if let (Some(after), Some(scheme)) = (after, engine.refreshed().snapshot.scheme(&stem)) {
                        begin(&engine, scheme, after, &mut building, &mut collections);
                    }
                }
                () = engine.replaced() => break,
                () = engine.indexing.asked.notified() => break,
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}

fn begin(
    engine: &Engine,
    scheme: &Arc<Scheme>,
    after: Duration,
    building: &mut JoinSet<Result<bool, JournalError>>,
    collections: &mut HashMap<Id, String>,
) {
    let (journal, of_task) = (Arc::clone(&engine.journal), Arc::clone(scheme));
    let task = building.spawn(async move {
        tokio::time::sleep(after).await;
        build(&*journal, &of_task).await
    });
    collections.insert(task.id(), scheme.stem.clone());
}

/// Builds the indexes of a scheme's collection, and drops those that nobody needs any more. Returns whether any was missing.
async fn build(journal: &dyn Journal, scheme: &Scheme) -> Result<bool, JournalError> {
    let missing = journal.missing_indexes(&scheme.stem, &scheme.indexes).await?;
    let begun = Instant::now();
    let mut building = journal.ensure_indexes(&scheme.stem, &scheme.indexes, &index_values);
    if let Ok(built) = tokio::time::timeout(WORTH_SAYING, &mut building).await {
        return built.map(|_| !missing.is_empty());
    }
    let over: Vec<String> = missing.iter().map(named).collect();
    let over = over.join(" and over ");
    tracing::info!(collection = scheme.stem, "an index over {over} is being built; bills that need it wait");
    let rows = building.await?;
    let seconds = begun.elapsed().as_secs_f64();
    tracing::info!(collection = scheme.stem, rows, "the index over {over} is built, in {seconds:.1} s");
    Ok(!missing.is_empty())
}

/// A stored row's values for an index.
pub(super) fn index_values(json: &[u8], fields: &IndexFields) -> Option<Vec<String>> {
    serde_json::from_slice(json).ok().and_then(|row| shape::index_values(&row, fields))
}

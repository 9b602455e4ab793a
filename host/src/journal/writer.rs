//! The one writer.
//!
//! A thread of its own makes all commits, one after the other; so a commit may read, decide and write without anybody
//! between, and there are no locks to hold and no conflicts to retry. It applies whatever is queued, syncs once for all of
//! it, [marks](super::mark) the sync, and only then answers: the more is going on, the fewer syncs each commit pays for
//! (group commit).
//!
//! When the store fails to apply or to sync, what it holds in memory is not what is on the disk. Nothing that follows could
//! be trusted, so every later commit is refused with the same words until the store is opened again.
//!
//! Whoever waits for a commit may stop waiting: it is made all the same, whole.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

use sled::{Db, Tree};
use tokio::sync::{Notify, mpsc, oneshot};

use super::JournalError;
use super::caught::caught;
use super::error::store_words;
use super::mark::Mark;
use super::txn::Txn;

/// Commits that may wait to be made; who comes then waits to be queued.
const QUEUE: usize = 256;
/// Commits that one sync may cover.
const GROUP: usize = 128;

/// Makes a commit in memory. What it returns is called when it is on the disk, or with the reason why it is not.
type Job = Box<dyn FnOnce(&Gate) -> Made + Send>;
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;

enum Made {
    /// Answered already: it was refused, and changed nothing.
    Refused,
    /// To be answered after the sync.
    Applied(Answer),
    /// To be answered now; nothing may follow.
    Broken(Answer, String),
}

/// Held for reading by whoever reads more than one record, so that no commit comes between.
pub(super) type Gate = Arc<RwLock<()>>;

/// The writing thread and the way to it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    broken: Broken,
}

/// Why nothing is written any more, once that is so. Cloning shares it.
#[derive(Clone, Debug, Default)]
struct Broken(Arc<(OnceLock<String>, Notify)>);

impl Broken {
    fn get(&self) -> Option<&String> {
        self.0.0.get()
    }

    fn by(&self, reason: String) {
        self.0.0.get_or_init(|| reason);
        self.0.1.notify_waiters();
    }

    async fn wait(&self) -> String {
        loop {
            let noticed = self.0.1.notified();
            if let Some(reason) = self.get() {
                return reason.clone();
            }
            noticed.await;
        }
    }
}

impl Writer {
    pub(super) fn start(db: Db, gate: Gate, mark: Mark) -> Result<Self, JournalError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let broken = Broken::default();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn({
                let broken = broken.clone();
                move || run(&db, mark, &gate, queue, &broken)
            })
            .map_err(|e| JournalError::Store { action: "opened", reason: e.to_string() })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), broken })
    }

    /// Makes one commit of `tree`: `change` reads and writes through the [`Txn`]; if it fails, nothing changes.
    pub(super) async fn commit<T, E>(
        &self,
        tree: &Tree,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<JournalError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let tree = tree.clone();
        let job: Job = Box::new(move |gate| make(&tree, gate, change, reply));
        let Some(jobs) = &self.jobs else {
            return Err(self.stopped().into());
        };
        jobs.send(job).await.map_err(|_| self.stopped())?;
        answer.await.unwrap_or_else(|_| Err(self.stopped().into()))
    }

    /// Waits until nothing is written any more. Why that is so.
    pub(super) async fn failed(&self) -> JournalError {
        failed(self.broken.wait().await)
    }

    fn stopped(&self) -> JournalError {
        failed(self.broken.get().cloned().unwrap_or_else(|| "its writer has stopped".into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's writer ended in a panic");
        }
    }
}

fn failed(reason: String) -> JournalError {
    JournalError::Store { action: "written", reason }
}

fn make<T, E>(
    tree: &Tree,
    gate: &Gate,
    change: impl FnOnce(&mut Txn<'_>) -> Result<T, E>,
    reply: oneshot::Sender<Result<T, E>>,
) -> Made
where
    T: Send + 'static,
    E: From<JournalError> + Send + 'static,
{
    let mut txn = Txn::new(tree);
    let made = change(&mut txn).and_then(|value| Ok((value, txn.into_batch()?)));
    let (value, batch) = match made {
        Ok(made) => made,
        Err(error) => {
            // Nobody may be waiting any more; here and below that is no fault.
            let _ = reply.send(Err(error));
            return Made::Refused;
        }
    };
    let applied = batch.map_or(Ok(()), |batch| {
        let _nobody_reads = gate.write().unwrap_or_else(PoisonError::into_inner);
        tree.apply_batch(batch)
    });
    let answer: Answer = Box::new(move |synced: Result<(), String>| {
        let _ = reply.send(synced.map(|()| value).map_err(|reason| failed(reason).into()));
    });
    match applied {
        Ok(()) => Made::Applied(answer),
        Err(error) => Made::Broken(answer, store_words(&error)),
    }
}

fn run(db: &Db, mut mark: Mark, gate: &Gate, mut queue: mpsc::Receiver<Job>, broken: &Broken) {
    let mut group: Vec<Answer> = Vec::new();
    while let Some(first) = queue.blocking_recv() {
        let mut next = Some(first);
        while let Some(job) = next {
            // Once broken, a job is dropped unmade, and whoever waits for it finds the reason.
            if broken.get().is_none() {
                match caught("written", || Ok(job(gate))) {
                    Ok(Made::Refused) => {}
                    Ok(Made::Applied(answer)) => group.push(answer),
                    Ok(Made::Broken(answer, reason)) => {
                        group.push(answer);
                        broken.by(reason);
                    }
                    Err(error) => broken.by(error.to_string()),
                }
            }
            next = if group.len() < GROUP { queue.try_recv().ok() } else { None };
        }
        if broken.get().is_none()
            && !group.is_empty()
            && let Err(reason) = flat(caught("written", || Ok(mark.sync(db))))
        {
            broken.by(reason);
        }
        for answer in group.drain(..) {
            answer(broken.get().cloned().map_or(Ok(()), Err));
        }
    }
    // Every commit was synced before it was answered; this says that nothing is missing.
    if broken.get().is_none()
        && let Err(reason) = flat(caught("written", || Ok(mark.close(db))))
    {
        tracing::error!("the journal could not be synced when it was closed: {reason}");
    }
}

fn flat(synced: Result<Result<(), String>, JournalError>) -> Result<(), String> {
    synced.unwrap_or_else(|error| Err(error.to_string()))
}

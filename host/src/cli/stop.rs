//! Ending in good order: what is under way is given time to end, then it is broken off. That loses nothing: what may be at a
//! vendor is claimed in the journal, and looked up at the next start.

use std::io;
use std::pin::pin;

use tokio::sync::watch;

use super::output;
use crate::engine::reload::Serving;

/// What tells a running host to stop, and what it does then.
pub(super) struct Stopping {
    /// Whoever asks for it.
    pub(super) signals: Signals,
    /// Tells the engine.
    pub(super) stop: watch::Sender<bool>,
    /// Knows how long work may go on.
    pub(super) serving: Serving,
}

/// How work ended.
pub(super) enum Ended<T> {
    /// By itself, or in good order because it was asked to.
    Done(T),
    /// It did not end within the grace time.
    BrokenOff,
    /// Somebody did not want to wait.
    AtOnce,
}

impl Stopping {
    /// Does the work until it is done, a signal comes, or `broken` is: then the work is to end within the grace time.
    pub(super) async fn run<T>(mut self, work: impl Future<Output = T>, broken: impl Future<Output = ()>) -> Ended<T> {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return Ended::Done(done),
            () = self.signals.next() => {}
            () = broken => {}
        }
        let grace = self.serving.standing().project.host.grace;
        output::note(&format!(
            "stopping: what is under way is finished first, within {grace:?} (once more to stop at once)"
        ));
        self.stop.send_replace(true);
        tokio::select! {
            done = &mut work => Ended::Done(done),
            () = tokio::time::sleep(grace) => Ended::BrokenOff,
            () = self.signals.next() => Ended::AtOnce,
        }
    }
}

/// Ctrl-c and SIGTERM, from when it is made: none is missed between two looks.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

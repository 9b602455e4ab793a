//! Tasks that have to be there as long as the host: one that breaks off is begun again.

use std::time::Duration;

use tokio::sync::watch;

/// Keeps a task going until it ends by itself, or the host is to stop. `what`: what is not done while it rests, for a person to
/// read.
pub(super) async fn keep_going<F>(mut stop: watch::Receiver<bool>, rest: Duration, what: &str, task: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Err(broken) = tokio::spawn(task()).await {
        tracing::error!("{what}: it broke off, and is begun again in {rest:?}: {broken}");
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A task that breaks off so many times, and the number of times that it was begun.
    async fn begun(breaks: u32, stop: bool) -> u32 {
        let begun = Arc::new(AtomicU32::new(0));
        let (_stop, stopped) = watch::channel(stop);
        let task = || {
            let time = begun.fetch_add(1, Ordering::Relaxed);
            async move { assert!(time >= breaks, "it breaks off") }
        };
        let rest = if stop { Duration::from_hours(1) } else { Duration::from_millis(1) };
        keep_going(stopped, rest, "nothing is done", task).await;
        begun.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_task_that_breaks_off_is_begun_again_until_it_ends_or_the_host_stops() {
        assert_eq!(begun(0, false).await, 1);
        assert_eq!(begun(2, false).await, 3);
        assert_eq!(begun(2, true).await, 1);
    }
}

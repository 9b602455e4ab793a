//! One call in a fresh instance, within its limits.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::error::CallError;
use super::runtime::{POOLED_INSTANCES, TICK};
use crate::capability::{CallRecord, Lent, Loan};

/// What a call may pass from the guest to the host beyond a whole response, in bytes; wasmtime's own default of 128 MiB would
/// let a guest make the host allocate that much.
const CROSSING: u64 = 8 << 20;

/// How long a call that is out of time is given on, while it only waits for its turn to send.
const GRACE: Duration = Duration::from_secs(1);

/// Instances alive at a time, below the pool's size: who comes later waits, instead of being refused.
static INSTANCES: Semaphore = Semaphore::const_new(POOLED_INSTANCES as usize - 20);

/// Makes one call: a store of its own, an instance of its own, and everything gone afterwards.
///
/// `record` is the caller's, so that what the call has done is known even if it is cut off.
pub(super) async fn in_fresh_instance<T, F>(
    pre: &InstancePre<Lent>,
    loan: Loan,
    record: &Arc<CallRecord>,
    function: &'static str,
    body: F,
) -> Result<T, CallError>
where
    F: AsyncFnOnce(&mut Store<Lent>) -> wasmtime::Result<T>,
{
    let plugin = loan.plugin.to_string();
    let limits = loan.limits.clone();
    let _instance = INSTANCES.acquire().await;
    let mut store = Store::new(pre.engine(), Lent::new(loan, Arc::clone(record)));
    store.limiter(|lent| lent.memory_limiter());
    store.set_hostcall_fuel(usize::try_from(limits.response_bytes.saturating_add(CROSSING)).unwrap_or(usize::MAX));
    limit_cpu_time(&mut store, limits.cpu_time);
    let outcome = {
        let mut body = pin!(body(&mut store));
        let begun = Instant::now();
        let mut until = begun + limits.call_time;
        loop {
            match tokio::time::timeout_at(until, body.as_mut()).await {
                // Waiting for the connection's rate is not the guest's time.
                Err(_) if record.is_queued() => until = Instant::now() + GRACE,
                Err(_) if begun + limits.call_time + record.queued_for() > Instant::now() => {
                    until = begun + limits.call_time + record.queued_for();
                }
                outcome => break outcome,
            }
        }
    };
    if record.log_lines_dropped() > 0 {
        tracing::warn!(
            plugin,
            function,
            lines = record.log_lines_dropped(),
            "the plugin logged more than one call may"
        );
    }
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if record.memory_exceeded() => {
            tracing::debug!(plugin, function, "out of memory: {error:?}");
            Err(CallError::Memory { plugin, function, limit_bytes: limits.memory_bytes })
        }
        Ok(Err(error)) if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) => {
            Err(CallError::CpuTime { plugin, function, limit: limits.cpu_time })
        }
        Ok(Err(error)) => Err(CallError::Trap { plugin, function, reason: last_words(record, &error) }),
        Err(_) => Err(CallError::CallTime { plugin, function, limit: limits.call_time }),
    }
}

/// Interrupts the guest at every tick, lets others run, and stops it when its time is used up.
fn limit_cpu_time(store: &mut Store<Lent>, cpu_time: Duration) {
    let mut left = ticks(cpu_time);
    let mut before = Instant::now();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let since = before.elapsed();
        before = Instant::now();
        // After a longer time the guest comes back from waiting in the host, which it did not compute through.
        if since <= TICK * 2 {
            left = left.saturating_sub(1);
        }
        Ok(if left == 0 { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
}

fn ticks(cpu_time: Duration) -> u64 {
    let ticks = cpu_time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX).max(1)
}

/// What the guest said before it trapped; a Rust panic writes its message to standard error.
fn last_words(record: &CallRecord, error: &wasmtime::Error) -> String {
    let trap = error.downcast_ref::<Trap>().map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    let output = record.output();
    if output.is_empty() { trap } else { format!("{output} ({trap})") }
}

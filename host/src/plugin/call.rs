//! One call in a fresh instance, within its limits.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::error::CallError;
use super::runtime::TICK;
use crate::capability::{CallRecord, Lent, Loan};

/// What crosses from a guest into the host in one host call, in bytes, beyond what a response may have: wasmtime's own
/// default of 128 MiB would let a guest make the host allocate that much.
const CROSSING: usize = 32 << 20;

/// Ticks that a component may take to start on trial: one second.
const TRIAL_TICKS: u64 = 100;

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
    let mut store = Store::new(pre.engine(), Lent::new(loan, Arc::clone(record)));
    store.limiter(|lent| lent.memory_limiter());
    store.set_hostcall_fuel(CROSSING);
    let ticks = ticks(limits.cpu_time);
    let mut left = ticks;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        left = left.saturating_sub(1);
        Ok(if left == 0 { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
    let outcome = tokio::time::timeout(limits.call_time, body(&mut store)).await;
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

/// A store for an instance that is thrown away without being called.
pub(super) fn store_for_trial(pre: &InstancePre<Lent>, loan: Loan) -> Store<Lent> {
    let mut store = Store::new(pre.engine(), Lent::new(loan, Arc::default()));
    store.limiter(|lent| lent.memory_limiter());
    store.set_epoch_deadline(TRIAL_TICKS);
    store
}

//! The WebAssembly engine, shared by all plugins.
//!
//! Time is limited in two ways. CPU time: a thread raises the engine's epoch every [`TICK`]; a guest that computes is
//! interrupted at each tick, lets other tasks run, and is stopped when its ticks are used up. Waiting: epochs do not
//! interrupt a guest that waits in a host call, so that `call` puts a time-out around the whole.

use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::capability::{self, Lent};

/// How often a computing guest is interrupted.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Stack of a guest. Interpreters compiled to WebAssembly need this much.
const GUEST_STACK: usize = 2 << 20;

/// Instances that there is room for, in all plugins together.
pub(super) const POOLED_INSTANCES: u32 = 200;

/// Core instances alive at a time: a compiled component has a few, an interpreted one dozens.
const CORE_INSTANCES: u32 = 4_000;

/// All that a guest can address. With so much address space for each memory, whatever it reads or writes is its own or faults, and the
/// compiled code need not compare each address with the memory's end.
const ADDRESSABLE: u64 = 4 << 30;

/// Bytes of an instance's memory, and of its tables, that its slot keeps for the next one.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLE: usize = 64 << 10;

/// Slots that keep something while nobody uses them.
const WARM_SLOTS: u32 = 16;

/// The engine, and what is linked to every plugin.
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) linker: Linker<Lent>,
}

impl Runtime {
    /// Starts an engine whose instances may have at most `memory_bytes` each.
    pub fn new(memory_bytes: u64) -> wasmtime::Result<Self> {
        let engine = engine(memory_bytes, ADDRESSABLE.max(memory_bytes)).or_else(|error| {
            // A process may have less address space than that (`ulimit -v`, small processors).
            tracing::debug!("plugins get no more address space than memory, and are slower for it: {error:#}");
            engine(memory_bytes, memory_bytes.max(1 << 20))
        })?;
        let mut linker = Linker::new(&engine);
        capability::add_to_linker(&mut linker)?;
        tick(&engine)?;
        Ok(Self { engine, linker })
    }
}

/// An engine whose instances have at most `memory_bytes` of memory each, and `reserved` bytes of address space.
fn engine(memory_bytes: u64, reserved: u64) -> wasmtime::Result<Engine> {
    // Without, all that is kept would be cleared after every call, written or not.
    let knows_pages = PoolingAllocationConfig::is_pagemap_scan_available();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOLED_INSTANCES)
        .total_core_instances(CORE_INSTANCES)
        .total_memories(POOLED_INSTANCES * 2)
        .total_tables(CORE_INSTANCES)
        .total_stacks(POOLED_INSTANCES)
        .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        // What a guest has written is cleared by hand, if the kernel says which pages that are: to give them back and to
        // get them again costs more than the whole rest of a call, and every processor takes part in it.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(if knows_pages { KEPT_MEMORY } else { 0 })
        .table_keep_resident(if knows_pages { KEPT_TABLE } else { 0 })
        .max_unused_warm_slots(WARM_SLOTS);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(GUEST_STACK + (1 << 20))
        .memory_reservation(reserved)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Raises the epoch until the engine is gone.
fn tick(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("qiao-epoch".to_owned()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}

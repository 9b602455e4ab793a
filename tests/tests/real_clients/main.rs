//! Clients that other people wrote, let in and turned away by the simulators.
//!
//! The simulators and the connectors are written from the same documentation, so a signature that both get wrong in the same way would
//! pass every other test. Here a simulator is asked by Kingdee's own SDK and by one of Taobao's open platform, as they are published:
//! with the right secret they must be answered, and with a wrong one refused. The scripts beside this file only carry arguments to the
//! client and its answer back; what the answer must be is said here.
//!
//! Installing them takes a Python and a way to its package index. Where CI runs, as the variable `CI` says, a missing one fails the
//! tests; elsewhere they are skipped, and it is said why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod clients;
mod kingdee;
mod wdt;

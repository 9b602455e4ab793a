//! Scenarios through the real binary, against the simulators. One module per topic; [`harness`] is what they share.
//!
//! `cargo xtask test` builds the binary and the plugins and says where they are; run alone, the tests look for them in the
//! target folder, where `cargo xtask build` leaves them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod commands;
mod configuration;
mod crash;
mod dialect;
mod faults;
mod harness;
mod lookups;
mod metadata;
mod orders;
mod plugins;
mod preview;
mod rates;
mod records;
mod refunds;
mod reload;
mod scans;
mod schedules;
mod vendors;

//! Qiao (桥, "bridge"): a WebAssembly host for business data integration.
//!
//! One room per step of a row's life; arrows point down only. `ARCHITECTURE.md` is the map.

pub mod capability;
pub mod cli;
pub mod config;
pub mod dialect;
pub mod engine;
pub mod journal;
pub mod observe;
pub mod plugin;
pub mod web;

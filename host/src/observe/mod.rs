//! What a person sees of a running host, and the one place where time is read.

pub mod clock;
pub mod log;

//! The metadata dialect.

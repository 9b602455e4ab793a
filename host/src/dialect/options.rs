//! What a scheme sets beside its metadata, and what a rendering knows of the moment.
//!
//! Time is passed in: the dialect has no clock, so that a test can set it and a repeated mapping repeats its result.

use jiff::tz::TimeZone;

/// What an expression that fails becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExpressionError {
    /// An error of the record.
    #[default]
    Fail,
    /// The value's text with its placeholders filled in, not evaluated: what the published platform does.
    KeepText,
}

/// A scheme's settings that change what its metadata means.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where date texts without an offset are meant.
    pub time_zone: TimeZone,
    /// What an expression that fails becomes.
    pub on_expression_error: OnExpressionError,
    /// A lookup that finds nothing is the empty text, not an error.
    pub optional_lookups: bool,
}

/// The values of the variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// `LAST_SYNC_TIME`: where the scan's window begins, in Unix seconds. `None`: from the beginning of time.
    pub last_sync_seconds: Option<i64>,
    /// `CURRENT_TIME`: where it ends; while mapping, now.
    pub current_seconds: i64,
    /// `PAGE_SIZE`, `PAGINATION_PAGE_SIZE`.
    pub page_size: u64,
    /// `PAGINATION_START_ROW`, from 0.
    pub start_row: u64,
    /// `PAGE_NO`, `PAGINATION_START_PAGE`, from 1.
    pub page_no: u64,
}

impl Variables {
    /// For mapping, which knows the time and no more.
    pub fn at(current_seconds: i64) -> Self {
        Self { current_seconds, ..Self::default() }
    }
}

/// The moment that an expression is evaluated at, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// Unix seconds.
    pub(super) seconds: i64,
    /// Where civil times are meant.
    pub(super) zone: &'a TimeZone,
}

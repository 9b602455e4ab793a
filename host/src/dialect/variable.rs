//! The names that stand for the moment of a rendering, not for a field.

use serde_json::Value;

use super::options::Variables;

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    LastSyncTime,
    CurrentTime,
    DaysAgo(u32),
    PageSize,
    StartRow,
    PageNumber,
}

/// As messages list them.
pub(super) const NAMES: [&str; 8] = [
    "LAST_SYNC_TIME",
    "CURRENT_TIME",
    "DAYS_AGO_1",
    "PAGINATION_PAGE_SIZE",
    "PAGINATION_START_ROW",
    "PAGINATION_START_PAGE",
    "PAGE_NO",
    "PAGE_SIZE",
];

impl Variable {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "LAST_SYNC_TIME" => Self::LastSyncTime,
            "CURRENT_TIME" => Self::CurrentTime,
            "PAGINATION_PAGE_SIZE" | "PAGE_SIZE" => Self::PageSize,
            "PAGINATION_START_ROW" => Self::StartRow,
            "PAGINATION_START_PAGE" | "PAGE_NO" => Self::PageNumber,
            _ => Self::DaysAgo(name.strip_prefix("DAYS_AGO_")?.parse().ok()?),
        })
    }

    /// It means something only while a page is asked for.
    pub(super) fn is_of_a_page(self) -> bool {
        matches!(self, Self::PageSize | Self::StartRow | Self::PageNumber)
    }

    /// Its value; times in Unix seconds.
    pub(super) fn value(self, variables: &Variables) -> Option<Value> {
        const DAY: i64 = 24 * 60 * 60;
        Some(match self {
            Self::LastSyncTime => Value::from(variables.last_sync_seconds?),
            Self::CurrentTime => Value::from(variables.current_seconds),
            Self::DaysAgo(days) => Value::from(variables.current_seconds.saturating_sub(i64::from(days) * DAY)),
            Self::PageSize => Value::from(variables.page_size),
            Self::StartRow => Value::from(variables.start_row),
            Self::PageNumber => Value::from(variables.page_no),
        })
    }
}

//! Reading from a vendor, page by page.
//!
//! The host keeps each page reference durably and hands it back, so a scan survives a restart. Reading changes nothing at the vendor:
//! a failed fetch is simply made again.

use crate::bindings::source as wit;
use crate::json::{Object, Value, handed_over, to_bytes};
use crate::{Connection, Connector, Failure};

/// A connector that reads.
pub trait Source: Connector {
    /// Fetches one page.
    fn fetch(call: Fetch) -> Result<Page, Failure>;
}

/// One page to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Where from.
    pub connection: Connection,
    /// The metadata's `api`.
    pub api: String,
    /// The metadata's `method`, upper case.
    pub method: String,
    /// The rendered `request`: one member per item, in the scheme's order. An item without a value is `null`.
    pub request: Object,
    /// The rendered `otherRequest`, likewise; empty where there is none.
    pub other_request: Object,
    /// The metadata's `id`: the field that tells rows apart. May be a template.
    pub id_field: Option<String>,
    /// The scan's window.
    pub window: Window,
    /// Which page.
    pub page: PageRef,
    /// Rows to ask for.
    pub page_size: u32,
}

/// The time window of a scan. RFC 3339 with an offset, whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// `None`: from the beginning of time (the request does not ask for a window).
    pub start: Option<String>,
    /// Where the scan ends.
    pub end: String,
}

/// Which page. Only the connector reads meaning into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRef {
    /// 0 for the first page of a scan; the connector numbers the others, each once.
    pub index: u32,
    /// Rows before this page, for vendors that count rows.
    pub start_row: u64,
    /// Whatever else the connector needs to find the page.
    pub cursor: Option<String>,
}

impl PageRef {
    /// The page that follows this one, which held so many rows.
    #[must_use]
    pub fn after(&self, rows: usize) -> Self {
        Self {
            index: self.index.saturating_add(1),
            start_row: self.start_row.saturating_add(rows as u64),
            cursor: None,
        }
    }

    /// With whatever else the connector needs to find the page.
    #[must_use]
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Absent: `rows` is an array of objects. Present: an array of arrays, with these names in this order.
    pub columns: Option<Vec<String>>,
    /// The rows as JSON text, in the vendor's order.
    pub rows: Vec<u8>,
    /// The pages that may be fetched now; empty when nothing follows. Several only where their order is free.
    pub next: Vec<PageRef>,
    /// How many rows the scan has in all, where the vendor says so.
    pub total: Option<u64>,
}

impl Page {
    /// Rows as objects.
    pub fn objects(rows: Vec<Object>) -> Self {
        let rows = Value::Array(rows.into_iter().map(Value::Object).collect());
        Self::raw_objects(to_bytes(&rows))
    }

    /// Rows that the vendor's reply holds as a JSON array of objects, passed on as they are.
    pub fn raw_objects(rows: impl Into<Vec<u8>>) -> Self {
        Self { columns: None, rows: rows.into(), next: Vec::new(), total: None }
    }

    /// Rows that the vendor's reply holds as a JSON array of arrays in the order of these columns, passed on as they are.
    pub fn arrays(columns: Vec<String>, rows: impl Into<Vec<u8>>) -> Self {
        Self { columns: Some(columns), ..Self::raw_objects(rows) }
    }

    /// With a page that may be fetched now.
    #[must_use]
    pub fn next(mut self, page: impl Into<Option<PageRef>>) -> Self {
        self.next.extend(page.into());
        self
    }

    /// With the number of rows of the whole scan, where the vendor says so.
    #[must_use]
    pub fn total(mut self, total: impl Into<Option<u64>>) -> Self {
        self.total = total.into();
        self
    }
}

impl TryFrom<wit::FetchCall> for Fetch {
    type Error = Failure;

    fn try_from(call: wit::FetchCall) -> Result<Self, Failure> {
        Ok(Self {
            connection: call.connection.try_into()?,
            api: call.api,
            method: call.method,
            request: handed_over("request", &call.request)?,
            other_request: handed_over("otherRequest", &call.other_request)?,
            id_field: call.id_field,
            window: Window { start: call.window.start, end: call.window.end },
            page: PageRef { index: call.page.index, start_row: call.page.start_row, cursor: call.page.cursor },
            page_size: call.page_size,
        })
    }
}

impl From<Page> for wit::Page {
    fn from(page: Page) -> Self {
        Self {
            columns: page.columns,
            rows: page.rows,
            next: page
                .next
                .into_iter()
                .map(|next| wit::PageRef { index: next.index, start_row: next.start_row, cursor: next.cursor })
                .collect(),
            total: page.total,
        }
    }
}

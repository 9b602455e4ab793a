//! Reading a page.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::super::bindings::source::exports::qiao::plugin::source as wit;
use super::super::call;
use super::super::error::{CallError, Failure, FailureKind};
use super::{Connector, Session};
use crate::capability::CallRecord;
use crate::journal::PageRef;

/// What to fetch: the same for all pages of a scan but for `page`, whose paging variables may stand in the request.
#[derive(Clone, Debug)]
pub struct SourceRequest {
    /// The metadata's `api`.
    pub api: String,
    /// The metadata's `method`.
    pub method: String,
    /// The rendered `request`.
    pub request: Value,
    /// The rendered `otherRequest`.
    pub other_request: Value,
    /// The metadata's `id`.
    pub id_field: Option<String>,
    /// The window's beginning, RFC 3339.
    pub window_start: Option<String>,
    /// The window's end, RFC 3339.
    pub window_end: String,
    /// Rows to ask for.
    pub page_size: u32,
}

/// A page of rows.
#[derive(Debug)]
pub struct FetchedPage {
    /// The rows, in the vendor's order.
    pub rows: Vec<Map<String, Value>>,
    /// The pages that may be fetched now.
    pub next: Vec<PageRef>,
    /// How many rows the scan has in all, where the vendor says so.
    pub total: Option<u64>,
    /// Tells these rows from others.
    pub content: u64,
}

impl Connector {
    /// Fetches one page.
    pub async fn fetch(&self, request: &SourceRequest, page: &PageRef) -> Result<FetchedPage, Failure> {
        let session = self.session(None).await?;
        let begun = Instant::now();
        match self.call_fetch(request, page, &session).await {
            Err(failure) if failure.kind == FailureKind::Unauthorized => {
                let session = self.session(Some(&session)).await?;
                self.call_fetch(request, page, &session).await
            }
            fetched => fetched,
        }
        .map_err(|failure| self.heed(failure, begun))
    }

    async fn call_fetch(
        &self,
        request: &SourceRequest,
        page: &PageRef,
        session: &Session,
    ) -> Result<FetchedPage, Failure> {
        let Some(pre) = &self.plugin.exports.source else {
            return Err(self.lacks("source"));
        };
        let call = wit::FetchCall {
            connection: self.as_plugin_sees_it(session),
            api: request.api.clone(),
            method: request.method.clone(),
            request: request.request.to_string().into_bytes(),
            other_request: request.other_request.to_string().into_bytes(),
            id_field: request.id_field.clone(),
            window: wit::Window { start: request.window_start.clone(), end: request.window_end.clone() },
            page: wit::PageRef { index: page.index, start_row: page.start_row, cursor: page.cursor.clone() },
            page_size: request.page_size,
        };
        let record = Arc::new(CallRecord::default());
        let loan = self.loan(false);
        let fetched = call::in_fresh_instance(pre.instance_pre(), loan, &record, "source.fetch", async |store| {
            let instance = pre.instantiate_async(&mut *store).await?;
            instance.qiao_plugin_source().call_fetch(store, &call).await
        })
        .await
        .map_err(CallError::into_failure)??;
        let mut content = DefaultHasher::new();
        content.write(&fetched.rows);
        let content = content.finish();
        let rows = rows(fetched.columns, &fetched.rows).map_err(|reason| {
            let reason = format!("returned a malformed page {}: {reason}", page.index);
            CallError::Malformed { plugin: self.plugin.name().to_owned(), reason }.into_failure()
        })?;
        let next = fetched
            .next
            .into_iter()
            .map(|next| PageRef { index: next.index, start_row: next.start_row, cursor: next.cursor })
            .collect();
        Ok(FetchedPage { rows, next, total: fetched.total, content })
    }
}

/// The rows as objects: given so, or as arrays beside the names of their columns.
fn rows(columns: Option<Vec<String>>, text: &[u8]) -> Result<Vec<Map<String, Value>>, String> {
    let Some(columns) = columns else {
        return serde_json::from_slice(text).map_err(|error| format!("`rows` is no array of objects: {error}"));
    };
    let arrays: Vec<Vec<Value>> =
        serde_json::from_slice(text).map_err(|error| format!("`rows` is no array of arrays: {error}"))?;
    let mut rows = Vec::with_capacity(arrays.len());
    for (index, values) in arrays.into_iter().enumerate() {
        if values.len() != columns.len() {
            return Err(format!("row {index} has {} values for {} columns", values.len(), columns.len()));
        }
        rows.push(columns.iter().cloned().zip(values).collect());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn arrays_become_objects_and_numbers_keep_their_digits() {
        let columns = Some(vec!["FBillNo".to_owned(), "FQty".to_owned()]);
        let rows = rows(columns, br#"[["SO1", 12.50], ["SO2", 12345678901234567890.10]]"#).unwrap();
        assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            r#"[{"FBillNo":"SO1","FQty":12.50},{"FBillNo":"SO2","FQty":12345678901234567890.10}]"#
        );
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let columns = Some(vec!["A".to_owned(), "B".to_owned()]);
        assert_eq!(rows(columns, b"[[1,2],[3]]").unwrap_err(), "row 1 has 1 values for 2 columns");
    }
}

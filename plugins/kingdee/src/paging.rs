//! Pages by key.
//!
//! Pages that are counted (`StartRow`) skip a row whenever an earlier one leaves the result while the scan runs: an order that is
//! un-audited is enough. So the rows are ordered by the column that tells them apart, and a page begins after the last key of the one
//! before. Three ways follow:
//!
//! * **An entry's id that the scheme names as its `id`** is unique: `FEntryID > last`.
//! * **Another key** may tie (a bill's number stands in each of its rows, an entry's id in each of its sub-entries). The page begins *at* the last key, and its rows are read again:
//!   reading twice costs little, counting them could skip one. Only where a single key fills a whole page are its rows counted.
//! * **No key** among the columns, a coded filter that cannot be extended, or `TopRowCount`: rows are counted, in the scheme's own order.

use std::borrow::Cow;

use qiao_plugin::json::{RawValue, is_empty, json};
use qiao_plugin::{Failure, Object, PageRef, Value};
use serde::{Deserialize, Serialize};

use crate::filter;
use crate::query::{Column, Filter, Query};

/// How a query is paged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Paging<'q> {
    /// By this column.
    Key(Key<'q>),
    /// By counting rows.
    Rows,
}

/// The column that the pages are ordered by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key<'q> {
    entry: &'q str,
    place: usize,
    unique: bool,
}

/// Where a page begins. Travels in [`PageRef::cursor`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Start {
    /// The `FieldKeys` entry that it is about.
    key: String,
    /// The last key of the page before; `null`: from the beginning.
    last: Value,
    /// The rows with this key are read again.
    at: bool,
    /// Rows to skip from there.
    skip: u64,
}

impl<'q> Paging<'q> {
    /// Chooses. `id_field` is the metadata's `id`: a column, or a template of several.
    pub(crate) fn choose(query: &'q Query, id_field: Option<&str>) -> Self {
        if matches!(query.filter, Filter::Coded(_)) || query.top > 0 {
            return Self::Rows;
        }
        let named = id_field.and_then(|id| place_of(query, |name| same(name, id)));
        let entry_id = || place_of(query, is_entry_id);
        let bill_id = || place_of(query, |name| same(name, "FID"));
        let Some((place, column)) = named.or_else(entry_id).or_else(bill_id) else {
            return Self::Rows;
        };
        Self::Key(Key {
            entry: &column.entry,
            place,
            unique: named.is_some() && (is_entry_id(&column.entry) || is_entry_id(&column.name)),
        })
    }

    /// `data` of the request for a page of so many rows.
    pub(crate) fn data(&self, query: &Query, page: &PageRef, limit: u64) -> Result<Object, Failure> {
        let mut data = query.rest.clone();
        let mut set = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
        set("FormId", query.form_id.as_str().into());
        set("FieldKeys", query.field_keys().into());
        let (filter, order, start_row) = match self {
            Self::Rows => {
                let filter = match &query.filter {
                    Filter::None => Value::from(""),
                    Filter::Text(filter) => filter.as_str().into(),
                    Filter::Coded(filter) => filter.clone(),
                };
                let order = query.order.clone().unwrap_or_default();
                (filter, order, page.start_row)
            }
            Self::Key(key) => {
                let start = key.start(page)?;
                let filter = key.filter(&query.filter, &start);
                (filter.into(), format!("{} ASC", key.entry), start.skip)
            }
        };
        set("FilterString", filter);
        set("OrderString", order.into());
        set("TopRowCount", json!(0));
        set("StartRow", start_row.into());
        set("Limit", limit.into());
        Ok(data)
    }

    /// The page after one that came back full; `None`: there is nothing more.
    pub(crate) fn next(&self, query: &Query, page: &PageRef, rows: &[&RawValue]) -> Result<Option<PageRef>, Failure> {
        let next = page.after(rows.len());
        match self {
            Self::Rows if query.top > 0 && next.start_row >= query.top => Ok(None),
            Self::Rows => Ok(Some(next)),
            Self::Key(key) => {
                let start = key.after(&key.start(page)?, rows)?;
                Ok(Some(next.cursor(json!(start).to_string())))
            }
        }
    }
}

impl Key<'_> {
    fn start(&self, page: &PageRef) -> Result<Start, Failure> {
        let Some(cursor) = &page.cursor else {
            return Ok(Start::default());
        };
        let start: Start = serde_json::from_str(cursor)
            .map_err(|error| Failure::misconfigured(format!("the page's cursor `{cursor}` is broken: {error}")))?;
        // The scheme was changed while the scan ran: what the new key missed is read from the beginning.
        Ok(if start.key == self.entry { start } else { Start::default() })
    }

    fn filter(&self, filter: &Filter, start: &Start) -> String {
        let own = match filter {
            Filter::Text(filter) => filter.as_str(),
            Filter::None | Filter::Coded(_) => "",
        };
        if start.last.is_null() {
            return own.to_owned();
        }
        let comparison = if start.at { ">=" } else { ">" };
        let from = format!("{} {comparison} {}", self.entry, filter::literal(&start.last));
        if own.is_empty() { from } else { format!("({own}) and {from}") }
    }

    /// Where the page after these rows begins, given where they began.
    fn after(&self, start: &Start, rows: &[&RawValue]) -> Result<Start, Failure> {
        let first = self.cell(rows.first())?;
        let last = self.cell(rows.last())?;
        let counted = Start { key: self.entry.to_owned(), skip: start.skip + rows.len() as u64, ..start.clone() };
        Ok(if is_empty(&last) {
            // No entry: such rows come first in ascending order, and no comparison finds them again.
            counted
        } else if self.unique && !is_zero(&last) {
            Start { key: self.entry.to_owned(), last, at: false, skip: 0 }
        } else if first == last && start.at && start.last == last {
            counted
        } else {
            Start {
                key: self.entry.to_owned(),
                skip: if first == last { rows.len() as u64 } else { 0 },
                last,
                at: true,
            }
        })
    }

    /// The key of a row, which alone is parsed.
    fn cell(&self, row: Option<&&RawValue>) -> Result<Value, Failure> {
        let row = row.map_or("[]", |row| row.get());
        let cells: Vec<Value> = serde_json::from_str(row)
            .map_err(|error| Failure::transient(format!("a row of Kingdee's is broken: {error}")))?;
        Ok(cells.into_iter().nth(self.place).unwrap_or_default())
    }
}

fn place_of(query: &Query, fits: impl Fn(&str) -> bool) -> Option<(usize, &Column)> {
    let mut columns = query.columns.iter().enumerate();
    columns.find(|(_, column)| fits(&column.name) || fits(&column.entry))
}

/// Names are written with dots in `FieldKeys` and with underscores in rows, and in either case.
fn same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.replace('.', "_").to_ascii_lowercase();
    plain(one) == plain(other)
}

/// `FEntryID`, `FSaleOrderEntry_FEntryId`, `FTreeEntity_FEntryID`.
fn is_entry_id(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("fentryid")
}

/// Rows without an entry may say so with an id of 0.
fn is_zero(key: &Value) -> bool {
    qiao_plugin::json::text(key) == Some(Cow::Borrowed("0"))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use super::*;

    fn query(columns: &str, more: Value) -> Query {
        let mut request = json!({"FormId": "SAL_SaleOrder", "FieldKeys": columns});
        let more = more.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(more);
        Query::read(request.as_object().unwrap(), &Object::new()).unwrap()
    }

    fn chosen(columns: &str, id_field: Option<&str>) -> String {
        match Paging::choose(&query(columns, json!({})), id_field) {
            Paging::Key(key) if key.unique => format!("{} >", key.entry),
            Paging::Key(key) => format!("{} >=", key.entry),
            Paging::Rows => "rows".to_owned(),
        }
    }

    #[test]
    fn the_key_is_the_schemes_id_or_the_best_there_is() {
        let columns = "FBillNo,FSaleOrderEntry_FEntryId,FID,FCustId.FNumber";
        let cases = [
            (columns, Some("FSaleOrderEntry_FEntryID"), "FSaleOrderEntry_FEntryId >"),
            (columns, Some("FSaleOrderEntry.FEntryID"), "FSaleOrderEntry_FEntryId >"),
            (columns, Some("{{FBillNo}}-{{FEntryID}}"), "FSaleOrderEntry_FEntryId >="),
            (columns, None, "FSaleOrderEntry_FEntryId >="),
            (columns, Some("fbillno"), "FBillNo >="),
            (columns, Some("FCustId_FNumber"), "FCustId.FNumber >="),
            ("FBillNo,FID", Some("{{FBillNo}}-{{FEntryID}}"), "FID >="),
            ("FBillNo,FQty", Some("{{FBillNo}}-{{FEntryID}}"), "rows"),
        ];
        for (columns, id_field, expected) in cases {
            assert_eq!(chosen(columns, id_field), expected, "{id_field:?}");
        }
    }

    #[test]
    fn what_cannot_be_extended_is_counted() {
        for more in [json!({"TopRowCount": 5}), json!({"FilterString": [{"Left": "("}]})] {
            let query = query("FID", more);
            assert_eq!(Paging::choose(&query, None), Paging::Rows);
        }
    }

    /// The filter, the order and the start row of each page of a scan; a page is the JSON of its rows.
    fn scan(query: &Query, id_field: &str, pages: &[&str]) -> Vec<String> {
        let paging = Paging::choose(query, Some(id_field));
        let mut page = PageRef::default();
        let mut asked = Vec::new();
        for rows in pages {
            let data = paging.data(query, &page, 2).unwrap();
            asked.push(format!(
                "{} | {} | {}",
                data["FilterString"].as_str().unwrap(),
                data["OrderString"].as_str().unwrap(),
                data["StartRow"]
            ));
            let rows: Vec<&RawValue> = serde_json::from_str(rows).unwrap();
            match paging.next(query, &page, &rows).unwrap() {
                Some(next) => page = next,
                None => asked.push("end".to_owned()),
            }
        }
        asked
    }

    #[test]
    fn an_entry_id_pages_after_the_last_one() {
        let query = query(
            "FBillNo,FEntity_FEntryID",
            json!({"FilterString": "FDocumentStatus='C' or FDate>'2026'", "OrderString": "FDate"}),
        );
        let asked = scan(
            &query,
            "FEntity_FEntryID",
            &[r#"[["A",null],["B",0]]"#, r#"[["C",0],["D",0]]"#, r#"[["E",100231],["F",100232]]"#, "[]"],
        );
        let own = "FDocumentStatus='C' or FDate>'2026'";
        assert_eq!(
            asked,
            [
                format!("{own} | FEntity_FEntryID ASC | 0"),
                // The last key was 0: rows without an entry may tie.
                format!("({own}) and FEntity_FEntryID >= 0 | FEntity_FEntryID ASC | 0"),
                format!("({own}) and FEntity_FEntryID >= 0 | FEntity_FEntryID ASC | 2"),
                format!("({own}) and FEntity_FEntryID > 100232 | FEntity_FEntryID ASC | 0"),
            ]
        );
    }

    #[test]
    fn rows_without_a_key_are_counted_until_there_is_one() {
        let asked =
            scan(&query("FEntryID", json!({})), "FEntryID", &["[[null],[null]]", "[[null],[null]]", "[[7],[8]]", "[]"]);
        assert_eq!(
            asked,
            [" | FEntryID ASC | 0", " | FEntryID ASC | 2", " | FEntryID ASC | 4", "FEntryID > 8 | FEntryID ASC | 0",]
        );
    }

    #[test]
    fn rows_of_a_key_that_may_tie_are_read_again() {
        let asked = scan(
            &query("FBillNo,FQty", json!({})),
            "FBillNo",
            &[
                r#"[["A",1],["B",1]]"#,
                r#"[["B",1],["B",2]]"#,
                r#"[["B",3],["O'C",1]]"#,
                r#"[["O'C",1],["O'C",2]]"#,
                r#"[["O'C",3],["O'C",4]]"#,
                "[]",
            ],
        );
        assert_eq!(
            asked,
            [
                " | FBillNo ASC | 0",
                "FBillNo >= 'B' | FBillNo ASC | 0",
                "FBillNo >= 'B' | FBillNo ASC | 2",
                "FBillNo >= 'O''C' | FBillNo ASC | 0",
                "FBillNo >= 'O''C' | FBillNo ASC | 2",
                "FBillNo >= 'O''C' | FBillNo ASC | 4",
            ]
        );
    }

    #[test]
    fn counted_rows_keep_the_schemes_order_and_end_at_its_top() {
        let query = query("FNumber", json!({"TopRowCount": "3", "OrderString": "FNumber DESC"}));
        let asked = scan(&query, "FNumber", &["[[1],[2]]", "[[3],[4]]"]);
        assert_eq!(asked, [" | FNumber DESC | 0", " | FNumber DESC | 2", "end"]);
    }
}

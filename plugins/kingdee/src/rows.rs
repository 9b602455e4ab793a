//! `BillQuery`'s objects as rows of cells.
//!
//! Its rows are objects with the `FieldKeys` entries for names, dots and all, while a scheme names its columns as it likes. As arrays in
//! the order of the columns they are what `ExecuteBillQuery` gives, and are named and paged in the same way. Cells stay the text that
//! Kingdee sent.

use std::collections::HashMap;

use qiao_plugin::Failure;
use qiao_plugin::json::RawValue;

use crate::query::Query;

/// The rows as the text of an array of arrays. A cell that an object lacks is `null`.
pub(crate) fn arrays(query: &Query, objects: &[&RawValue]) -> Result<String, Failure> {
    let mut rows = Vec::with_capacity(objects.len());
    for (place, object) in objects.iter().enumerate() {
        let cells: HashMap<String, &RawValue> = serde_json::from_str(object.get())
            .map_err(|error| Failure::transient(format!("row {} of Kingdee's is broken: {error}", place + 1)))?;
        let cell = |entry: &str| {
            let by_case = || cells.iter().find(|(name, _)| name.eq_ignore_ascii_case(entry)).map(|(_, cell)| cell);
            cells.get(entry).or_else(by_case).map(|cell| cell.get())
        };
        let row: Vec<Option<&str>> = query.columns.iter().map(|column| cell(&column.entry)).collect();
        if row.iter().all(Option::is_none) {
            let told: String = object.get().chars().take(200).collect();
            return Err(Failure::transient(format!(
                "row {} of Kingdee's reply has none of the query's columns: {told}",
                place + 1
            )));
        }
        let row: Vec<&str> = row.into_iter().map(|cell| cell.unwrap_or("null")).collect();
        rows.push(format!("[{}]", row.join(",")));
    }
    Ok(format!("[{}]", rows.join(",")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Object;
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::object;

    fn read(objects: &str) -> Result<String, Failure> {
        let request = json!({"FormId": "F", "FBillNo": null, "Org": "FSaleOrgId.FNumber", "FQty": null});
        let query = Query::read(&object(request), &Object::new()).unwrap();
        arrays(&query, &serde_json::from_str::<Vec<&RawValue>>(objects).unwrap())
    }

    #[test]
    fn cells_stand_in_the_order_of_the_columns() {
        let cases = [
            (r#"[{"FQty": 1.50, "FBillNo": "A", "FSaleOrgId.FNumber": "100"}]"#, r#"[["A","100",1.50]]"#),
            (r#"[{"FBILLNO": "A"}, {"FBillNo": "B", "Other": 1, "FQty": [1]}]"#, r#"[["A",null,null],["B",null,[1]]]"#),
            ("[]", "[]"),
        ];
        for (objects, expected) in cases {
            assert_eq!(read(objects).unwrap(), expected);
        }
        let failure = read(r#"[{"FBillNo": "A"}, {"Message": "x"}]"#).unwrap_err();
        assert_eq!(failure.message, r#"row 2 of Kingdee's reply has none of the query's columns: {"Message": "x"}"#);
    }
}

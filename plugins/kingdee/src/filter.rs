//! Pieces of a `FilterString`, which Kingdee takes as SQL-like text: what comes from a row is quoted here and nowhere else.

use qiao_plugin::Value;

/// A text as a literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A cell of a row as a literal.
pub(crate) fn literal(cell: &Value) -> String {
    match cell {
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

/// A field that is one of these texts. There has to be one.
pub(crate) fn one_of<'t>(field: &str, texts: impl IntoIterator<Item = &'t str>) -> String {
    let literals: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("{field} in ({})", literals.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::json::json;

    use super::*;

    #[test]
    fn a_literal_stays_one() {
        let cases = [
            (json!(100_231), "100231"),
            (json!("XSDD1"), "'XSDD1'"),
            (json!("O'C'"), "'O''C'''"),
            (json!("'"), "''''"),
            (json!(""), "''"),
            (json!(true), "'true'"),
        ];
        for (cell, expected) in cases {
            assert_eq!(literal(&cell), expected);
        }
        assert_eq!(one_of("FBillNo", ["A", "B' or 1=1"]), "FBillNo in ('A','B'' or 1=1')");
    }

    /// Reads a list of SQL literals as a database would; `None` if it is none.
    fn read_list(list: &str) -> Option<Vec<String>> {
        let mut rest = list.strip_prefix('(')?;
        let mut texts = Vec::new();
        loop {
            rest = rest.strip_prefix('\'')?;
            let mut text = String::new();
            loop {
                let (before, after) = rest.split_once('\'')?;
                text.push_str(before);
                rest = after;
                let Some(after) = rest.strip_prefix('\'') else { break };
                text.push('\'');
                rest = after;
            }
            texts.push(text);
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => return (rest == ")").then_some(texts),
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_come_out_of_a_filter_as_they_went_in(
            numbers in prop::collection::vec("[A-C'',()\" 订;\\-]{0,8}", 1..5),
        ) {
            let filter = one_of("FBillNo", numbers.iter().map(String::as_str));
            let list = filter.strip_prefix("FBillNo in ").unwrap();
            prop_assert_eq!(read_list(list), Some(numbers));
        }
    }
}

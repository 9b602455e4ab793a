//! TOML into the tree, by the spans that the `toml` crate gives.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::problem::Complaint;
use super::super::text::Lines;
use super::{Data, Key, Node};

/// Parses a document; its root is a mapping.
pub(in super::super) fn parse(text: &str) -> Result<Node, Complaint> {
    let lines = Lines::new(text);
    match DeTable::parse(text) {
        Ok(root) => Ok(Node { data: table(root.get_ref(), &lines), place: lines.place(0), block: false }),
        Err(error) => {
            let complaint = Complaint::new(format!("is not TOML: {}", error.message()))
                .place(lines.place(error.span().map_or(text.len(), |span| span.start)));
            Err(if error.message().starts_with("invalid unquoted key") {
                complaint.hint("a name with other letters is written in quotes: `[connections.\"金蝶\"]`")
            } else {
                complaint
            })
        }
    }
}

fn table(table: &DeTable<'_>, lines: &Lines<'_>) -> Data {
    let mut entries: Vec<_> = table.iter().collect();
    // The crate keeps them by name; a person wrote them in an order.
    entries.sort_by_key(|(key, _)| key.span().start);
    Data::Map(
        entries
            .into_iter()
            .map(|(key, value)| {
                let key = Key { name: key.get_ref().to_string(), place: lines.place(key.span().start) };
                (key, node(value, lines))
            })
            .collect(),
    )
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(integer) if integer.radix() == 10 => number(integer.as_str()),
        DeValue::Integer(integer) => match u128::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Data::Number(value.to_string()),
            Err(_) => Data::Other(integer.to_string()),
        },
        DeValue::Float(float) => number(float.as_str()),
        DeValue::Boolean(value) => Data::Bool(*value),
        DeValue::Datetime(datetime) => Data::Text(datetime.to_string()),
        DeValue::Array(items) => Data::List(items.iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(inner) => table(inner, lines),
    };
    Node { data, place: lines.place(value.span().start), block: false }
}

/// The digits as written, without the `+` that JSON does not know.
fn number(text: &str) -> Data {
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.parse::<serde_json::Number>() {
        Ok(_) => Data::Number(text.to_owned()),
        Err(_) => Data::Other(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn values_keep_digits_and_order() {
        for (toml, json) in [
            ("b = 1\na = 2", r#"{"b":1,"a":2}"#),
            ("n = 12345678901234567890123", r#"{"n":12345678901234567890123}"#),
            ("n = 1.10", r#"{"n":1.10}"#),
            ("n = +1_000", r#"{"n":1000}"#),
            ("n = 0xFF", r#"{"n":255}"#),
            ("t = 2026-01-01 08:00:00", r#"{"t":"2026-01-01T08:00:00"}"#),
            ("[a.b]\nc = [true, \"名\"]", r#"{"a":{"b":{"c":[true,"名"]}}}"#),
        ] {
            assert_eq!(parse(toml).unwrap().to_json().unwrap().to_string(), json);
        }
    }

    #[test]
    fn what_json_does_not_know_is_said_at_its_place() {
        let complaint = parse("a = 1\nb = inf").unwrap().to_json().unwrap_err();
        assert_eq!(complaint.message, "the number `inf` does not exist in JSON");
        assert_eq!(complaint.place.map(|place| (place.line, place.column)), Some((2, 5)));
    }
}

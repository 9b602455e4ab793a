//! `_mongoQuery S findField=content.F where={"content.A":{"$eq":"{{x}}"}}`: a lookup with a Mongo filter.
//!
//! `content` is the stored row, and may be left out. What the operators compare is, as everywhere here, the text of values,
//! because numbers arrive as texts:
//!
//! | operator | holds |
//! |---|---|
//! | `$eq`, `$in`, and a value without an operator | the field is there, and its text is this one, letter by letter: `1` and `"1"` are equal, `1` and `"1.0"` are not. So an index finds it, as for `_findCollection` |
//! | `$ne`, `$nin` | the opposite; also of a row without the field |
//! | `$gt` `$gte` `$lt` `$lte` | as in `condition`: numbers by value, dates by their moment, else texts; nothing is more or less than an empty text |
//! | `$exists` | the row has the field, be it `null` |
//! | `null` in place of a value | the field is `null` or not there |
//! | `$and`, `$or` | all, or one, of a list of filters |
//!
//! Of several rows the one stored last is meant.

use std::sync::Arc;

use super::super::condition::Order;
use super::super::directive::DirectiveError;
use super::super::finding::{listed, nearest};
use super::json::{self, Json};
use super::{Check, Find, Operand, Test, branches};

const OPERATORS: [&str; 11] = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$and", "$or"];

/// Reads the text behind `_mongoQuery`; `depth` lookups surround what stands in it.
pub(super) fn parse(text: &str, depth: usize) -> Result<Find, DirectiveError> {
    let malformed = |what: &str| {
        DirectiveError::new(
            format!("the lookup has {what}"),
            "write `_mongoQuery <scheme> findField=content.<field> where={\"content.<field>\":{\"$eq\":\"{{…}}\"}}`",
        )
    };
    let (collection, mut rest) = match (setting(text, "findField"), setting(text, "where")) {
        (Some((before, _)), Some((other, _))) if other.len() < before.len() => (other, text.get(other.len()..)),
        (Some((before, _)), _) | (None, Some((before, _))) => (before, text.get(before.len()..)),
        (None, None) => return Err(malformed("no `findField=`")),
    };
    let collection = collection.trim();
    if collection.is_empty() || collection.chars().all(|letter| matches!(letter, '.' | '…')) {
        return Err(malformed("no scheme before `findField=`"));
    }
    let (mut field, mut filter) = (None, None);
    while let Some(text) = rest.map(str::trim_start).filter(|text| !text.is_empty()) {
        if let Some(("", value)) = setting(text, "where") {
            let (read, after) = json::read(value, depth)?;
            (filter, rest) = (Some(read), Some(after));
        } else if let Some(("", value)) = setting(text, "findField") {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            let (name, after) = value.split_at(end);
            (field, rest) = (Some(column(name.trim_matches(['"', '\'']))), Some(after));
        } else {
            let odd: String = text.chars().take(40).collect();
            return Err(malformed(&format!("`{odd}` in a place where nothing is expected")));
        }
    }
    let field = field.filter(|field| !field.is_empty()).ok_or_else(|| malformed("no `findField=`"))?;
    let filter = filter.ok_or_else(|| malformed("no `where=`"))?;
    let branches = branches(document(filter)?);
    Ok(Find { is_table: false, collection: collection.into(), field, branches })
}

/// `name = value`: what stands before it, and the text that begins with the value.
fn setting<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let is_part = |letter: char| !letter.is_whitespace();
    text.char_indices().find_map(|(at, _)| {
        let before = text.get(..at)?;
        let head = text.get(at..at + name.len())?;
        if !head.eq_ignore_ascii_case(name) || before.ends_with(is_part) {
            return None;
        }
        let value = text.get(at + name.len()..)?.trim_start().strip_prefix('=')?;
        Some((before, value.trim_start()))
    })
}

/// `content` is the stored row.
fn column(name: &str) -> Arc<str> {
    name.trim().strip_prefix("content.").unwrap_or(name.trim()).into()
}

/// A filter: all of its members hold.
fn document(filter: Json) -> Result<Test<Operand>, DirectiveError> {
    let Json::Object(members) = filter else {
        return Err(DirectiveError::new(
            "the filter is no JSON object",
            "write `{\"content.<field>\":{\"$eq\":\"{{…}}\"}}`",
        ));
    };
    let mut tests = Vec::with_capacity(members.len());
    for (key, value) in members {
        tests.push(match key.trim() {
            "$and" => Test::All(documents("$and", value)?),
            "$or" => Test::Any(documents("$or", value)?),
            operator if operator.starts_with('$') => return Err(misplaced(operator)),
            "" => return Err(DirectiveError::new("a key of the filter names no field", "write `content.<field>`")),
            field => of_field(&column(field), value)?,
        });
    }
    Ok(Test::All(tests))
}

fn documents(operator: &str, value: Json) -> Result<Vec<Test<Operand>>, DirectiveError> {
    match value {
        Json::Array(filters) if !filters.is_empty() => filters.into_iter().map(document).collect(),
        _ => Err(DirectiveError::new(
            format!("`{operator}` takes a list of filters"),
            format!("write `{{\"{operator}\":[{{\"content.a\":\"{{{{x}}}}\"}},{{\"content.b\":\"{{{{y}}}}\"}}]}}`"),
        )),
    }
}

fn misplaced(operator: &str) -> DirectiveError {
    if OPERATORS.contains(&operator) {
        return DirectiveError::new(
            format!("`{operator}` stands where a field's name is expected"),
            format!("write `{{\"content.<field>\":{{\"{operator}\":…}}}}`"),
        );
    }
    unknown(operator)
}

fn unknown(operator: &str) -> DirectiveError {
    let hint = match nearest(operator, OPERATORS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("operators: {}", listed(&OPERATORS)),
    };
    DirectiveError::new(format!("operator `{operator}` is unknown"), hint)
}

/// A value, or operators that all hold.
fn of_field(field: &Arc<str>, value: Json) -> Result<Test<Operand>, DirectiveError> {
    let Json::Object(operators) = value else {
        return operator(field, "$eq", value);
    };
    let tests = operators.into_iter().map(|(name, operand)| operator(field, name.trim(), operand));
    Ok(Test::All(tests.collect::<Result<_, _>>()?))
}

fn operator(field: &Arc<str>, name: &str, operand: Json) -> Result<Test<Operand>, DirectiveError> {
    let test = |check: Check<Operand>| Test::Field(Arc::clone(field), check);
    Ok(match name {
        "$eq" | "$ne" => {
            let is_equal = name == "$eq";
            match single(name, operand)? {
                None => test(Check::Null(is_equal)),
                Some(value) if is_equal => test(Check::Among(vec![value])),
                Some(value) => test(Check::NotAmong(vec![value])),
            }
        }
        "$gt" | "$gte" | "$lt" | "$lte" => {
            let order = match name {
                "$gt" => Order::More,
                "$gte" => Order::MoreOrEqual,
                "$lt" => Order::Less,
                _ => Order::LessOrEqual,
            };
            let value = single(name, operand)?.ok_or_else(|| {
                DirectiveError::new(format!("`{name}` compares with `null`"), "compare with a value, or use `$exists`")
            })?;
            test(Check::Ordered(order, value))
        }
        "$in" => {
            let (values, has_null) = list(name, operand)?;
            if has_null {
                Test::Any(vec![test(Check::Null(true)), test(Check::Among(values))])
            } else {
                test(Check::Among(values))
            }
        }
        "$nin" => {
            let (values, has_null) = list(name, operand)?;
            if has_null {
                Test::All(vec![test(Check::Null(false)), test(Check::NotAmong(values))])
            } else {
                test(Check::NotAmong(values))
            }
        }
        "$exists" => test(Check::Exists(truth(&operand)?)),
        "$and" | "$or" => {
            return Err(DirectiveError::new(
                format!("`{name}` stands within a field"),
                format!("it takes whole filters: `{{\"{name}\":[{{\"content.{field}\":…}},…]}}`"),
            ));
        }
        name => return Err(unknown(name)),
    })
}

/// `None`: `null`.
fn single(name: &str, operand: Json) -> Result<Option<Operand>, DirectiveError> {
    match operand {
        Json::Null => Ok(None),
        Json::Scalar(template) => Ok(Some(Operand { template, is_list: false })),
        Json::Array(_) => Err(DirectiveError::new(
            format!("`{name}` compares with one value, not with an array"),
            "use `$in` for one of several",
        )),
        Json::Object(_) => Err(DirectiveError::new(
            format!("`{name}` compares with one value, not with an object"),
            "name the field within it: `content.<object>.<field>`",
        )),
    }
}

/// The values of a list, and whether `null` is among them. A template in place of the list may give one.
fn list(name: &str, operand: Json) -> Result<(Vec<Operand>, bool), DirectiveError> {
    let elements = match operand {
        Json::Array(elements) => elements,
        Json::Scalar(template) if template.literal().is_none() => {
            return Ok((vec![Operand { template, is_list: true }], false));
        }
        _ => {
            return Err(DirectiveError::new(
                format!("`{name}` takes a list"),
                format!("write `{{\"{name}\":[\"a\",\"{{{{x}}}}\"]}}`"),
            ));
        }
    };
    let count = elements.len();
    let values: Vec<Option<Operand>> =
        elements.into_iter().map(|element| single(name, element)).collect::<Result<_, _>>()?;
    let values: Vec<Operand> = values.into_iter().flatten().collect();
    let has_null = values.len() < count;
    Ok((values, has_null))
}

fn truth(operand: &Json) -> Result<bool, DirectiveError> {
    let text = match operand {
        Json::Scalar(template) => template.literal().map(str::to_ascii_lowercase),
        _ => None,
    };
    match text.as_deref() {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        _ => Err(DirectiveError::new("`$exists` is neither true nor false", "write `{\"$exists\":true}`")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::super::Branch;
    use super::*;

    fn values(values: &[Operand]) -> String {
        let shown = |value: &Operand| format!("{}{}", value.template, if value.is_list { "…" } else { "" });
        values.iter().map(shown).collect::<Vec<_>>().join("|")
    }

    fn test(test: &Test<Operand>) -> String {
        let all = |tests: &[Test<Operand>], joint: &str| {
            format!("({})", tests.iter().map(self::test).collect::<Vec<_>>().join(joint))
        };
        match test {
            Test::Field(field, Check::Among(among)) => format!("{field}={}", values(among)),
            Test::Field(field, Check::NotAmong(among)) => format!("{field}!={}", values(among)),
            Test::Field(field, Check::Ordered(order, value)) => format!("{field} {order:?} {}", value.template),
            Test::Field(field, Check::Exists(is_there)) => format!("{field} exists {is_there}"),
            Test::Field(field, Check::Null(is_null)) => format!("{field} null {is_null}"),
            Test::All(tests) => all(tests, " and "),
            Test::Any(tests) => all(tests, " or "),
        }
    }

    /// What leads to the rows before `:`, what they must pass behind it; a line per branch.
    fn shown(text: &str) -> Result<String, String> {
        let Find { is_table, collection, field, branches } = parse(text, 1).map_err(|error| error.message)?;
        assert!(!is_table);
        let branch = |branch: &Branch| {
            let equal: Vec<_> = branch.equal.iter().map(|(field, of)| format!("{field}={}", values(of))).collect();
            let tests: Vec<_> = branch.tests.iter().map(test).collect();
            [equal.join(" "), tests.join(" ")].join(":")
        };
        Ok(format!("{field} in {collection} {}", branches.iter().map(branch).collect::<Vec<_>>().join(" or ")))
    }

    #[test]
    fn settings_come_in_any_order_and_spacing() {
        for (text, expected) in [
            (
                r#"shops findField=content.id where={"content.FName":{"$eq":"{{shop_name}}"}}"#,
                "id in shops FName={{shop_name}}:",
            ),
            (
                "金蝶 店铺\n  findField = content.FNumber\n  where = {\"FName\":\"{{x}}\"}\n",
                "FNumber in 金蝶 店铺 FName={{x}}:",
            ),
            (r#"s where={"a":1} findField=id"#, "id in s a=1:"),
            (r#"s FINDFIELD='content.a.b' where={"content.c.d":1}"#, "a.b in s c.d=1:"),
            (
                r#"s findField=id where={"a":"_findCollection find b from t where c={{x}} _endFind"}"#,
                "id in s a=_findCollection find b from t where c={{x}} _endFind:",
            ),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, message) in [
            ("", "the lookup has no `findField=`"),
            (r#"s where={"a":1}"#, "the lookup has no `findField=`"),
            ("s findField=", "the lookup has no `findField=`"),
            ("s findField=id", "the lookup has no `where=`"),
            (r#"findField=id where={"a":1}"#, "the lookup has no scheme before `findField=`"),
            (r#"s findField=id where={"a":1} sort"#, "the lookup has `sort` in a place where nothing is expected"),
            (r#"s findField=id where=["a"]"#, "the filter is no JSON object"),
        ] {
            assert_eq!(shown(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn a_filter_is_taken_apart_into_reads() {
        for (filter, expected) in [
            (r#"{"a":"1","content.b":{"$eq":"{{x}}"}}"#, "a=1 b={{x}}:"),
            (r#"{"a":{"$gte":"1","$lt":5},"b":"x"}"#, "b=x:a MoreOrEqual 1 a Less 5"),
            (r#"{"a":{"$in":["1","{{x}}"]},"b":{"$nin":["2"]}}"#, "a=1|{{x}}:b!=2"),
            (r#"{"a":{"$in":"{{codes}}"}}"#, "a={{codes}}…:"),
            // A second list is a test: no product of lists is read.
            (r#"{"a":{"$in":["1","2"]},"b":{"$in":["3","4"]},"c":5}"#, "a=1|2 c=5:b=3|4"),
            (r#"{"a":{"$ne":""},"b":{"$exists":true}}"#, ":a!= b exists true"),
            (r#"{"a":null,"b":{"$ne":null}}"#, ":a null true b null false"),
            (r#"{"a":{"$in":["1",null]}}"#, ":a null true or a=1:"),
            (r#"{"a":{"$nin":["1",null]}}"#, ":a null false a!=1"),
            (r#"{"$or":[{"a":1},{"b":2,"c":3}]}"#, "a=1: or b=2 c=3:"),
            (r#"{"x":0,"$or":[{"a":1},{"b":{"$gt":2}}]}"#, "x=0 a=1: or x=0:b More 2"),
            (r#"{"$and":[{"a":1},{"$or":[{"b":2},{"c":3}]}]}"#, "a=1 b=2: or a=1 c=3:"),
            ("{}", ":"),
        ] {
            let text = format!("s findField=id where={filter}");
            assert_eq!(shown(&text).unwrap(), format!("id in s {expected}"), "{filter}");
        }
    }

    #[test]
    fn what_would_take_too_many_reads_is_a_test() {
        let many: Vec<String> = (0..101).map(|number| format!("\"{number}\"")).collect();
        let long = format!(r#"s findField=id where={{"a":{{"$in":[{}]}},"b":1}}"#, many.join(","));
        assert!(shown(&long).unwrap().starts_with("id in s b=1:a=0|1|"));
        let pair = |number: u32| format!(r#"{{"$or":[{{"a{number}":1}},{{"b{number}":2}}]}}"#);
        let pairs: Vec<String> = (0..6).map(pair).collect();
        let text = format!(r#"s findField=id where={{"$and":[{}]}}"#, pairs.join(","));
        let found = parse(&text, 1).unwrap();
        assert_eq!(found.branches.len(), 32);
        assert!(found.branches.iter().all(|branch| branch.equal.len() == 5 && branch.tests.len() == 1));
    }

    #[test]
    fn unknown_operators_are_errors() {
        for (filter, message, hint) in [
            (r#"{"a":{"$regex":"x"}}"#, "operator `$regex` is unknown", "operators: `$eq`, `$ne`"),
            (r#"{"a":{"$gtt":"x"}}"#, "operator `$gtt` is unknown", "did you mean `$gt`?"),
            (r#"{"$nor":[{"a":1}]}"#, "operator `$nor` is unknown", "did you mean `$or`?"),
            (r#"{"a":{"eq":"x"}}"#, "operator `eq` is unknown", "did you mean `$eq`?"),
            (r#"{"$eq":1}"#, "`$eq` stands where a field's name is expected", "write `{\"content.<field>\":{\"$eq\""),
            (r#"{"a":{"$or":[1]}}"#, "`$or` stands within a field", "it takes whole filters"),
            (r#"{"$or":[]}"#, "`$or` takes a list of filters", "write"),
            (r#"{"a":{"$in":"x"}}"#, "`$in` takes a list", "write"),
            (r#"{"a":["x"]}"#, "`$eq` compares with one value, not with an array", "use `$in`"),
            (r#"{"a":{"$eq":{"b":1}}}"#, "`$eq` compares with one value, not with an object", "name the field"),
            (r#"{"a":{"$gt":null}}"#, "`$gt` compares with `null`", "compare with a value"),
            (r#"{"a":{"$exists":"{{x}}"}}"#, "`$exists` is neither true nor false", "write"),
        ] {
            let error = parse(&format!("s findField=id where={filter}"), 1).unwrap_err();
            assert_eq!(error.message, message, "{filter}");
            assert!(error.hint.starts_with(hint), "{filter}: {}", error.hint);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*|(s |findField=|where=|\\{|\\}|\\[|\\]|\"a\"|:|,|\\$or|\\$in|1|中){0,16}") {
            let _ = parse(&text, 1);
        }
    }
}

//! `_findCollection find F from S where A=v B=v`.

use std::sync::Arc;

use super::super::directive::DirectiveError;
use super::{Branch, Find, Operand, letters_outside};

/// Reads the text behind `_findCollection`; `depth` lookups surround what stands in it.
pub(super) fn parse(text: &str, depth: usize) -> Result<Find, DirectiveError> {
    const FORM: &str =
        "`_findCollection find <field> from <scheme or table:name> where <field>=<value> [<field>=<value> …]`";
    let malformed = |what: &str| DirectiveError::new(format!("the lookup has {what}"), format!("write {FORM}"));
    let rest = keyword(text, "find").ok_or_else(|| malformed("no `find`"))?;
    let (find, rest) = until_keyword(rest, "from").ok_or_else(|| malformed("no `from`"))?;
    let (collection, rest) = until_keyword(rest, "where").ok_or_else(|| malformed("no `where`"))?;
    if find.is_empty() || find.contains(char::is_whitespace) {
        return Err(malformed("no single field between `find` and `from`"));
    }
    let (is_table, collection) = match collection.strip_prefix("table:") {
        Some(table) => (true, table.trim()),
        None => (false, collection),
    };
    if collection.is_empty() || collection.chars().all(|letter| matches!(letter, '.' | '…')) {
        return Err(malformed("no scheme or table between `from` and `where`"));
    }
    let equal = conditions(rest, depth, &malformed)?;
    let branches = vec![Branch { equal, tests: Vec::new() }];
    Ok(Find { is_table, collection: collection.into(), field: find.into(), branches })
}

type Equal = (Arc<str>, Vec<Operand>);

fn conditions(
    text: &str,
    depth: usize,
    malformed: &dyn Fn(&str) -> DirectiveError,
) -> Result<Vec<Equal>, DirectiveError> {
    let mut conditions = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if !conditions.is_empty() {
            rest = keyword(rest, "and").unwrap_or(rest);
        }
        let (field, after) = rest.split_once('=').ok_or_else(|| malformed("a condition without `=`"))?;
        let field = field.trim();
        if field.is_empty()
            || field.contains(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '!' | '\'' | '"'))
        {
            return Err(malformed("a condition that is no `<field>=<value>`"));
        }
        let (value, after) = condition_value(after.trim_start());
        conditions.push((field.into(), vec![Operand::read(value, depth)?]));
        rest = after.trim_start();
    }
    if conditions.is_empty() {
        return Err(malformed("no condition after `where`"));
    }
    Ok(conditions)
}

/// A quoted text, or up to white space that is within neither braces nor a lookup.
fn condition_value(text: &str) -> (&str, &str) {
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"'))
        && let Some((end, _)) = letters_outside(text).skip(1).find(|(_, letter)| *letter == quote)
        && let (Some(value), Some(after)) = (text.get(1..end), text.get(end + 1..))
        && (after.is_empty() || after.starts_with(char::is_whitespace))
    {
        return (value, after);
    }
    let mut depth = 0_usize;
    for (index, letter) in letters_outside(text) {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            letter if letter.is_whitespace() && depth == 0 => return text.split_at(index),
            _ => {}
        }
    }
    (text, "")
}

/// The text after a keyword that it begins with.
fn keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let head = text.get(..keyword.len())?;
    let rest = text.get(keyword.len()..)?;
    (head.eq_ignore_ascii_case(keyword) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

/// What stands before a keyword between white space, and what follows it.
fn until_keyword<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    text.char_indices().filter(|(_, letter)| letter.is_whitespace()).find_map(|(at, letter)| {
        let (before, after) = (text.get(..at)?, text.get(at + letter.len_utf8()..)?);
        let head = after.get(..keyword.len())?;
        let rest = after.get(keyword.len()..)?;
        let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
        (head.eq_ignore_ascii_case(keyword) && ends).then(|| (before.trim(), rest.trim()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn find(text: &str) -> Result<String, String> {
        let Find { is_table, collection, field: find, branches } = parse(text, 1).map_err(|error| error.message)?;
        let [Branch { equal, tests }] = &branches[..] else { panic!("{branches:?}") };
        assert_eq!(tests, &[]);
        let value = |values: &[Operand]| match values {
            [Operand { template, is_list: false }] => template.to_string(),
            other => panic!("{other:?}"),
        };
        let conditions: Vec<String> =
            equal.iter().map(|(field, values)| format!("{field}:[{}]", value(values))).collect();
        Ok(format!("{find} {} {collection} {}", if is_table { "table" } else { "in" }, conditions.join(" ")))
    }

    #[test]
    fn lookups() {
        for (text, expected) in [
            (
                "find product_id from okki-products where product_no={FMaterialId_Fnumber}",
                "product_id in okki-products product_no:[{FMaterialId_Fnumber}]",
            ),
            (
                "find id from 金蝶 物料 where a = {{x}} b='x y {z}' and c=\"q\" d=bare",
                "id in 金蝶 物料 a:[{{x}}] b:[x y {z}] c:[q] d:[bare]",
            ),
            ("FIND id FROM table:material_code WHERE code={{ x }}", "id table material_code code:[{{ x }}]"),
            ("find id from s where a={{x}}-{{y}}", "id in s a:[{{x}}-{{y}}]"),
            ("find id from s where a='' b=1", "id in s a:[] b:[1]"),
            ("find a.b from s where c.d=it's", "a.b in s c.d:[it's]"),
            ("find id\n  from s\n  where a={{x}}\n  b=1\n", "id in s a:[{{x}}] b:[1]"),
            // A lookup is part of the value that it stands in.
            (
                "find id from s where a=_findCollection find b from t where c={{x}} d='q r' _endFind e=2",
                "id in s a:[_findCollection find b from t where c={{x}} d='q r' _endFind] e:[2]",
            ),
            (
                "find id from s where a='x _findCollection find b from t where c='{{x}}' _endFind' e=2",
                "id in s a:[x _findCollection find b from t where c='{{x}}' _endFind] e:[2]",
            ),
        ] {
            assert_eq!(find(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, message) in [
            ("product_id from x where a=b", "the lookup has no `find`"),
            ("find a where b=c", "the lookup has no `from`"),
            ("find a from b", "the lookup has no `where`"),
            ("find a from b where", "the lookup has no condition after `where`"),
            ("find a from b where c", "the lookup has a condition without `=`"),
            ("find a from b where c>=1", "the lookup has a condition that is no `<field>=<value>`"),
            ("find a from ... where c=1", "the lookup has no scheme or table between `from` and `where`"),
            ("find a b from c where d=1", "the lookup has no single field between `find` and `from`"),
            ("find a from b where c={{x|dat}}", "filter `dat` is unknown"),
            (
                "find a from b where c=_findCollection find d from e where f=1",
                "a lookup within the value has no `_endFind`",
            ),
            ("find a from b where c=_findCollection find d from e _endFind", "the lookup has no `where`"),
        ] {
            assert_eq!(find(text).unwrap_err(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c(){}'\\\"= ]{0,30}|.*|(find |from |where |table:|a=|'| |中|_findCollection |_endFind){0,12}") {
            let _ = parse(&text, 1);
        }
    }
}

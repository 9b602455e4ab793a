//! `_findCollection`: the syntax of a lookup.

use std::sync::Arc;

use super::directive::DirectiveError;
use super::template::Template;

/// `_findCollection find F from S where A=v B=v`.
#[derive(Clone, Debug)]
pub(super) struct Find {
    pub(super) is_table: bool,
    /// The scheme or table.
    pub(super) collection: Arc<str>,
    pub(super) field: Arc<str>,
    pub(super) conditions: Vec<(Arc<str>, Template)>,
}

impl Find {
    pub(super) fn parse(text: &str) -> Result<Self, DirectiveError> {
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
        let conditions = conditions(rest, &malformed)?;
        Ok(Self { is_table, collection: collection.into(), field: find.into(), conditions })
    }
}

fn conditions(
    text: &str,
    malformed: &dyn Fn(&str) -> DirectiveError,
) -> Result<Vec<(Arc<str>, Template)>, DirectiveError> {
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
        conditions.push((field.into(), Template::parse(value)?));
        rest = after.trim_start();
    }
    if conditions.is_empty() {
        return Err(malformed("no condition after `where`"));
    }
    Ok(conditions)
}

/// A quoted text, or up to white space that is not within braces.
fn condition_value(text: &str) -> (&str, &str) {
    for quote in ['\'', '"'] {
        if let Some((value, after)) = text.strip_prefix(quote).and_then(|inner| inner.split_once(quote))
            && (after.is_empty() || after.starts_with(char::is_whitespace))
        {
            return (value, after);
        }
    }
    let mut depth = 0_usize;
    for (index, letter) in text.char_indices() {
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
        let Find { is_table, collection, field: find, conditions } =
            Find::parse(text).map_err(|error| error.message)?;
        let conditions: Vec<String> = conditions.iter().map(|(field, value)| format!("{field}:[{value}]")).collect();
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
        ] {
            assert_eq!(find(text).unwrap_err(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c(){}'\\\"= ]{0,30}|.*|(find |from |where |table:|a=|'| |中){0,10}") {
            let _ = Find::parse(&text);
        }
    }
}

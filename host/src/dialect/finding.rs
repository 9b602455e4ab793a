//! What loading metadata has to say.
//!
//! Metadata is pasted in from elsewhere, so loading it is a conversation: everything that is wrong is said at once, each
//! finding with the JSON path of its place, so that an editor can jump there. An error stops the scheme; a warning does
//! not. A key that would *act* but is not supported is an error, never a silent skip.

use std::fmt;

use serde_json::Value;

use super::plan::Uses;

/// One thing that is wrong, or odd, about metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: the JSON path within the metadata, `$.request[3].value`.
    pub path: String,
    /// What is written there, shortened.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`: {}", self.path, self.message)?;
        match &self.hint {
            Some(hint) => write!(out, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

/// A plan, and what there is to say about the metadata that it was made from.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// The plan; there exactly when `errors` is empty.
    pub plan: Option<T>,
    /// What keeps the scheme from running.
    pub errors: Vec<Finding>,
    /// What a person should look at.
    pub warnings: Vec<Finding>,
    /// What it uses of the world, as far as it could be read.
    pub uses: Uses,
}

/// Collects findings while metadata is read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Findings {
    pub(super) fn error(
        &mut self,
        path: &str,
        at: &Value,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.errors.push(finding(path, at, message.into(), hint.into()));
    }

    pub(super) fn warning(
        &mut self,
        path: &str,
        at: &Value,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.warnings.push(finding(path, at, message.into(), hint.into()));
    }

    /// A key that is not in the reference: kept, and said.
    pub(super) fn unknown_key(&mut self, path: &str, key: &str, at: &Value, known: &[&str]) {
        let hint = nearest(key, known.iter().copied())
            .map_or_else(|| format!("known here: {}", listed(known)), |near| format!("did you mean `{near}`?"));
        self.warning(&member(path, key), at, format!("key `{key}` is unknown and does nothing"), hint);
    }

    /// Nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn finish<T>(self, plan: Option<T>, uses: Uses) -> Parsed<T> {
        let plan = plan.filter(|_| self.errors.is_empty());
        Parsed { plan, errors: self.errors, warnings: self.warnings, uses }
    }
}

fn finding(path: &str, at: &Value, message: String, hint: Option<String>) -> Finding {
    let text = match at {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Finding { path: path.to_owned(), text: shortened(&text), message, hint }
}

/// The path of an object's member: `$.a.b`, or `$.a["b c"]` where the key is no plain word.
pub(super) fn member(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && !key.starts_with(|first: char| first.is_ascii_digit())
        && key.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if plain { format!("{path}.{key}") } else { format!("{path}[{}]", Value::from(key)) }
}

/// The path of an array's element.
pub(super) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// A text as messages show it.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 120;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Names as messages list them.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The candidate that a misspelt name most likely means.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let tolerated = ((lower.chars().count() + 1) / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (edits(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= tolerated)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, one row of the matrix at a time.
fn edits(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(right.chars()) {
            let here = (diagonal + usize::from(letter != other)).min(before + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = here;
            before = here;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_but_not_a_far_one() {
        let names = ["request", "otherRequest", "operation"];
        assert_eq!(nearest("reqest", names), Some("request"));
        assert_eq!(nearest("otherrequest", names), Some("otherRequest"));
        assert_eq!(nearest("condition", names), None);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "三"), 1);
    }

    #[test]
    fn paths_quote_what_is_no_plain_word() {
        assert_eq!(member("$.request", "FBillNo"), "$.request.FBillNo");
        assert_eq!(member("$.request", "FCustId.FNumber"), "$.request[\"FCustId.FNumber\"]");
        assert_eq!(member("$", "单号"), "$.单号");
        assert_eq!(element("$.request", 3), "$.request[3]");
    }
}

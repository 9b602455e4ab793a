//! Text: padding, parts, fallbacks. Counted in characters, so that `桥` is one.

use qiao_plugin::json::{is_empty, kind, text};
use qiao_plugin::{Library, Value};

use crate::arguments::Text;

/// More than any vendor's field holds; a length beyond it is a mistake.
const LONGEST: i64 = 10_000;

pub(crate) const TEXT: (&str, &str) = ("text", "The text; `null` gives `null`.");
const LENGTH: (&str, &str) = ("length", "The length wanted, in characters. A longer text stays whole.");
const PAD: (&str, &str) = ("pad", "What to fill with; a space if left out.");

pub(crate) fn register(library: &mut Library<'_>) {
    library.function(
        "padLeft",
        "Filled up at its beginning.",
        [TEXT, LENGTH, PAD],
        |text: Text<'_>, length: i64, pad: Option<&str>| padded(text, length, pad, |text, fill| fill + text),
    );
    library.function(
        "padRight",
        "Filled up at its end.",
        [TEXT, LENGTH, PAD],
        |text: Text<'_>, length: i64, pad: Option<&str>| {
            padded(text, length, pad, |text, fill| text.to_owned() + &fill)
        },
    );
    library.function(
        "splitPart",
        "One part of a text with separators; `null` where there are fewer parts.",
        [TEXT, ("separator", "What stands between the parts."), ("index", "Which: `1` is the first, `-1` the last.")],
        split_part,
    );
    library.function(
        "substringText",
        "Part of a text.",
        [
            TEXT,
            ("start", "Where it begins: `1` is the first character, `-1` the last."),
            ("length", "How many characters; up to the end if left out."),
        ],
        substring,
    );
    library.function(
        "join",
        "Values with a separator between them. Empty ones are left out; an array stands for its elements.",
        [
            ("separator", "What stands between."),
            ("a", "A value."),
            ("b", "Another."),
            ("c", "Another."),
            ("d", "Another."),
            ("e", "Another."),
        ],
        join,
    );
    library.function("upper", "In upper case.", [TEXT], |text: Text<'_>| text.0.map(str::to_uppercase));
    library.function("lower", "In lower case.", [TEXT], |text: Text<'_>| text.0.map(str::to_lowercase));
    library.function(
        "defaultIfEmpty",
        "The value, or a fallback where it is `null` or the empty text.",
        [("value", "The value."), ("fallback", "What stands in for it.")],
        |value: Value, fallback: Value| if is_empty(&value) { fallback } else { value },
    );
    library.function(
        "coalesce",
        "The first value that is neither `null` nor the empty text, or `null`.",
        [("a", "A value."), ("b", "The next."), ("c", "The next."), ("d", "The next."), ("e", "The next.")],
        coalesce,
    );
}

fn padded(
    text: Text<'_>,
    length: i64,
    pad: Option<&str>,
    place: impl Fn(&str, String) -> String,
) -> Result<Option<String>, String> {
    let pad = pad.unwrap_or(" ");
    if pad.is_empty() {
        return Err("parameter `pad` is empty".to_owned());
    }
    let Some(length) = usize::try_from(length).ok().filter(|_| length <= LONGEST) else {
        return Err(format!("parameter `length`: `{length}` is not from 0 to {LONGEST}"));
    };
    Ok(text.0.map(|text| {
        let missing = length.saturating_sub(text.chars().count());
        place(text, pad.chars().cycle().take(missing).collect())
    }))
}

fn split_part<'v>(text: Text<'v>, separator: &'v str, index: i64) -> Result<Option<&'v str>, String> {
    if separator.is_empty() {
        return Err("parameter `separator` is empty".to_owned());
    }
    let index = Index::read("index", index)?;
    Ok(text.0.and_then(|text| match index {
        Index::FromStart(place) => text.split(separator).nth(place),
        // Not `rsplit`, which divides `a---b` by `--` elsewhere.
        Index::FromEnd(place) => {
            let parts: Vec<&str> = text.split(separator).collect();
            parts.into_iter().rev().nth(place)
        }
    }))
}

fn substring(text: Text<'_>, start: i64, length: Option<i64>) -> Result<Option<String>, String> {
    let start = Index::read("start", start)?;
    let length = match length.map(usize::try_from) {
        None => usize::MAX,
        Some(Ok(length)) => length,
        Some(Err(_)) => return Err(format!("parameter `length`: `{}` is negative", length.unwrap_or_default())),
    };
    Ok(text.0.map(|text| {
        let start = match start {
            Index::FromStart(place) => place,
            Index::FromEnd(place) => match text.chars().count().checked_sub(place + 1) {
                Some(start) => start,
                None => return String::new(),
            },
        };
        text.chars().skip(start).take(length).collect()
    }))
}

/// A place counted from 1, or from the end backwards from -1; here from 0.
enum Index {
    FromStart(usize),
    FromEnd(usize),
}

impl Index {
    fn read(parameter: &str, index: i64) -> Result<Self, String> {
        let place = usize::try_from(index.unsigned_abs()).ok().and_then(|place| place.checked_sub(1));
        match place {
            Some(place) if index > 0 => Ok(Self::FromStart(place)),
            Some(place) => Ok(Self::FromEnd(place)),
            None => Err(format!("parameter `{parameter}`: `{index}` is no place; the first is 1, the last -1")),
        }
    }
}

fn join<'v>(
    separator: &'v str,
    first: &'v Value,
    second: Option<&'v Value>,
    third: Option<&'v Value>,
    fourth: Option<&'v Value>,
    fifth: Option<&'v Value>,
) -> Result<String, String> {
    let mut joined = Vec::new();
    for value in [Some(first), second, third, fourth, fifth].into_iter().flatten() {
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        for element in elements.iter().filter(|element| !is_empty(element)) {
            joined.push(text(element).ok_or_else(|| format!("expected texts to join, found {}", kind(element)))?);
        }
    }
    Ok(joined.join(separator))
}

fn coalesce(
    first: Value,
    second: Option<Value>,
    third: Option<Value>,
    fourth: Option<Value>,
    fifth: Option<Value>,
) -> Option<Value> {
    [Some(first), second, third, fourth, fifth].into_iter().flatten().find(|value| !is_empty(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::json::json;

    use crate::testing::{answer, call};

    use super::*;

    #[test]
    fn functions_of_text() {
        let cases = [
            ("padLeft", json!([42, 6, "0"]), json!("000042")),
            ("padLeft", json!(["桥", 3]), json!("  桥")),
            ("padLeft", json!(["桥梁", 5, "ab"]), json!("aba桥梁")),
            ("padLeft", json!(["1234567", 6, "0"]), json!("1234567")),
            ("padLeft", json!([null, 6, "0"]), json!(null)),
            ("padRight", json!(["桥", 4, "。"]), json!("桥。。。")),
            ("padRight", json!(["", 2, "-"]), json!("--")),
            ("splitPart", json!(["广东省/深圳市/南山区", "/", 2]), json!("深圳市")),
            ("splitPart", json!(["广东省/深圳市/南山区", "/", -1]), json!("南山区")),
            ("splitPart", json!(["a---b", "--", -1]), json!("-b")),
            ("splitPart", json!(["a", "/", 1]), json!("a")),
            ("splitPart", json!(["a/b", "/", 3]), json!(null)),
            ("splitPart", json!(["a/b", "/", -3]), json!(null)),
            ("splitPart", json!(["a//b", "/", 2]), json!("")),
            ("splitPart", json!([null, "/", 1]), json!(null)),
            ("substringText", json!(["金蝶云星空", 3]), json!("云星空")),
            ("substringText", json!(["金蝶云星空", 1, 2]), json!("金蝶")),
            ("substringText", json!(["金蝶云星空", -2]), json!("星空")),
            ("substringText", json!(["金蝶云星空", -2, 1]), json!("星")),
            ("substringText", json!(["金蝶", 9]), json!("")),
            ("substringText", json!(["金蝶", -9]), json!("")),
            ("substringText", json!([null, 1]), json!(null)),
            ("join", json!(["-", "a", 2, null, "", true]), json!("a-2-true")),
            ("join", json!([",", ["红", null, "XL"], "棉"]), json!("红,XL,棉")),
            ("join", json!([",", null]), json!("")),
            ("upper", json!(["aß中"]), json!("ASS中")),
            ("lower", json!(["ＡB"]), json!("ａb")),
            ("lower", json!([null]), json!(null)),
            ("defaultIfEmpty", json!(["", "无"]), json!("无")),
            ("defaultIfEmpty", json!([null, 0]), json!(0)),
            ("defaultIfEmpty", json!([0, 1]), json!(0)),
            ("coalesce", json!([null, "", "c"]), json!("c")),
            ("coalesce", json!([null, 0, "c"]), json!(0)),
            ("coalesce", json!([null]), json!(null)),
        ];
        for (name, row, expected) in cases {
            assert_eq!(answer(name, &row), Ok(expected), "{name} {row}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        let cases = [
            ("padLeft", json!(["a", -1]), "parameter `length`: `-1` is not from 0 to 10000"),
            ("padLeft", json!(["a", 1_000_000]), "parameter `length`: `1000000` is not from 0 to 10000"),
            ("padLeft", json!(["a", 3, ""]), "parameter `pad` is empty"),
            ("splitPart", json!(["a", "", 1]), "parameter `separator` is empty"),
            ("splitPart", json!(["a", "/", 0]), "parameter `index`: `0` is no place; the first is 1, the last -1"),
            ("substringText", json!(["a", 0]), "parameter `start`: `0` is no place; the first is 1, the last -1"),
            ("substringText", json!(["a", 1, -1]), "parameter `length`: `-1` is negative"),
            ("join", json!(["-", {}]), "expected texts to join, found an object"),
            ("upper", json!([["a"]]), "parameter `text`: expected a text, found an array"),
        ];
        for (name, row, expected) in cases {
            assert_eq!(call(name, &row), format!("! {expected}"), "{name} {row}");
        }
    }

    proptest! {
        #[test]
        fn padding_reaches_the_length_and_keeps_the_text(text in "[a中]{0,9}", length in 0..20_usize, pad in "[-桥]{1,3}") {
            let padded = answer("padLeft", &json!([text, length, pad])).unwrap();
            let padded = padded.as_str().unwrap();
            prop_assert_eq!(padded.chars().count(), length.max(text.chars().count()));
            prop_assert!(padded.ends_with(&text));
        }

        #[test]
        fn parts_joined_are_the_text(text in "[a/中]{0,12}") {
            let count = text.split('/').count();
            let parts = |sign: i64| -> Vec<Value> {
                (1..=count).map(|index| answer("splitPart", &json!([text, "/", sign * i64::try_from(index).unwrap()])).unwrap()).collect()
            };
            let (forwards, mut backwards) = (parts(1), parts(-1));
            backwards.reverse();
            prop_assert_eq!(&forwards, &backwards);
            let joined: Vec<&str> = forwards.iter().map(|part| part.as_str().unwrap()).collect();
            prop_assert_eq!(joined.join("/"), text);
        }

        #[test]
        fn head_and_tail_are_the_text(text in ".{0,12}", head in 0..15_i64) {
            let first = answer("substringText", &json!([text, 1, head])).unwrap();
            let rest = answer("substringText", &json!([text, head + 1])).unwrap();
            prop_assert_eq!(format!("{}{}", first.as_str().unwrap(), rest.as_str().unwrap()), text);
        }
    }
}

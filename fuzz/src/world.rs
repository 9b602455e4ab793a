//! What the engine would know: settings, the time, rows, answers.

use std::sync::LazyLock;

use dialect_alone::dialect::{Answer, OnExpressionError, Options, Question, Row, Variables};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Every setting that changes what metadata means.
pub(crate) fn options() -> &'static [Options] {
    static OPTIONS: LazyLock<Vec<Options>> = LazyLock::new(|| {
        let time_zone = TimeZone::get("Asia/Shanghai").expect("jiff has its time zones built in");
        let strict = Options { time_zone, on_expression_error: OnExpressionError::Fail, optional_lookups: false };
        let lenient =
            Options { on_expression_error: OnExpressionError::KeepText, optional_lookups: true, ..strict.clone() };
        vec![strict, lenient]
    });
    &OPTIONS
}

/// 2026-01-02 03:04:05 in Shanghai.
const NOW: i64 = 1_767_294_245;

/// Of a first scan, and of a later one.
pub(crate) fn moments() -> [Variables; 2] {
    let first = Variables::at(NOW);
    [first, Variables { last_sync_seconds: Some(NOW - 3600), page_size: 100, start_row: 200, page_no: 3, ..first }]
}

/// A row with something of every kind.
pub(crate) fn row() -> Row {
    static ROW: LazyLock<Row> = LazyLock::new(|| {
        let text = r#"{"FBillNo": "XSDD1", "FQty": 3, "a": 1.50, "b": "2", "x": "a b", "z": 0, "n": null, "e": "", "t": "2026-01-02 03:04:05", "s": 1767294245,
            "单号": "张三-9", "big": 123456789012345678901234567890.12, "o": {"k": "v", "l": [1, 2]}, "tags": ["x", "y", "x"],
            "details": [{"qty": 1, "price": "12.345", "x": "甲"}, {"qty": 2.5, "price": null, "flag": true}], "FMaterialId_FNumber": "M-1"}"#;
        serde_json::from_str(text).expect("the row is an object")
    });
    ROW.clone()
}

/// How the world answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// With a value, of some kind.
    Helpful,
    /// It finds nothing.
    Empty,
    /// It fails.
    Failing,
}

pub(crate) const MOODS: [Mood; 3] = [Mood::Helpful, Mood::Empty, Mood::Failing];

/// The same answer to the same question.
pub(crate) fn answer(mood: Mood, question: &Question) -> Answer {
    match mood {
        Mood::Empty => Answer::Absent,
        Mood::Failing => Answer::Failed("nobody is there".to_owned()),
        Mood::Helpful => Answer::Value(value(question)),
    }
}

/// Values of all kinds, chosen by the question.
fn value(question: &Question) -> Value {
    let seed: usize = format!("{question:?}").bytes().map(usize::from).sum();
    match seed % 8 {
        0 => json!("true"),
        1 => json!(12.5),
        2 => Value::Null,
        3 => json!(["a", 1]),
        4 => json!({"k": 1}),
        5 => json!(true),
        6 => json!("O'Brien 张"),
        _ => json!(""),
    }
}

//! What the target has of a bill, and in what it differs.
//!
//! A vendor shows a bill in its own way: more fields than were sent, numbers as texts, dates with a time. So only fields
//! that were mapped are compared, and values are the same if they mean the same; of what the vendor does not show, that is
//! said and nothing guessed.

use rust_decimal::Decimal;
use serde_json::Value;

use super::report::{BillShown, Difference, There, ThereState};
use crate::config::OnExisting;
use crate::dialect::{self, Variables, is_empty};
use crate::engine::deliver;
use crate::engine::snapshot::{Scheme, TargetSide};
use crate::engine::{Engine, EngineError};
use crate::observe::clock;
use crate::plugin::Failure;
use crate::plugin::connector::{BillToFind, Found, HalfDone};

/// Looks the bills up at the target.
pub(super) async fn with_target(
    engine: &Engine,
    scheme: &Scheme,
    target: &TargetSide,
    bills: &mut [BillShown],
) -> Result<(), EngineError> {
    if !target.can_find {
        for bill in bills {
            let message = format!("`{}` cannot look bills up", target.plugin.name());
            bill.there = Some(There::unknown(message, None));
        }
        return Ok(());
    }
    let other_request = deliver::other_request(target, &Variables::at(clock::now().as_second()))?;
    let connector = engine.snapshot.target_connector(scheme, target);
    let mut wanted = Vec::new();
    let mut places = Vec::new();
    for (place, bill) in bills.iter_mut().enumerate() {
        if let Some(number) = &bill.number {
            wanted.push(target.to_find(number, &Value::Object(bill.bill.clone()).to_string()));
            places.push(place);
        } else {
            let hint = target.number_field.as_ref().map_or_else(
                || "name the field in the target's `number`".to_owned(),
                |field| format!("map the field `{field}`, or name another in the target's `number`"),
            );
            bill.there = Some(There::unknown("it has no number to be looked up by".to_owned(), Some(hint)));
        }
    }
    let mut found = Vec::with_capacity(wanted.len());
    for batch in wanted.chunks(target.largest_find) {
        let batch: &[BillToFind] = batch;
        found.extend(connector.find(target.plan.api(), &other_request, batch, &mut Vec::new()).await);
    }
    for (place, found) in places.into_iter().zip(found) {
        if let Some(bill) = bills.get_mut(place) {
            bill.there = Some(there(target, &Value::Object(bill.bill.clone()), found));
        }
    }
    Ok(())
}

fn there(target: &TargetSide, bill: &Value, found: Result<Found, Failure>) -> There {
    let would = match (target.plan.id_check(), target.on_existing) {
        (true, OnExisting::Update) => "sent, it would be an update",
        (true, OnExisting::Skip) => "it would be left as it is (`on_existing: skip`)",
        (false, _) => "it would be sent without asking: `idCheck` is off",
    };
    match found {
        Ok(Found::Absent) => There::new(ThereState::Absent, None, "it would be created".to_owned()),
        Ok(Found::Complete(receipt)) => {
            let mut there = There::new(ThereState::Exists, receipt.id.clone(), format!("it is there; {would}"));
            let reply = serde_json::from_str(&receipt.reply).unwrap_or(Value::Null);
            let mut comparison = Comparison { there: &mut there };
            comparison.value("$", bill, &reply);
            there
        }
        Ok(Found::Partial(HalfDone { receipt, .. })) => There::new(
            ThereState::HalfDone,
            receipt.id,
            format!("it is there half done, with a later step missing; {would}"),
        ),
        Err(failure) => {
            let code = failure.code.map(|code| format!("[{code}] ")).unwrap_or_default();
            There::unknown(format!("{code}{}", failure.message), failure.hint)
        }
    }
}

impl There {
    fn new(state: ThereState, id: Option<String>, message: String) -> Self {
        Self { state, id, message, hint: None, differences: Vec::new(), compared: 0, not_shown: Vec::new() }
    }

    fn unknown(message: String, hint: Option<String>) -> Self {
        Self { hint, ..Self::new(ThereState::Unknown, None, message) }
    }
}

struct Comparison<'t> {
    there: &'t mut There,
}

impl Comparison<'_> {
    fn value(&mut self, path: &str, bill: &Value, there: &Value) {
        match (bill, there) {
            (Value::Object(bill), Value::Object(shown)) => {
                for (key, value) in bill {
                    let path = format!("{path}.{key}");
                    match dialect::field(shown, key) {
                        Some(shown) => self.value(&path, value, shown),
                        None if is_empty(value) => {}
                        None => self.there.not_shown.push(path),
                    }
                }
            }
            (Value::Array(bill), Value::Array(shown)) => {
                if bill.len() != shown.len() {
                    self.there.compared += 1;
                    let (bill, there) = (counted(bill.len()), counted(shown.len()));
                    self.there.differences.push(Difference { path: path.to_owned(), bill, there });
                }
                for (index, (bill, shown)) in bill.iter().zip(shown).enumerate() {
                    self.value(&format!("{path}[{index}]"), bill, shown);
                }
            }
            // Nothing of a bill.
            (Value::Object(bill), _) if path == "$" => {
                self.there.not_shown.extend(bill.keys().map(|key| format!("$.{key}")));
            }
            (bill, shown) => {
                self.there.compared += 1;
                if !is_same(bill, shown) {
                    let (bill, there) = (bill.clone(), shown.clone());
                    self.there.differences.push(Difference { path: path.to_owned(), bill, there });
                }
            }
        }
    }
}

fn counted(elements: usize) -> Value {
    Value::from(format!("{elements} element(s)"))
}

/// Whether two values mean the same.
fn is_same(one: &Value, other: &Value) -> bool {
    if one == other || (is_empty(one) && is_empty(other)) {
        return true;
    }
    let (Some(one), Some(other)) = (text(one), text(other)) else { return false };
    // `0012` is a code, not a number.
    let is_code = |text: &str| text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
    let number = |text: &str| if is_code(text) { None } else { text.parse::<Decimal>().ok() };
    if let (Some(one), Some(other)) = (number(&one), number(&other)) {
        return one == other;
    }
    // A date, and the first moment of it.
    let day = |text: &str| text.strip_suffix(" 00:00:00").or_else(|| text.strip_suffix("T00:00:00")).map(str::to_owned);
    one == other || day(&one).is_some_and(|day| day == other) || day(&other).is_some_and(|day| day == one)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    /// How many values were compared, which differ, and which are not shown.
    fn compared(bill: &Value, there: &Value) -> (usize, Vec<String>, Vec<String>) {
        let mut found = There::new(ThereState::Exists, None, String::new());
        Comparison { there: &mut found }.value("$", bill, there);
        let shown = |difference: &Difference| format!("{} {} {}", difference.path, difference.bill, difference.there);
        (found.compared, found.differences.iter().map(shown).collect(), found.not_shown)
    }

    #[test]
    fn mapped_fields_are_compared_by_what_they_mean() {
        for (bill, there, count, differences, not_shown) in [
            (json!({"a": 1}), json!({"a": "1.00", "b": 2}), 1, vec![], vec![]),
            (json!({"a": "2026-01-02"}), json!({"a": "2026-01-02 00:00:00"}), 1, vec![], vec![]),
            (json!({"a": ""}), json!({"a": null}), 1, vec![], vec![]),
            (
                json!({"a": 12_345_678_901_234_567_u64}),
                json!({"a": "12345678901234568"}),
                1,
                vec!["$.a 12345678901234567 \"12345678901234568\""],
                vec![],
            ),
            (json!({"备注": "甲"}), json!({"备注": "乙"}), 1, vec!["$.备注 \"甲\" \"乙\""], vec![]),
            (
                json!({"l": [{"q": 1}, {"q": 2}]}),
                json!({"l": [{"q": "3", "x": 1}]}),
                2,
                vec!["$.l \"2 element(s)\" \"1 element(s)\"", "$.l[0].q 1 \"3\""],
                vec![],
            ),
            (json!({"o": {"FNumber": "1"}, "e": ""}), json!({"o": {"FName": "x"}}), 0, vec![], vec!["$.o.FNumber"]),
            (json!({"a": 1, "b": 2}), json!([1, "SO1"]), 0, vec![], vec!["$.a", "$.b"]),
        ] {
            let found = compared(&bill, &there);
            assert_eq!(
                (
                    found.0,
                    found.1.iter().map(String::as_str).collect::<Vec<_>>(),
                    found.2.iter().map(String::as_str).collect::<Vec<_>>()
                ),
                (count, differences, not_shown),
                "{bill} {there}"
            );
        }
    }
}

//! A preview for a person: rows left, the bill right, and what is wrong with it below.

use serde_json::Value;

use super::super::output::line;
use super::super::paint::{Canvas, Style, padded, width, wrapped};
use crate::dialect::Row;
use crate::engine::preview::{BillShown, Failed, Remark, Report, There, ThereState};

/// Columns between rows and bill.
const BETWEEN: &str = " │ ";

/// The widest that rows are where nothing says how wide the screen is.
const WIDEST: usize = 60;

/// A line of one side.
struct Line {
    text: String,
    style: Style,
}

impl Line {
    fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Shows a preview.
pub(super) fn report(report: &Report, canvas: Canvas, diff: bool) {
    head(report, canvas);
    for (count, bill) in report.bills.iter().enumerate() {
        line("");
        show_bill(bill, count + 1, report.bills.len(), canvas);
    }
    if report.target.is_none() {
        rows_alone(report, canvas);
    }
    aside(report, canvas);
    if !report.rows.is_empty() || report.errors.is_empty() {
        line("");
        line(&summary(report, diff));
    }
}

fn head(report: &Report, canvas: Canvas) {
    if !report.scheme.is_empty() {
        let target = match (&report.target, &report.target_api) {
            (Some(target), Some(api)) => format!("{target} {api}"),
            _ => "its collection alone".to_owned(),
        };
        let name = canvas.paint(&report.name, Style::Bold);
        line(&format!("{name}: {} → {target}", report.source));
        line(&canvas.paint(&read(report), Style::Dim));
    }
    for note in &report.notes {
        line(&canvas.paint(&format!("note: {note}"), Style::Yellow));
    }
    for warning in &report.warnings {
        remark(warning, "warning", Style::Yellow, canvas);
    }
    for error in &report.errors {
        remark(error, "error", Style::Red, canvas);
    }
}

fn read(report: &Report) -> String {
    let read = &report.read;
    let rows = report.rows.len();
    match &read.window {
        None => format!("{rows} row(s), given"),
        Some(window) => {
            let start = window.start.as_deref().unwrap_or("the beginning");
            let more = if read.more { "; there are more" } else { "; there are no more" };
            let why =
                if read.fell_back { " (the last day: before it, a first scan finds nothing for long)" } else { "" };
            format!("{rows} row(s) of {} page(s), from {start} to {}{why}{more}", read.pages, window.end)
        }
    }
}

fn remark(remark: &Remark, what: &str, style: Style, canvas: Canvas) {
    let place = match (remark.line, remark.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        _ => String::new(),
    };
    let path = remark.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
    line(&format!("{}: {}{place}: {path}{}", canvas.paint(what, style), remark.file, remark.message));
    let text = remark.text.as_deref().filter(|text| !text.is_empty() && *text != "null");
    for (name, text) in [("text", text), ("hint", remark.hint.as_deref())] {
        if let Some(text) = text {
            line(&canvas.paint(&format!("  {name}: {text}"), Style::Dim));
        }
    }
}

fn show_bill(bill: &BillShown, count: usize, of: usize, canvas: Canvas) {
    let name = bill.number.as_deref().unwrap_or(&bill.key);
    let rows = if bill.may_lack_rows { " (more may follow on the next page)" } else { "" };
    let (state, style) = state(bill);
    line(&format!(
        "{} {}{rows}  {}",
        canvas.paint(&format!("bill {count} of {of}: {name}"), Style::Bold),
        canvas.paint(&format!("· {} row(s)", bill.rows.len()), Style::Dim),
        canvas.paint(&state, style)
    ));
    let right = if bill.bill.is_empty() {
        vec![Line::new("(nothing could be mapped)", Style::Dim)]
    } else {
        bill_lines(&bill.bill)
    };
    side_by_side(row_lines(&bill.rows), right, canvas);
    failures(&bill.failures, canvas);
    if let Some(there) = &bill.there {
        differences(there, canvas);
    }
}

fn state(bill: &BillShown) -> (String, Style) {
    if !bill.failures.is_empty() {
        return (format!("✗ {} value(s) failed: it would not be sent", bill.failures.len()), Style::Red);
    }
    match &bill.there {
        None => ("✓ maps".to_owned(), Style::Green),
        Some(there) => match there.state {
            ThereState::Absent => ("✓ would be created".to_owned(), Style::Green),
            ThereState::Exists if there.differences.is_empty() => ("✓ exists".to_owned(), Style::Green),
            ThereState::Exists => (format!("≠ exists, {} difference(s)", there.differences.len()), Style::Yellow),
            ThereState::HalfDone => ("≠ half done".to_owned(), Style::Yellow),
            ThereState::Unknown => ("✗ nobody knows whether it is there".to_owned(), Style::Red),
        },
    }
}

/// What all rows have in common, then what each has of its own.
fn row_lines(rows: &[Row]) -> Vec<Line> {
    let Some(first) = rows.first() else { return Vec::new() };
    let is_common = |name: &str, value: &Value| rows.iter().all(|row| row.get(name) == Some(value));
    let common: Vec<(&String, &Value)> = first.iter().filter(|(name, value)| is_common(name, value)).collect();
    let mut lines = fields(&common, "");
    if rows.len() > 1 {
        for (place, row) in rows.iter().enumerate() {
            let own: Vec<(&String, &Value)> =
                row.iter().filter(|(name, _)| !common.iter().any(|(known, _)| known == name)).collect();
            lines.push(Line::new(format!("row {}", place + 1), Style::Cyan));
            lines.extend(fields(&own, "  "));
        }
    }
    lines
}

fn fields(fields: &[(&String, &Value)], indent: &str) -> Vec<Line> {
    let widest = fields.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(30);
    let mut lines = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match value {
            Value::Array(list) if list.iter().any(|element| !is_scalar(element)) => {
                nested(&format!("{indent}{name}"), value, indent, &mut lines);
            }
            Value::Object(_) => nested(&format!("{indent}{name}"), value, indent, &mut lines),
            _ => lines.push(Line::new(format!("{indent}{}  {}", padded(name, widest), shown(value)), Style::Plain)),
        }
    }
    lines
}

fn bill_lines(bill: &Row) -> Vec<Line> {
    let mut lines = Vec::new();
    members(bill, "", &mut lines);
    lines
}

fn members(members_of: &Row, indent: &str, lines: &mut Vec<Line>) {
    for (name, value) in members_of {
        nested(&format!("{indent}{name}"), value, indent, lines);
    }
}

/// A value behind its name; one that has values of its own is shown below it.
fn nested(name: &str, value: &Value, indent: &str, lines: &mut Vec<Line>) {
    let deeper = format!("{indent}  ");
    match value {
        Value::Object(inner) if inner.len() == 1 && inner.values().all(is_scalar) => {
            let inner: Vec<String> = inner.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            lines.push(Line::new(format!("{name}: {{ {} }}", inner.join(", ")), Style::Plain));
        }
        Value::Object(inner) if !inner.is_empty() => {
            lines.push(Line::new(format!("{name}:"), Style::Cyan));
            members(inner, &deeper, lines);
        }
        Value::Array(list) if !list.is_empty() => {
            lines.push(Line::new(format!("{name}:"), Style::Cyan));
            for element in list {
                match element {
                    Value::Object(inner) if !inner.is_empty() => {
                        let before = lines.len();
                        members(inner, &format!("{deeper}  "), lines);
                        if let Some(first) = lines.get_mut(before) {
                            first.text = format!("{deeper}- {}", first.text.trim_start());
                        }
                    }
                    other => lines.push(Line::new(format!("{deeper}- {}", shown(other)), Style::Plain)),
                }
            }
        }
        other => lines.push(Line::new(format!("{name}: {}", shown(other)), Style::Plain)),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// A value as it is read: a text that could be taken for something else is in quotes.
fn shown(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let looks_else = text.is_empty()
        || text.parse::<f64>().is_ok()
        || text.starts_with(['{', '[', '"'])
        || matches!(text.as_str(), "true" | "false" | "null")
        || text.trim() != text
        || text.contains(char::is_control);
    if looks_else { value.to_string() } else { text.clone() }
}

fn side_by_side(left: Vec<Line>, right: Vec<Line>, canvas: Canvas) {
    const INDENT: &str = "  ";
    let widest = left.iter().map(|line| width(&line.text)).max().unwrap_or(0);
    let most = canvas.width.map_or(WIDEST, |all| all.saturating_sub(width(BETWEEN) + INDENT.len()) / 2);
    let left_width = widest.min(most).max(8);
    let right_width = canvas.width.map(|all| all.saturating_sub(left_width + width(BETWEEN) + INDENT.len()).max(20));
    let left = wrap(left, Some(left_width));
    let right = wrap(right, right_width);
    let nothing = Line::new("", Style::Plain);
    for place in 0..left.len().max(right.len()) {
        let (row, bill) = (left.get(place).unwrap_or(&nothing), right.get(place).unwrap_or(&nothing));
        let row = canvas.paint(&padded(&row.text, left_width), row.style);
        let bill = canvas.paint(&bill.text, bill.style);
        let whole = format!("{INDENT}{row}{}{bill}", canvas.paint(BETWEEN, Style::Dim));
        line(whole.trim_end());
    }
}

fn wrap(lines: Vec<Line>, within: Option<usize>) -> Vec<Line> {
    let Some(within) = within else { return lines };
    let pieces = lines
        .into_iter()
        .flat_map(|Line { text, style }| wrapped(&text, within).into_iter().map(move |text| Line { text, style }));
    pieces.collect()
}

/// What went wrong, and the lines that it is of.
type Message<'f> = (&'f str, Vec<String>);

/// The failures of each place together, those with one message once with their lines.
fn failures(failures: &[Failed], canvas: Canvas) {
    let mut places: Vec<(&Failed, Vec<Message<'_>>)> = Vec::new();
    for failed in failures {
        let is_of =
            |known: &Failed| (&known.side, &known.path, &known.hint) == (&failed.side, &failed.path, &failed.hint);
        let place = places.iter().position(|(known, _)| is_of(known)).unwrap_or_else(|| {
            places.push((failed, Vec::new()));
            places.len() - 1
        });
        let Some((_, messages)) = places.get_mut(place) else { continue };
        let line_number = failed.line.map(|number| number.to_string());
        match messages.iter_mut().find(|(message, _)| *message == failed.message) {
            Some((_, lines)) => lines.extend(line_number),
            None => messages.push((&failed.message, line_number.into_iter().collect())),
        }
    }
    for (Failed { side, path, text, hint, .. }, messages) in places {
        let told: Vec<String> = messages.iter().map(|(message, lines)| of_lines(message, lines)).collect();
        let cross = canvas.paint("✗", Style::Red);
        if let [single] = told.as_slice() {
            line(&format!("  {cross} {side} {path}: {single}"));
        } else {
            line(&format!("  {cross} {side} {path}:"));
            for message in told {
                line(&format!("      {message}"));
            }
        }
        line(&canvas.paint(&format!("    text: {text}"), Style::Dim));
        line(&canvas.paint(&format!("    hint: {hint}"), Style::Dim));
    }
}

fn of_lines(message: &str, lines: &[String]) -> String {
    match lines {
        [] => message.to_owned(),
        [single] => format!("line {single}: {message}"),
        several => format!("lines {}: {message}", several.join(", ")),
    }
}

fn differences(there: &There, canvas: Canvas) {
    let id = there.id.as_ref().map(|id| format!(" (id {id})")).unwrap_or_default();
    let compared = match (there.state, there.compared) {
        (ThereState::Exists, 0) => "; the target shows too little of it to compare".to_owned(),
        (ThereState::Exists, compared) => {
            let differ = there.differences.len();
            format!("; {differ} of {compared} compared value(s) differ")
        }
        _ => String::new(),
    };
    line(&canvas.paint(&format!("  target: {}{id}{compared}", there.message), Style::Bold));
    for difference in &there.differences {
        let path = difference.path.strip_prefix("$.").unwrap_or(&difference.path);
        line(&format!(
            "    {} {path}: {} → {}",
            canvas.paint("≠", Style::Yellow),
            canvas.paint(&shown(&difference.there), Style::Red),
            canvas.paint(&shown(&difference.bill), Style::Green)
        ));
    }
    if there.compared > 0 && !there.not_shown.is_empty() {
        let names: Vec<&str> = there.not_shown.iter().map(|path| path.strip_prefix("$.").unwrap_or(path)).collect();
        line(&canvas.paint(&format!("    not shown by the target: {}", names.join(", ")), Style::Dim));
    }
    if let Some(hint) = &there.hint {
        line(&canvas.paint(&format!("    hint: {hint}"), Style::Dim));
    }
}

/// A scheme that only fills its collection has rows and no bills.
fn rows_alone(report: &Report, canvas: Canvas) {
    for (place, row) in report.shaped.iter().enumerate() {
        line("");
        line(&canvas.paint(&format!("row {}", place + 1), Style::Bold));
        let all: Vec<(&String, &Value)> = row.iter().collect();
        for field in fields(&all, "  ") {
            line(&canvas.paint(&field.text, field.style));
        }
    }
}

/// Rows that come to no bill.
fn aside(report: &Report, canvas: Canvas) {
    if !report.left_out.is_empty() {
        line("");
        line(&canvas.paint("left out on purpose", Style::Bold));
    }
    let mut reasons: Vec<(&str, u64, Vec<&str>)> = Vec::new();
    for left_out in &report.left_out {
        match reasons.iter_mut().find(|(reason, ..)| *reason == left_out.reason) {
            Some((_, count, ids)) => {
                *count += left_out.count;
                ids.extend(left_out.id.as_deref());
            }
            None => reasons.push((&left_out.reason, left_out.count, left_out.id.iter().map(String::as_str).collect())),
        }
    }
    for (reason, count, ids) in reasons {
        const SHOWN: usize = 8;
        let more = if ids.len() > SHOWN { " …" } else { "" };
        let ids: Vec<&str> = ids.into_iter().take(SHOWN).collect();
        let ids = if ids.is_empty() { String::new() } else { format!(": {}{more}", ids.join(", ")) };
        line(&format!("  {count} row(s), {reason}{ids}"));
    }
    if !report.refused.is_empty() {
        line("");
        line(&canvas.paint("refused: their bills would not be delivered", Style::Bold));
    }
    for refused in &report.refused {
        line(&format!(
            "  {} {} (bill {}): {}",
            canvas.paint("✗", Style::Red),
            refused.id,
            refused.bill,
            refused.message
        ));
        if let Some(hint) = &refused.hint {
            line(&canvas.paint(&format!("    hint: {hint}"), Style::Dim));
        }
    }
}

fn summary(report: &Report, diff: bool) -> String {
    let failed = report.bills.iter().filter(|bill| !bill.failures.is_empty()).count();
    let left_out: u64 = report.left_out.iter().map(|left_out| left_out.count).sum();
    let mut parts = vec![format!("{} row(s)", report.rows.len())];
    if report.target.is_some() {
        parts.push(format!("{} bill(s) shown", report.bills.len()));
        parts.push(format!("{failed} failed"));
    }
    if diff {
        let count = |state: ThereState| {
            report.bills.iter().filter(|bill| bill.there.as_ref().is_some_and(|there| there.state == state)).count()
        };
        parts.push(format!("{} to create", count(ThereState::Absent)));
        parts.push(format!("{} there", count(ThereState::Exists) + count(ThereState::HalfDone)));
    }
    parts.push(format!("{left_out} left out"));
    parts.push(format!("{} refused", report.refused.len()));
    format!("{}; nothing was written", parts.join(", "))
}

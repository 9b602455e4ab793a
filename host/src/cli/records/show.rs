//! Bills laid out for a person.

use crate::cli::output;
use crate::cli::paint::{Canvas, Style};
use crate::cli::status::to_the_second;
use crate::engine::records::{Decided, Line, Listed, ProblemShown, Shown};
use crate::journal::{Attempt, AttemptResult, AttemptStep, Excerpt, Intervened, Intervention, Status};

/// Letters of a message in a list; `show` has it whole.
const MESSAGE: usize = 80;

pub(super) fn list(listed: &Listed, limit: usize) {
    if listed.records.is_empty() {
        output::line("no such bills");
        return;
    }
    let rows = listed.records.iter().map(|line| {
        let Line { scheme, bill, version, status, attempts, due, problem, .. } = line;
        let due = due.as_deref().map_or_else(|| "-".to_owned(), to_the_second);
        let said = problem.as_ref().map_or_else(|| "-".to_owned(), |problem| shortened(&in_short(problem)));
        let numbers = [version.to_string(), attempts.to_string()];
        let [version, attempts] = numbers;
        vec![scheme.clone(), bill.clone(), version, status.name().to_owned(), attempts, due, said]
    });
    output::table(&["scheme", "bill", "version", "status", "attempts", "due", "problem"], rows);
    if listed.more {
        output::line(&format!(
            "there are more than {limit}: `--limit` shows more of them, `--scheme` and `--status` less"
        ));
    }
}

fn in_short(problem: &ProblemShown) -> String {
    let code = problem.code.as_deref().map(|code| format!("[{code}] ")).unwrap_or_default();
    format!("{code}{}", problem.message)
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(MESSAGE).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

pub(super) fn record(shown: &Shown) {
    let canvas = Canvas::of_stdout();
    let title = format!("{}  {}", shown.scheme, shown.bill);
    let status = canvas.paint(shown.status.name(), colour(shown.status));
    output::line(&format!("{}  version {}: {status}", canvas.paint(&title, Style::Bold), shown.version));
    if let Some(pending) = &shown.pending {
        let due = pending.due.as_deref().map(|due| format!(", due {}", to_the_second(due))).unwrap_or_default();
        output::line(&format!("  {} attempt(s){due}", pending.attempts));
        if let Some(scheme) = &pending.waits_for {
            output::line(&format!("  waits until the scheme `{scheme}` has been scanned again"));
        }
        pending.problem.iter().for_each(problem);
    }
    if let Some(claim) = &shown.claim {
        let number = claim.number.as_deref().map(|number| format!(" with number {number}")).unwrap_or_default();
        let claimed = to_the_second(&claim.claimed);
        output::line(&format!("  version {} claimed {claimed} to {}{number}", claim.version, claim.intent));
        match (&claim.uncertain_since, &claim.look_up_due) {
            (None, _) => output::line("  it is being sent"),
            (Some(since), Some(due)) => output::line(&format!(
                "  since {} nobody knows whether the vendor has it; it is looked up {}",
                to_the_second(since),
                to_the_second(due)
            )),
            (Some(since), None) => {
                output::line(&format!(
                    "  since {} nobody knows whether the vendor has it, and it cannot be looked up",
                    to_the_second(since)
                ));
                output::line(
                    "    hint: look at the vendor; then `qiao records retry BILL --absent`, or `qiao records drop BILL --delivered-as ID`",
                );
            }
        }
        claim.problem.iter().for_each(problem);
    }
    if let Some(delivered) = &shown.delivered {
        let named = |what: &str, name: &Option<String>| {
            name.as_deref().map(|name| format!(", {what} {name}")).unwrap_or_default()
        };
        let (id, number) = (named("id", &delivered.receipt.id), named("number", &delivered.receipt.number));
        output::line(&format!("  delivered: version {}{id}{number}", delivered.version));
    }
    let (done, superseded, rows) = (shown.done, shown.superseded, shown.rows.len());
    output::line(&format!(
        "  {done} version(s) delivered, {superseded} superseded; {rows} row(s), which `--json` shows"
    ));
    if shown.attempts.is_empty() {
        output::line("  no attempt is kept");
    }
    shown.attempts.iter().for_each(|attempt| self::attempt(attempt, canvas));
}

fn colour(status: Status) -> Style {
    match status {
        Status::Done => Style::Green,
        Status::Dead => Style::Red,
        Status::Waiting | Status::Claimed | Status::Failed => Style::Yellow,
    }
}

fn problem(problem: &ProblemShown) {
    output::line(&format!("  {}: {}", problem.kind, in_short(problem)));
    if let Some(hint) = &problem.hint {
        output::line(&format!("    hint: {hint}"));
    }
}

fn attempt(attempt: &Attempt, canvas: Canvas) {
    let step = match attempt.step {
        AttemptStep::Write => "written",
        AttemptStep::LookUp => "looked up",
    };
    let result = match &attempt.result {
        AttemptResult::Done => canvas.paint("it is there", Style::Green),
        AttemptResult::Absent => canvas.paint("it is not there", Style::Yellow),
        AttemptResult::HalfDone => canvas.paint("it is there, half done", Style::Yellow),
        AttemptResult::Failed { kind, code, message } => {
            let code = code.as_deref().map(|code| format!("[{code}] ")).unwrap_or_default();
            canvas.paint(&format!("{kind}: {code}{message}"), Style::Red)
        }
    };
    let at = to_the_second(&crate::observe::clock::timestamp_ms(attempt.at_ms).to_string());
    let (version, took_ms) = (attempt.version.version, attempt.took_ms);
    output::line(&format!("  {at}  version {version} {step} in {took_ms} ms: {result}"));
    if let Some(with) = &attempt.with {
        output::line(&canvas.paint(&format!("    in one call with `{}`", with.bill), Style::Dim));
    }
    for exchange in &attempt.exchanges {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let line = format!("    {} {}  {status}, {} ms", exchange.method, exchange.path, exchange.took_ms);
        output::line(&canvas.paint(&line, Style::Cyan));
        body("sent    ", &exchange.request);
        body("answered", &exchange.reply);
    }
}

fn body(what: &str, excerpt: &Excerpt) {
    if excerpt.text.is_empty() {
        return;
    }
    let rest = if excerpt.left_out > 0 { format!(" … {} bytes more", excerpt.left_out) } else { String::new() };
    output::line(&format!("      {what} {}{rest}", excerpt.text));
}

pub(super) fn decided(decision: &Intervention, decided: &[Decided], is_running: bool) {
    let done = decided.iter().filter(|decided| decided.result == Intervened::Done).count();
    for Decided { scheme, bill, result } in decided {
        let scheme = scheme.as_deref().unwrap_or("-");
        let why = match result {
            Intervened::Done => continue,
            Intervened::Unknown => "there is no such bill",
            Intervened::Settled => "nothing of it is pending: it was delivered, or given up",
            Intervened::UnderWay => "it is being sent at this moment",
            Intervened::NotUncertain => "only for a bill of which nobody knows whether the vendor has it",
            Intervened::RefusedRow => {
                "a stage refused one of its rows: it comes alive when the stage, or the row, is another"
            }
        };
        output::problem(&format!("{scheme}  {bill}: {why}"));
    }
    let what = match decision {
        Intervention::Retry | Intervention::RetryAbsent => {
            if is_running {
                "tried again now"
            } else {
                "tried again by the next run"
            }
        }
        Intervention::Drop => "given up",
        Intervention::Delivered { .. } => "noted as delivered",
    };
    output::line(&format!("{done} bill(s) {what}"));
}

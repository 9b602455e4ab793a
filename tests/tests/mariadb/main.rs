//! `_function` beside a real `MariaDB`.
//!
//! The dialect evaluates `MySQL`'s expressions by itself. Here thousands of them are evaluated by both, and must come to the same, to the
//! last digit and letter. What differs on purpose is a table of its own ([`differences`]), which `docs/expressions.md` lists for
//! users; it may explain only a small part.
//!
//! The server is Debian's `mariadb-server`, started here on an empty folder and a socket of its own. Where CI runs, as the variable
//! `CI` says, a missing one fails the tests; elsewhere they are skipped, and it is said why. `QIAO_EXPRESSION_SEED` gives other expressions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod dialect;
mod differences;
mod generate;
mod server;
mod written;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dialect::Ours;
use differences::DIFFERENCES;
use server::{Server, Theirs};

/// An expression with placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) expression: String,
}

/// Evaluates all by both, and fails with those that differ for no known reason. Returns how many each known reason explains.
fn compare(server: &Server, cases: &[Case]) -> BTreeMap<&'static str, usize> {
    let sql: Vec<String> = cases.iter().map(|case| dialect::as_sql(&case.expression)).collect();
    let theirs = server.evaluate(&sql);
    let mut explained = BTreeMap::new();
    let mut wrong = String::new();
    let mut wrongs = 0;
    for ((case, sql), theirs) in cases.iter().zip(&sql).zip(&theirs) {
        let ours = dialect::evaluate(&case.expression);
        if agree(&ours, theirs) {
            continue;
        }
        let known = DIFFERENCES.iter().find(|difference| (difference.explains)(&case.expression, &ours, theirs));
        if let Some(difference) = known {
            *explained.entry(difference.name).or_insert(0) += 1;
            continue;
        }
        wrongs += 1;
        writeln!(wrong, "{}\n    as SQL   {sql}\n    here     {ours:?}\n    MariaDB  {theirs:?}", case.expression)
            .unwrap();
    }
    assert!(wrongs == 0, "{wrongs} of {} expressions differ:\n{wrong}", cases.len());
    explained
}

fn agree(ours: &Ours, theirs: &Theirs) -> bool {
    match (ours, &theirs.value) {
        (Ours::Null, Ok(None)) => true,
        (Ours::Number(ours) | Ours::Text(ours), Ok(Some(theirs))) => ours == theirs,
        _ => false,
    }
}

#[test]
fn two_thousand_generated_expressions() {
    const COUNT: usize = 2000;
    let Some(server) = Server::shared() else {
        return;
    };
    let seed = std::env::var("QIAO_EXPRESSION_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_105);
    let cases = generate::cases(seed, COUNT);
    // Shown where the test fails.
    eprintln!("seed {seed}");
    let explained = compare(&server, &cases);
    eprintln!("explained by known differences: {explained:#?}");
    let most = COUNT / 10;
    assert!(explained.values().sum::<usize>() < most, "known differences explain too much: {explained:#?}");
}

/// What generated expressions can hardly hit: the edges of each function.
#[test]
fn expressions_that_were_written_by_hand() {
    let Some(server) = Server::shared() else {
        return;
    };
    let cases: Vec<Case> =
        written::EXPRESSIONS.iter().map(|expression| Case { expression: (*expression).to_owned() }).collect();
    eprintln!("explained by known differences: {:#?}", compare(&server, &cases));
}

/// Each known difference is one still, and as its example says.
#[test]
fn known_differences_are_as_documented() {
    let Some(server) = Server::shared() else {
        return;
    };
    for difference in &DIFFERENCES {
        for example in difference.examples {
            let theirs = server.evaluate(&[dialect::as_sql(example)]).remove(0);
            let ours = dialect::evaluate(example);
            assert!(!agree(&ours, &theirs), "{example}: there is no difference any more: {ours:?}");
            assert!((difference.explains)(example, &ours, &theirs), "{example}: {ours:?}, MariaDB {theirs:?}");
        }
        for page in ["docs/expressions.md", "docs/expressions.zh-CN.md"] {
            let text = std::fs::read_to_string(dialect::repository().join(page)).unwrap();
            let example = difference.examples[0];
            assert!(text.contains(example), "{page} does not tell of `{example}`: {}", difference.name);
        }
    }
}

/// Sums over a list are sums over rows.
#[test]
fn aggregates_over_lists() {
    let Some(server) = Server::shared() else {
        return;
    };
    let mut wrong = Vec::new();
    let lists = generate::lists(20_260_105, 100);
    let sql: Vec<String> = lists.iter().map(generate::List::as_sql).collect();
    for ((list, sql), theirs) in lists.iter().zip(&sql).zip(server.evaluate(&sql)) {
        let ours = dialect::evaluate_over(&list.expression, &list.rows);
        if !agree(&ours, &theirs) {
            wrong.push(format!(
                "{} over {:?}\n    as SQL {sql}\n    here {ours:?}, MariaDB {theirs:?}",
                list.expression, list.rows
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The pages for users say what is so.

use super::*;

const PAGES: [(&str, &str); 2] = [
    ("docs/expressions.md", include_str!("../../../../../docs/expressions.md")),
    ("docs/expressions.zh-CN.md", include_str!("../../../../../docs/expressions.zh-CN.md")),
];

#[test]
fn every_function_is_documented() {
    for (page, text) in PAGES {
        for name in functions::names() {
            let is_named = text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}("));
            assert!(is_named, "{page} does not tell of `{name}`");
        }
    }
}

/// Rows of the pages' tables: what is in code in the second column gives what is in code in the third.
#[test]
fn documented_examples_give_what_they_say() {
    let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    for (page, text) in PAGES {
        let mut examples = 0;
        let rows =
            text.lines().take_while(|line| !line.starts_with("## Differences") && !line.starts_with("## 与 MySQL"));
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
            let [_, expressions, results] = cells[..] else {
                continue;
            };
            for (expression, result) in code(expressions).iter().zip(code(results)) {
                if expression.contains('{') || !expression.contains(['(', ' ', '/']) {
                    continue;
                }
                let value = match run(expression).unwrap_or_else(|error| panic!("{page}: {expression}: {error}")) {
                    Value::Null => "NULL".to_owned(),
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                assert_eq!(value, result, "{page}: {expression}");
                examples += 1;
            }
        }
        assert!(examples > 60, "{page}: only {examples} examples were found");
    }
}

//! The examples of `docs/schemes.md` and `docs/schemes.zh-CN.md`, run.
//!
//! A fenced block whose language is followed by another word is part of an example: what is given (`source`, `target`, `rows`,
//! `collection NAME`, `table NAME`, `functions`, `settings`, `reply`) and, after it, what comes out (`ids`, `request`, `shaped`, `bills`,
//! `failures`, `errors`, `warnings` …). What is given next begins another example; rows, and what is known of the world, hold on
//! until the next heading. Both pages must have the same examples, every block must be of use, and what an example does not
//! expect must not happen: a warning that it does not list fails it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod page;
mod run;

#[test]
fn both_pages_have_the_same_examples() {
    let (english, chinese) = (page::blocks("schemes.md"), page::blocks("schemes.zh-CN.md"));
    for (english, chinese) in english.iter().zip(&chinese) {
        assert_eq!((&english.info, &english.text), (&chinese.info, &chinese.text), "below `{}`", english.heading);
    }
    assert_eq!(english.len(), chinese.len());
}

#[test]
fn examples_come_out_as_written() {
    let mut wrong = Vec::new();
    for example in &page::examples("schemes.md") {
        if let Err(reason) = run::run(example) {
            wrong.push(format!("docs/schemes.md:{}: `{}`\n{reason}", example.line, example.heading));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

//! Every input that was kept, in an ordinary build: nothing of what fuzzing has found comes back unnoticed.

#![allow(clippy::expect_used, reason = "tests")]

use std::path::Path;

type Target = (&'static str, fn(&[u8]));

#[test]
fn kept_inputs_find_nothing() {
    let targets: [Target; 4] = [
        ("template", qiao_fuzz::template),
        ("expression", qiao_fuzz::expression),
        ("condition", qiao_fuzz::condition),
        ("metadata", qiao_fuzz::metadata),
    ];
    for (name, target) in targets {
        let files = qiao_fuzz::files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name));
        assert!(!files.is_empty(), "`{name}` has no inputs");
        for file in files {
            // Shown if the test fails.
            eprintln!("{}", file.display());
            target(&std::fs::read(&file).expect("the file can be read"));
        }
    }
}

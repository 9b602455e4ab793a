//! Projects as folders of texts: what is loaded from them, and what is said against them, to the letter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod problems;
mod whole;

use std::path::Path;

use super::{Loaded, Project};

const QIAO: &str = "[connections.erp]\nplugin = \"kingdee\"\nbase_url = \"https://erp.example.com/k3cloud/\"\n";
const SCHEME: &str = "source: { connection: erp, metadata: { \"api\": \"executeBillQuery\" } }\n";

/// Writes a project.
fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, content) in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root
}

/// Loads a project made of these files, and of a sound `qiao.toml` unless there is one among them.
fn load(files: &[(&str, &str)]) -> Loaded {
    let mut all: Vec<(&str, &[u8])> = vec![("qiao.toml", QIAO.as_bytes())];
    all.extend(files.iter().map(|(file, content)| (*file, content.as_bytes())));
    let root = project(&all);
    Project::load(root.path())
}

/// The problems of a project as a user sees them.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let loaded = load(files);
    let found: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "\nfound:\n{}", found.join("\n"));
}

/// The problems of one scheme, without its file's name.
#[track_caller]
fn check_scheme(yaml: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|text| format!("schemes/订单.yaml:{text}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&[("schemes/订单.yaml", yaml)], &expected);
}

/// The problems of a `qiao.toml`, without its name. With an error there is no project.
#[track_caller]
fn check_qiao(toml: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|text| format!("qiao.toml:{text}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&[("qiao.toml", toml)], &expected);
    assert!(load(&[("qiao.toml", toml)]).project.is_none());
}

/// The problems of one table, without its file's name.
#[track_caller]
fn check_table(csv: &[u8], expected: &[&str]) {
    let root = project(&[("物料.csv", csv)]);
    let (tables, problems) = super::TableSet::load(Path::new(root.path()));
    let found: Vec<String> = problems.iter().map(|problem| problem.to_string().replacen("物料.csv:", "", 1)).collect();
    assert_eq!(found, expected, "\nfound:\n{}", found.join("\n"));
    assert_eq!(tables.get("物料").is_none(), !expected.is_empty());
}

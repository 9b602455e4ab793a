//! The repository's own rules, as tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// The host's rooms, from top to bottom: a room may use those after it.
const ROOMS: [&str; 9] = ["cli", "web", "engine", "dialect", "plugin", "capability", "journal", "observe", "config"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All Rust sources below a folder, with their texts.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// A source without its comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn arrows_point_down_only() {
    let mut wrong = Vec::new();
    for (place, room) in ROOMS.iter().enumerate() {
        for (path, text) in sources(&repository().join("host/src").join(room)) {
            for above in ROOMS.iter().take(place) {
                let uses = code(&text).contains(&format!("crate::{above}::"));
                if uses {
                    wrong.push(format!("{} uses `{above}`", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_dialect_uses_no_other_room() {
    for (path, text) in sources(&repository().join("host/src/dialect")) {
        for forbidden in ["crate::", "tokio", "wasmtime", "std::fs", "std::net", "SystemTime::now", "Timestamp::now"] {
            assert!(!code(&text).contains(forbidden), "{} uses `{forbidden}`", path.display());
        }
    }
}

/// Where a library is known, and nowhere else.
#[test]
fn libraries_stay_in_their_rooms() {
    for (library, rooms) in [
        ("sled", &["journal"][..]),
        ("wasmtime", &["plugin", "capability"]),
        // Commands ask a running host over its own socket.
        ("reqwest", &["capability", "web"]),
        ("axum", &["web"]),
        ("notify", &["config"]),
    ] {
        for room in ROOMS.iter().filter(|room| !rooms.contains(room)) {
            for (path, text) in sources(&repository().join("host/src").join(room)) {
                assert!(!code(&text).contains(&format!("{library}::")), "{} uses `{library}`", path.display());
            }
        }
    }
}

/// What becomes of a row or a bill is decided in one room, and recorded in another.
#[test]
fn nothing_but_the_engine_changes_what_became_of_a_bill() {
    for room in ROOMS.iter().filter(|room| !["engine", "journal"].contains(room)) {
        for (path, text) in sources(&repository().join("host/src").join(room)) {
            for method in [".begin_scan(", ".store_page(", ".finish_scan(", ".settle(", ".set_aside(", "journal.claim("]
            {
                assert!(!code(&text).contains(method), "{} calls `{method}…)`", path.display());
            }
        }
    }
}

#[test]
fn time_is_read_in_one_place() {
    for room in ROOMS {
        for (path, text) in sources(&repository().join("host/src").join(room)) {
            let is_clock = path.ends_with("observe/clock.rs");
            let reads = code(&text).contains("Timestamp::now(") || code(&text).contains("SystemTime::now(");
            assert!(is_clock || !reads, "{} reads the time", path.display());
        }
    }
}

#[test]
fn plugins_know_the_sdk_and_nothing_of_the_host() {
    for entry in fs::read_dir(repository().join("plugins")).unwrap() {
        let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("qiao-plugin.workspace = true"));
        assert!(!manifest.contains("qiao-host"));
    }
}

/// Every item of the contract has a doc comment.
#[test]
fn the_contract_is_documented() {
    let mut bare = Vec::new();
    for entry in fs::read_dir(repository().join("wit")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut documented = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let structure = ["//", "package ", "use ", "import ", "export ", "include ", "}", ")"];
            let continued = line.starts_with("expected:") || line.starts_with("new:");
            let item = !line.is_empty() && !continued && !structure.iter().any(|start| line.starts_with(start));
            if item && !documented {
                bare.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
            documented = line.starts_with("///");
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
}

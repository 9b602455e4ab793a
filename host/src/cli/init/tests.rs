#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use super::*;

const EXAMPLE: &str = include_str!("../../../../examples/qiao.toml");

fn common() -> Common {
    Common { root: PathBuf::from("."), json: true, log_json: false }
}

/// A folder with plugins of these names.
fn plugin_folder(root: &Path, place: &str, names: &[&str]) -> PathBuf {
    let folder = root.join(place);
    fs::create_dir_all(&folder).unwrap();
    for name in names {
        fs::write(folder.join(name), format!("content of {name}")).unwrap();
    }
    folder
}

/// Makes a project in `root/project` with one plugin; what is wrong is returned.
fn make(root: &Path) -> Result<PathBuf, String> {
    let plugins = plugin_folder(root, "given", &["kingdee.wasm", "notes.txt"]);
    let dir = root.join("project");
    let arguments = Arguments { dir: dir.clone(), plugins: Some(plugins) };
    init(&common(), &arguments).map(|_| dir).map_err(|CommandError(message)| message)
}

#[test]
fn every_scheme_of_the_examples_is_in_the_project() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path()).unwrap();
    let names = |folder: &Path| -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/schemes");
    let expected: BTreeSet<_> = names(&examples).into_iter().map(|name| format!("{name}.example")).collect();
    assert_eq!(names(&dir.join("schemes")), expected);
    assert_eq!(names(&dir.join("plugins")), BTreeSet::from(["kingdee.wasm".to_owned()]));
    assert_eq!(fs::read_to_string(dir.join("plugins/kingdee.wasm")).unwrap(), "content of kingdee.wasm");
}

#[test]
fn the_project_loads_as_it_is_and_with_its_schemes() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path()).unwrap();
    let load = || {
        let loaded = crate::config::Project::load(&dir);
        assert!(loaded.problems.is_empty(), "{:#?}", loaded.problems);
        loaded.project.unwrap()
    };
    let project = load();
    assert_eq!((project.connections.len(), project.schemes.len()), (0, 0));

    fs::write(dir.join("qiao.toml"), uncommented(FILES[0].1)).unwrap();
    for entry in fs::read_dir(dir.join("schemes")).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, path.with_extension("")).unwrap();
    }
    let project = load();
    assert_eq!((project.connections.len(), project.schemes.len()), (3, 5));
    for scheme in &project.schemes {
        assert!(project.connections.contains_key(&scheme.source.connection), "{}", scheme.source.connection);
    }
}

/// The template without the `#` of what can be used.
fn uncommented(template: &str) -> String {
    let lines = template.lines().map(|line| {
        let setting = line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = "));
        setting.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_connections_are_those_of_the_example() {
    let connections = |text: &str| {
        let parsed: toml::Table = text.parse().unwrap();
        let connections = parsed["connections"].as_table().unwrap().clone();
        let described = connections.into_iter().map(|(name, connection)| {
            let config: Vec<String> = connection["config"].as_table().unwrap().keys().cloned().collect();
            let secrets: Vec<String> = connection["secrets"].as_table().unwrap().keys().cloned().collect();
            (name, connection["plugin"].to_string(), connection["base_url"].to_string(), config, secrets)
        });
        described.collect::<Vec<_>>()
    };
    assert_eq!(connections(&uncommented(FILES[0].1)), connections(EXAMPLE));
}

#[test]
fn the_table_has_the_columns_of_the_example() {
    let example = include_str!("../../../../examples/tables/material_code.csv");
    assert_eq!(include_str!("material_code.csv").lines().next(), example.lines().next());
}

#[test]
fn nothing_is_written_over() {
    let refused = |there: &str| {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("project").join(there);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "mine").unwrap();
        let message = make(root.path()).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        let made = fs::read_dir(root.path().join("project")).unwrap().count();
        assert_eq!(made, 1, "refused, and something was written: {message}");
        message.replace(root.path().to_str().unwrap(), "")
    };
    assert_eq!(
        refused("qiao.toml"),
        "`/project` is a project already\n  hint: `qiao scheme check --root /project` says what it lacks"
    );
    for there in ["tables/material_code.csv", "schemes/okki-users.yaml.example", "plugins/kingdee.wasm"] {
        assert_eq!(
            refused(there),
            format!(
                "`/project` has `{there}` already, which would be written over\n  hint: make the project in an empty \
                 folder, and copy them into it"
            )
        );
    }
}

#[test]
fn what_is_in_the_folder_already_stays() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("project");
    fs::create_dir_all(dir.join("plugins")).unwrap();
    for name in ["README.md", ".gitignore", "plugins/mine.wasm"] {
        fs::write(dir.join(name), "mine").unwrap();
    }
    make(root.path()).unwrap();
    for name in ["README.md", ".gitignore", "plugins/mine.wasm"] {
        assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "mine", "{name}");
    }
    assert!(dir.join("plugins/kingdee.wasm").exists());
}

#[test]
fn plugins_are_found_where_the_binary_was_put() {
    for place in ["bin/plugins", "lib/qiao/plugins", "share/qiao/plugins"] {
        let root = tempfile::tempdir().unwrap();
        // An empty folder does not end the search.
        plugin_folder(root.path(), "bin/plugins", &["notes.txt"]);
        plugin_folder(root.path(), place, &["okki.wasm", "kingdee.wasm"]);
        let found = plugins::first_of(&root.path().join("bin"));
        assert_eq!(found.names, ["kingdee.wasm", "okki.wasm"], "{place}");
    }
    let root = tempfile::tempdir().unwrap();
    let found = plugins::first_of(&root.path().join("bin"));
    assert!(found.folder.is_none());
    let said = found.none_found(Path::new("x/plugins")).replace(root.path().to_str().unwrap(), "");
    assert_eq!(
        said,
        "note: no plugins came with this `qiao`; looked in `/bin/plugins`, `/bin/../lib/qiao/plugins`, \
         `/bin/../share/qiao/plugins`\n  hint: copy `.wasm` files into `x/plugins`; `--plugins DIR` does so when a project \
         is made"
    );
}

#[test]
fn a_folder_that_was_asked_for_must_have_plugins() {
    let root = tempfile::tempdir().unwrap();
    let empty = plugin_folder(root.path(), "empty", &["notes.txt"]);
    let refused = |folder: &Path| plugins::find(Some(folder)).err().unwrap().0;
    assert!(refused(&empty).contains("has no plugins\n  hint: `--plugins DIR`"));
    assert!(refused(&root.path().join("nowhere")).contains("cannot be listed"));
}

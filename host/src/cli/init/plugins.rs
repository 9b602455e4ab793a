//! The plugins that came with this binary, wherever it was put.

use std::fs;
use std::path::{Path, PathBuf};

use super::CommandError;

/// Where plugins lie, seen from the folder of the binary: in the archive beside it, in an installed system under `lib` or `share`.
const PLACES: [&str; 3] = ["plugins", "../lib/qiao/plugins", "../share/qiao/plugins"];

/// Plugins to give to a project.
pub(super) struct Plugins {
    /// Where they are. Absent: there are none.
    pub(super) folder: Option<PathBuf>,
    /// Their files, by name.
    pub(super) names: Vec<String>,
    /// Where they were looked for.
    looked_in: Vec<PathBuf>,
}

/// Finds the plugins in the folder that was asked for, which must have some, or else in the first place that has.
pub(super) fn find(asked: Option<&Path>) -> Result<Plugins, CommandError> {
    if let Some(folder) = asked {
        let names = wasm_files(folder)
            .map_err(|error| CommandError(format!("plugins of `{}` cannot be listed: {error}", folder.display())))?;
        if names.is_empty() {
            return Err(CommandError(format!(
                "`{}` has no plugins\n  hint: `--plugins DIR` names a folder with `.wasm` files",
                folder.display()
            )));
        }
        return Ok(Plugins { folder: Some(folder.to_owned()), names, looked_in: Vec::new() });
    }
    // Where the binary itself is, not a link to it.
    let binary = std::env::current_exe()?;
    let binary = binary.canonicalize().unwrap_or(binary);
    Ok(first_of(binary.parent().unwrap_or(Path::new("."))))
}

/// The first place, seen from this folder, that has plugins.
pub(super) fn first_of(folder: &Path) -> Plugins {
    let places = PLACES.map(|place| folder.join(place));
    for place in &places {
        // A place that is not there, or cannot be read, has none.
        let names = wasm_files(place).unwrap_or_default();
        if !names.is_empty() {
            return Plugins { folder: Some(place.clone()), names, looked_in: Vec::new() };
        }
    }
    Plugins { folder: None, names: Vec::new(), looked_in: places.into() }
}

impl Plugins {
    /// Copies them into a folder that has none of them.
    pub(super) fn copy(&self, to: &Path) -> Result<(), CommandError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for name in &self.names {
            let from = folder.join(name);
            let content = fs::read(&from)
                .map_err(|error| CommandError(format!("`{}` cannot be read: {error}", from.display())))?;
            super::write(&to.join(name), &content)?;
        }
        Ok(())
    }

    /// What to say when there are none.
    pub(super) fn none_found(&self, to: &Path) -> String {
        let places: Vec<String> = self.looked_in.iter().map(|place| format!("`{}`", place.display())).collect();
        format!(
            "note: no plugins came with this `qiao`; looked in {}\n  hint: copy `.wasm` files into `{}`; `--plugins DIR` does \
             so when a project is made",
            places.join(", "),
            to.display()
        )
    }
}

fn wasm_files(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let (Some(name), Some("wasm")) =
            (path.file_name(), path.extension().and_then(|extension| extension.to_str()))
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

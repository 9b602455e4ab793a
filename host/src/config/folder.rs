//! The files of one of the project's folders.

use std::path::{Path, PathBuf};

use super::problem::ConfigProblem;

/// The files with one of these extensions, relative to `root` and in the order of their names. No folder: no files.
///
/// Hidden files are not read: editors leave such beside the ones they save.
pub(super) fn files(root: &Path, name: &str, extensions: &[&str], problems: &mut Vec<ConfigProblem>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(root.join(name)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(ConfigProblem::error(name, format!("cannot be read: {error}")));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file() && !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| Path::new(name).join(entry.file_name()))
        .filter(|file| {
            let extension = file.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            extensions.contains(&extension.as_str())
        })
        .collect();
    files.sort();
    files
}

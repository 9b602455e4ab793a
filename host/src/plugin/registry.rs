//! The plugins folder: what serves, and what does not and why.
//!
//! A [`Registry`] is one immutable snapshot. Whoever works with plugins holds a snapshot from beginning to end, so that
//! what it works with does not change under it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::Cache;
use super::error::LoadError;
use super::load::{self, Plugin};
use super::runtime::Runtime;
use crate::config::LimitsConfig;

/// One state of the plugins folder.
#[derive(Default)]
pub struct Registry {
    plugins: BTreeMap<String, Arc<Plugin>>,
    refused: Vec<LoadError>,
}

impl Registry {
    /// Loads every `*.wasm` of a folder; a folder that is not there has none. `compiled`: where compiled code is kept.
    pub async fn load(runtime: &Runtime, limits: &LimitsConfig, folder: &Path, compiled: Option<&Path>) -> Self {
        let cache = Cache::new(compiled);
        let mut registry = Self::default();
        for file in wasm_files(folder, &mut registry.refused) {
            match load::load(runtime, &cache, limits, &file).await {
                Ok(plugin) => registry.add(plugin),
                Err(error) => registry.refused.push(error),
            }
        }
        registry.refuse_twins();
        registry
    }

    /// Loads one file.
    pub async fn load_file(runtime: &Runtime, limits: &LimitsConfig, file: &Path) -> Result<Plugin, LoadError> {
        load::load(runtime, &Cache::new(None), limits, file).await
    }

    fn add(&mut self, plugin: Plugin) {
        let name = plugin.name().to_owned();
        if let Some(other) = self.plugins.get(&name) {
            self.refused.push(LoadError::SameName { file: plugin.file, other: other.file.clone(), name });
        } else {
            self.plugins.insert(name, Arc::new(plugin));
        }
    }

    /// Which of two files of one name is meant, nobody can know.
    fn refuse_twins(&mut self) {
        for error in &self.refused {
            if let LoadError::SameName { name, .. } = error {
                self.plugins.remove(name);
            }
        }
    }

    /// The plugin of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Plugin>> {
        self.plugins.get(name)
    }

    /// The plugins that serve, by name.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.values()
    }

    /// The files that do not serve.
    pub fn refused(&self) -> &[LoadError] {
        &self.refused
    }

    /// The plugin that exports a function of this name, and how many do.
    pub fn function(&self, name: &str) -> (Option<&Arc<Plugin>>, usize) {
        let mut having = self.plugins.values().filter(|plugin| plugin.functions.iter().any(|f| f.name == name));
        let first = having.next();
        (first, usize::from(first.is_some()) + having.count())
    }

    /// Names of all functions.
    pub fn function_names(&self) -> Vec<&str> {
        self.plugins.values().flat_map(|plugin| plugin.functions.iter().map(|f| f.name.as_str())).collect()
    }
}

/// The folder's plugin files, by name.
fn wasm_files(folder: &Path, refused: &mut Vec<LoadError>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            refused.push(LoadError::Unreadable { file: folder.to_owned(), reason: error.to_string() });
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm")))
        .collect();
    files.sort();
    files
}

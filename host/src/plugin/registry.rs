//! The plugins folder: what serves, and what does not and why.
//!
//! A [`Registry`] is one immutable snapshot. Whoever works with plugins holds a snapshot from beginning to end, so that
//! what it works with does not change under it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::{Cache, Compiled};
use super::error::LoadError;
use super::load::{self, Plugin};
use super::runtime::Runtime;
use crate::config::LimitsConfig;

/// One state of the plugins folder.
#[derive(Default, Clone)]
pub struct Registry {
    plugins: BTreeMap<String, Arc<Plugin>>,
    refused: Vec<RefusedFile>,
}

/// A file that does not serve.
#[derive(Clone)]
pub struct RefusedFile {
    /// Why.
    pub error: Arc<LoadError>,
    /// The build that was loaded before from this file, or under this name, and serves on.
    pub instead: Option<Arc<Plugin>>,
}

impl Registry {
    /// Loads every `*.wasm` of a folder; a folder that is not there has none. `compiled`: where compiled code is.
    ///
    /// What is `in_use` is not loaded again where a file is the same, and serves on where a file does not load. A plugin
    /// whose file is gone is gone.
    pub async fn load(
        runtime: &Runtime,
        limits: &LimitsConfig,
        folder: &Path,
        compiled: Compiled<'_>,
        in_use: Option<&Self>,
    ) -> Self {
        let cache = Cache::new(compiled);
        let mut refused = Vec::new();
        let mut loaded: Vec<Arc<Plugin>> = Vec::new();
        for file in wasm_files(folder, &mut refused) {
            let known = in_use.and_then(|in_use| in_use.of_file(&file));
            match load::load(runtime, &cache, limits, &file, known).await {
                Ok(plugin) => loaded.push(plugin),
                Err(error) => {
                    loaded.extend(known.cloned());
                    refused.push(RefusedFile { error: Arc::new(error), instead: known.cloned() });
                }
            }
        }
        let kept = in_use.into_iter().flat_map(Self::plugins).chain(&loaded);
        cache.keep_only(&kept.map(|plugin| plugin.digest.as_str()).collect::<Vec<_>>());
        let mut registry = Self { plugins: BTreeMap::new(), refused };
        registry.add_all(loaded, in_use);
        registry
    }

    /// Takes plugins in. Which of two files of one name is meant, nobody can know: neither serves, but the one in use.
    fn add_all(&mut self, loaded: Vec<Arc<Plugin>>, in_use: Option<&Self>) {
        let mut by_name: BTreeMap<String, Vec<Arc<Plugin>>> = BTreeMap::new();
        for plugin in loaded {
            by_name.entry(plugin.name().to_owned()).or_default().push(plugin);
        }
        for (name, mut plugins) in by_name {
            let (Some(last), others) = (plugins.pop(), plugins) else { continue };
            if others.is_empty() {
                self.plugins.insert(name, last);
                continue;
            }
            let instead = in_use.and_then(|in_use| in_use.get(&name)).cloned();
            for other in others {
                let error =
                    LoadError::SameName { file: last.file.clone(), other: other.file.clone(), name: name.clone() };
                self.refused.push(RefusedFile { error: Arc::new(error), instead: instead.clone() });
            }
            self.plugins.extend(instead.map(|plugin| (name, plugin)));
        }
    }

    /// The same, with this build in the place of the one of its name.
    #[must_use]
    pub fn with(&self, plugin: Arc<Plugin>) -> Self {
        let mut registry = self.clone();
        registry.plugins.insert(plugin.name().to_owned(), plugin);
        registry
    }

    fn of_file(&self, file: &Path) -> Option<&Arc<Plugin>> {
        self.plugins.values().find(|plugin| plugin.file == file)
    }

    /// Loads one file.
    pub async fn load_file(runtime: &Runtime, limits: &LimitsConfig, file: &Path) -> Result<Arc<Plugin>, LoadError> {
        load::load(runtime, &Cache::new(Compiled::Nowhere), limits, file, None).await
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
    pub fn refused(&self) -> &[RefusedFile] {
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
fn wasm_files(folder: &Path, refused: &mut Vec<RefusedFile>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let error = LoadError::Unreadable { file: folder.to_owned(), reason: error.to_string() };
            refused.push(RefusedFile { error: Arc::new(error), instead: None });
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')))
        .filter(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wasm")))
        .collect();
    files.sort();
    files
}

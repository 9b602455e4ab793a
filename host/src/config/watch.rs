//! Waiting until a project's folder has changed and lies still.
//!
//! The system says *when* to look (`notify`); what changed is seen by comparing lengths and times of the files that make a
//! project. So nothing depends on which events a file system sends: an editor that writes beside and renames, a copy that
//! takes seconds, a mounted share that sends none at all, since every [`TICK`] the folder is looked at anyway. A change is
//! reported once the files have not changed for [`QUIET`]: a plugin that is still being copied is not loaded by halves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::secret::SecretSource;
use super::{Project, QIAO_TOML};

/// How long files must lie still.
const QUIET: Duration = Duration::from_millis(150);

/// A folder in which something always moves is loaded all the same after so long.
const LONGEST: Duration = Duration::from_secs(5);

/// How often the folder is looked at without having been told to.
const TICK: Duration = Duration::from_secs(5);

/// Length and time of each file.
type Fingerprint = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Watches the files that make a project.
pub struct Watch {
    root: PathBuf,
    /// Files outside of the usual folders: metadata, secrets.
    others: Vec<PathBuf>,
    seen: Fingerprint,
    told: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches from now on. A system that cannot tell of changes is looked at now and then.
    pub fn new(root: &Path) -> Self {
        let told = Arc::new(Notify::new());
        let tell = Arc::clone(&told);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is what the host itself does all the time.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                tell.notify_one();
            }
        })
        .inspect_err(|error| tracing::warn!("changes are looked for every {TICK:?}: the system tells of none: {error}"))
        .ok();
        let mut watch = Self { root: root.to_owned(), others: Vec::new(), seen: Fingerprint::new(), told, watcher };
        watch.seen = watch.fingerprint();
        watch.listen();
        watch
    }

    /// Also watches what the project reads from elsewhere: metadata and secrets in files.
    pub fn follow(&mut self, project: &Project) {
        let metadata = project.schemes.iter().flat_map(|scheme| {
            let target = scheme.target.as_ref().map(|target| &target.metadata_origin.file);
            std::iter::once(&scheme.source.metadata_origin.file).chain(target)
        });
        let secrets = project.connections.values().flat_map(|connection| connection.secrets.values());
        let secrets = secrets.filter_map(|secret| match secret {
            SecretSource::File(file) => Some(file),
            SecretSource::Env(_) => None,
        });
        let mut others: Vec<PathBuf> = metadata.chain(secrets).map(|file| self.root.join(file)).collect();
        others.sort();
        others.dedup();
        if others != self.others {
            self.others = others;
            self.listen();
        }
    }

    /// Waits until something has changed since the last time, and lies still.
    pub async fn changed(&mut self) {
        loop {
            // Whether by a word of the system or by the clock: what counts is what the files say.
            drop(tokio::time::timeout(TICK, self.told.notified()).await);
            let mut now = self.fingerprint();
            if now == self.seen {
                continue;
            }
            let until = Instant::now() + LONGEST;
            while Instant::now() < until {
                tokio::time::sleep(QUIET).await;
                let later = self.fingerprint();
                if later == now {
                    break;
                }
                now = later;
            }
            self.seen = now;
            // A folder that was made, or made again, is not the one that was watched.
            self.listen();
            return;
        }
    }

    /// The project's folder and those in it, but for the host's own: metadata may be kept in any of them.
    fn folders(&self) -> Vec<PathBuf> {
        let inner = std::fs::read_dir(&self.root).into_iter().flatten().filter_map(Result::ok);
        let inner = inner.filter(|entry| {
            let name = entry.file_name();
            !name.to_string_lossy().starts_with('.') && entry.path() != Project::state_dir_of(&self.root)
        });
        let folders = inner.map(|entry| entry.path()).filter(|path| path.is_dir());
        std::iter::once(self.root.clone()).chain(folders).collect()
    }

    fn listen(&mut self) {
        let mut folders = self.folders();
        folders.extend(self.others.iter().filter_map(|file| file.parent().map(Path::to_owned)));
        folders.sort();
        folders.dedup();
        let Some(watcher) = &mut self.watcher else { return };
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!("`{}` is looked at every {TICK:?}: {error}", folder.display());
            }
        }
    }

    /// The files that make a project, as they are now.
    fn fingerprint(&self) -> Fingerprint {
        let listed = self.folders().into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
        let files = listed.filter_map(Result::ok).map(|entry| entry.path());
        let files = files.filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let extension = name.rsplit('.').next().unwrap_or_default();
            !name.starts_with('.') && ["wasm", "yaml", "yml", "csv", "json"].contains(&extension)
        });
        let others = std::iter::once(self.root.join(QIAO_TOML)).chain(self.others.iter().cloned());
        let stamped = files.chain(others).filter_map(|file| {
            let metadata = std::fs::metadata(&file).ok()?;
            Some((file, (metadata.len(), metadata.modified().ok())))
        });
        stamped.collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    async fn changes(watch: &mut Watch) -> bool {
        tokio::time::timeout(SOON, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_file_that_is_made_changed_or_removed_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(folder.path());
        let scheme = folder.path().join("schemes/a.yaml");
        std::fs::create_dir(folder.path().join("schemes")).unwrap();
        std::fs::write(&scheme, "name: a").unwrap();
        assert!(changes(&mut watch).await);
        std::fs::write(&scheme, "name: another").unwrap();
        assert!(changes(&mut watch).await);
        std::fs::write(folder.path().join("qiao.toml"), "[host]").unwrap();
        assert!(changes(&mut watch).await);
        std::fs::remove_file(&scheme).unwrap();
        assert!(changes(&mut watch).await);
    }

    #[tokio::test]
    async fn what_is_no_part_of_the_project_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("schemes")).unwrap();
        let mut watch = Watch::new(folder.path());
        std::fs::write(folder.path().join("schemes/.a.yaml.swp"), "x").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        // The change that follows is the first to be reported.
        let before = watch.fingerprint();
        assert_eq!(before, watch.seen);
        std::fs::write(folder.path().join("schemes/a.yaml"), "name: a").unwrap();
        assert!(changes(&mut watch).await);
    }
}

//! Writing a `.tar.gz` that depends on nothing but what is in it.
//!
//! The same files make the same archive, byte for byte, whoever packs them and whenever: entries in the order of their names, one time
//! and owner 0 for all of them, and of a file's permissions only whether it is a program.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// What is to be in an archive, all of it in one folder.
pub(crate) struct Contents {
    top: String,
    /// By the name in the folder, with `/` between its parts.
    files: BTreeMap<String, Source>,
}

struct Source {
    path: PathBuf,
    mode: u32,
}

impl Contents {
    /// Nothing yet, in a folder of this name.
    pub(crate) fn new(top: &str) -> Self {
        Self { top: top.to_owned(), files: BTreeMap::new() }
    }

    /// Puts in a file that is only read.
    pub(crate) fn file(&mut self, name: &str, path: &Path) {
        self.files.insert(name.to_owned(), Source { path: path.to_owned(), mode: 0o644 });
    }

    /// Puts in a program.
    pub(crate) fn program(&mut self, name: &str, path: &Path) {
        self.files.insert(name.to_owned(), Source { path: path.to_owned(), mode: 0o755 });
    }

    /// Puts in the files of a folder and of those in it, but for hidden ones and for what a host has left in `state`.
    pub(crate) fn folder(&mut self, name: &str, path: &Path) -> anyhow::Result<()> {
        for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            let file_name = entry.file_name();
            let own = file_name.to_str().with_context(|| format!("{} is not UTF-8", entry.path().display()))?;
            if own.starts_with('.') || own == "state" {
                continue;
            }
            let name = format!("{name}/{own}");
            if entry.path().is_dir() {
                self.folder(&name, &entry.path())?;
            } else {
                self.file(&name, &entry.path());
            }
        }
        Ok(())
    }

    /// Writes the archive; `time` is that of every file, in seconds since 1970.
    pub(crate) fn write<W: Write>(&self, time: u64, to: W) -> anyhow::Result<W> {
        // Nor does the time of packing, or the archive's own name, stand in gzip's header.
        let mut archive = tar::Builder::new(GzBuilder::new().write(to, Compression::best()));
        for (name, source) in &self.files {
            let read = || -> anyhow::Result<(u64, File)> {
                let file = File::open(&source.path)?;
                Ok((file.metadata()?.len(), file))
            };
            let (size, file) = read().with_context(|| format!("cannot read {}", source.path.display()))?;
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(source.mode);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(time);
            header.set_size(size);
            archive.append_data(&mut header, format!("{}/{name}", self.top), file)?;
        }
        Ok(archive.into_inner()?.finish()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use tempfile::TempDir;

    use super::*;

    const TIME: u64 = 1_700_000_000;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn packed(folder: &TempDir) -> Vec<u8> {
        let mut contents = Contents::new("qiao-1.2.3");
        contents.folder("examples", &folder.path().join("examples")).unwrap();
        contents.program("qiao", &folder.path().join("qiao"));
        contents.file("LICENSE", &folder.path().join("LICENSE"));
        contents.write(TIME, Vec::new()).unwrap()
    }

    /// Name, permissions and text of every entry, in their order.
    fn unpacked(archive: &[u8]) -> Vec<(String, u32, String)> {
        let mut archive = tar::Archive::new(GzDecoder::new(archive));
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mtime().unwrap(), TIME);
            assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
            let (name, mode) = (entry.path().unwrap().to_str().unwrap().to_owned(), entry.header().mode().unwrap());
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (name, mode, text)
        });
        entries.collect()
    }

    #[test]
    fn everything_is_in_one_folder_by_name() {
        let long = format!("examples/schemes/{}.yaml", "很长的名字".repeat(12));
        let folder = folder(&[
            ("qiao", "binary"),
            ("LICENSE", "licence"),
            ("not-asked-for", ""),
            ("examples/qiao.toml", "项目"),
            ("examples/schemes/退货.yaml", "方案"),
            (&long, "long"),
            ("examples/.hidden", ""),
            ("examples/state/journal", ""),
        ]);
        let file = |name: &str, mode, text: &str| (format!("qiao-1.2.3/{name}"), mode, text.to_owned());
        assert_eq!(
            unpacked(&packed(&folder)),
            [
                file("LICENSE", 0o644, "licence"),
                file("examples/qiao.toml", 0o644, "项目"),
                file(&long, 0o644, "long"),
                file("examples/schemes/退货.yaml", 0o644, "方案"),
                file("qiao", 0o755, "binary"),
            ]
        );
    }

    #[test]
    fn the_same_files_make_the_same_archive() {
        let files = [("qiao", "binary"), ("LICENSE", "licence"), ("examples/a", "1"), ("examples/b", "2")];
        let first = folder(&files);
        let mut backwards = files;
        backwards.reverse();
        let second = folder(&backwards);
        let changed_long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_hours(24);
        File::options().write(true).open(second.path().join("qiao")).unwrap().set_modified(changed_long_ago).unwrap();
        assert!(packed(&first) == packed(&second), "the archives differ");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let mut contents = Contents::new("qiao-1.2.3");
        contents.program("qiao", Path::new("/nowhere/qiao"));
        let error = contents.write(TIME, Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/qiao");
    }
}

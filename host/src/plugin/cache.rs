//! Compiled code, kept under `state/compiled/` so that a start does not compile again.
//!
//! Loading compiled code is unsafe: wasmtime runs what the file says. The folder is the host's own (mode 0700), a file is
//! written under another name and renamed when whole, its name holds the digest of the plugin it was made from and of the
//! engine's settings, and its contents must have the digest written beside it. What does not fit is compiled anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The digest of some bytes, as lower-case hexadecimal text.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where compiled code is.
#[derive(Clone, Copy, Debug)]
pub enum Compiled<'a> {
    /// Nowhere: everything is compiled anew.
    Nowhere,
    /// In this folder, where it is kept.
    Kept(&'a Path),
    /// In this folder, where it is only taken from. One that others than its owner could write to is left alone.
    Taken(&'a Path),
}

/// The folder of compiled code; `None`: nothing is taken and nothing kept.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    keeps: bool,
}

impl Cache {
    pub(super) fn new(compiled: Compiled<'_>) -> Self {
        match compiled {
            Compiled::Nowhere => Self { folder: None, keeps: false },
            Compiled::Kept(folder) => Self { folder: Some(folder.to_owned()), keeps: true },
            Compiled::Taken(folder) => {
                let folder = is_private(folder).then(|| folder.to_owned());
                Self { folder, keeps: false }
            }
        }
    }

    /// Compiled code of the plugin with this digest, from the folder or freshly made.
    pub(super) fn compile(&self, engine: &Engine, plugin_digest: &str, wasm: &[u8]) -> wasmtime::Result<Component> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(file_name(engine, plugin_digest))) else {
            return Component::from_binary(engine, wasm);
        };
        if let Some(component) = load(engine, &path) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, wasm)?;
        if !self.keeps {
            return Ok(component);
        }
        match component.serialize() {
            Ok(code) => {
                if let Err(error) = keep(&path, &code) {
                    tracing::warn!("compiled code is not kept in `{}`: {error}", path.display());
                }
            }
            Err(error) => tracing::warn!("compiled code cannot be kept: {error}"),
        }
        Ok(component)
    }
}

impl Cache {
    /// Forgets the compiled code of all plugins but these, given by their digests.
    pub(super) fn keep_only(&self, digests: &[&str]) {
        let folder = self.folder.as_ref().filter(|_| self.keeps);
        let Some(entries) = folder.and_then(|folder| fs::read_dir(folder).ok()) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            // What another process is writing has yet another ending.
            let path = entry.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if matches!(extension, "cwasm" | "sha256") && !digests.iter().any(|digest| name.starts_with(digest)) {
                drop(fs::remove_file(path));
            }
        }
    }
}

fn file_name(engine: &Engine, plugin_digest: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{plugin_digest}-{:016x}.cwasm", settings.finish())
}

fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let code = fs::read(path).ok()?;
    let expected = fs::read_to_string(path.with_extension("sha256")).ok()?;
    if digest(&code) != expected {
        tracing::warn!("`{}` is damaged: compiling again", path.display());
        return None;
    }
    #[expect(
        unsafe_code,
        reason = "wasmtime cannot check compiled code; this module's header says why this file is ours"
    )]
    // SAFETY: the bytes are those that `keep` wrote from `Component::serialize`, in a folder that only this user can
    // write to; wasmtime itself refuses code of another version or other settings.
    let component = unsafe { Component::deserialize(engine, &code) };
    component.inspect_err(|error| tracing::debug!("`{}` is not reusable: {error}", path.display())).ok()
}

/// Makes a folder that only this user can look into or write to, and tightens one that is there.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Whether nobody but this user can write into a folder, nor put another in its place.
#[cfg(unix)]
fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const OTHERS: u32 = 0o077;
    let private = |folder: &Path| fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.mode() & OTHERS == 0);
    private(folder) && folder.parent().is_some_and(private)
}

#[cfg(not(unix))]
fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}

fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    // Another process may be doing the same; each writes its own file, and the last rename wins with equal contents.
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&unfinished, code)?;
    fs::rename(&unfinished, path)?;
    fs::write(&unfinished, digest(code))?;
    fs::rename(&unfinished, path.with_extension("sha256"))
}

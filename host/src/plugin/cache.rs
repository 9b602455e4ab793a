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

/// The folder of compiled code; `None`: nothing is kept.
pub(super) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned) }
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
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
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

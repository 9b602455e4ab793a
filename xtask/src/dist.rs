//! One archive with everything that a user needs: unpacked anywhere, it runs.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::archive::Contents;
use crate::cargo::{root, target_dir};
use crate::parts::{self, Profile};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is taken from the repository as it is.
const FOLDERS: [&str; 2] = ["examples", "docs"];
const FILES: [&str; 3] = ["README.md", "README.zh-CN.md", "LICENSE"];

/// Arguments of `cargo xtask dist`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How much to optimise: `release` is built sooner, and is enough to try the archive out.
    #[arg(long, value_enum, default_value_t = Profile::Dist)]
    profile: Profile,
}

pub(crate) fn dist(arguments: &Arguments) -> anyhow::Result<()> {
    let parts = parts::build(arguments.profile)?;
    let name = format!("qiao-{VERSION}-{}", target()?);
    let mut contents = Contents::new(&name);
    contents.program(&format!("qiao{}", env::consts::EXE_SUFFIX), &parts.qiao);
    for plugin in parts::product_plugins()? {
        let file = format!("{plugin}.wasm");
        contents.file(&format!("plugins/{file}"), &parts.plugins.join(&file));
    }
    for folder in FOLDERS {
        contents.folder(folder, &root().join(folder))?;
    }
    for file in FILES {
        contents.file(file, &root().join(file));
    }

    let folder = target_dir()?.join(arguments.profile.folder());
    let archive = folder.join(format!("{name}.tar.gz"));
    let digest = write(&contents, &archive)?;
    let checksums = folder.join(format!("{name}.tar.gz.sha256"));
    fs::write(&checksums, format!("{digest}  {name}.tar.gz\n"))?;

    println!("archive   {} ({})", archive.display(), size(archive.metadata()?.len()));
    println!("checksum  {}", checksums.display());
    println!("start     tar xf {name}.tar.gz && cd {name} && ./qiao init myproject");
    Ok(())
}

/// Writes the archive under another name and renames it, so that what has the name is whole; returns its SHA-256.
fn write(contents: &Contents, archive: &Path) -> anyhow::Result<String> {
    let unfinished = archive.with_extension("gz.tmp");
    let file = File::create(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
    contents.write(time(), BufWriter::new(file))?.flush()?;
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(&unfinished)?, &mut hasher)?;
    fs::rename(&unfinished, archive)?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// What the compiler calls this machine, such as `x86_64-unknown-linux-gnu`.
fn target() -> anyhow::Result<String> {
    // In the root, where the toolchain is fixed.
    let output = Command::new("rustc").args(["--print", "host-tuple"]).current_dir(root()).output()?;
    ensure!(output.status.success(), "rustc does not say for what it compiles");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The time of every file in the archive: `SOURCE_DATE_EPOCH`, or that of the last commit. Without either, a day that no tool
/// takes for a mistake, as it would 1970.
fn time() -> u64 {
    let asked = env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || {
        let log = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()).output().ok()?;
        String::from_utf8(log.stdout).ok()
    };
    asked.or_else(committed).and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(1_767_225_600)
}

fn size(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

//! Building the parts of the product: the host, the plugins beside it, and the simulators for demo and tests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;

use crate::cargo::{PLUGIN_TARGET, cargo, install_target, root, run, target_dir};

/// How much the compiler optimises.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Dependencies optimised, our own code little: quick to build, shared by demo and tests.
    #[value(skip)]
    Dev,
    /// As it is meant to be used.
    Release,
    /// As it is handed out: optimised as one whole, which takes long to build.
    Dist,
}

impl Profile {
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    /// The profile's folder in that of build output.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &[],
            Self::Release => &["--release"],
            Self::Dist => &["--profile", "dist"],
        }
    }
}

/// What was built.
pub(crate) struct Parts {
    /// The host.
    pub(crate) qiao: PathBuf,
    /// The folder of plugins.
    pub(crate) plugins: PathBuf,
}

impl Parts {
    pub(crate) fn say_where(&self) {
        println!("host     {}", self.qiao.display());
        println!("plugins  {}", self.plugins.display());
    }
}

/// The folder in which each plugin of the product has one of its own.
const PRODUCT: &str = "plugins";

/// The names of the plugins of the product.
pub(crate) fn product_plugins() -> anyhow::Result<Vec<String>> {
    plugin_names(&root().join(PRODUCT))
}

/// Builds the host and the plugins.
pub(crate) fn build(profile: Profile) -> anyhow::Result<Parts> {
    let plugins = build_product_plugins(profile)?;
    Ok(Parts { qiao: build_binary("qiao", profile)?, plugins })
}

/// Builds the plugins of the product, and says in which folder they are.
pub(crate) fn build_product_plugins(profile: Profile) -> anyhow::Result<PathBuf> {
    build_plugins(PRODUCT, &target_dir()?.join(profile.folder()).join("plugins"))
}

/// Builds the plugins that only tests use, and says in which folder they are.
pub(crate) fn build_test_plugins() -> anyhow::Result<PathBuf> {
    build_plugins("tests/plugins", &target_dir()?.join(Profile::Dev.folder()).join("test-plugins"))
}

/// Builds the simulators.
pub(crate) fn build_simulators(profile: Profile) -> anyhow::Result<PathBuf> {
    build_binary("qiao-simulators", profile)
}

/// Builds what measures the host from outside.
pub(crate) fn build_bench(profile: Profile) -> anyhow::Result<PathBuf> {
    build_binary("qiao-bench", profile)
}

/// Builds one binary. The whole workspace is selected, so that dependencies are built with the same features, and so only
/// once, for the host, the simulators and the tests.
fn build_binary(name: &str, profile: Profile) -> anyhow::Result<PathBuf> {
    run(cargo(&["build", "--workspace", "--bin", name]).args(profile.flags()))?;
    Ok(target_dir()?.join(profile.folder()).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Builds every folder of `sources` as a component and collects them in one folder, named as their folders.
fn build_plugins(sources: &str, into: &Path) -> anyhow::Result<PathBuf> {
    install_target()?;
    let names = plugin_names(&root().join(sources))?;
    let mut command = cargo(&["build", "--profile", "plugin", "--target", PLUGIN_TARGET]);
    for name in &names {
        command.args(["--package", &format!("qiao-plugin-{name}")]);
    }
    run(&mut command)?;
    let built = target_dir()?.join(PLUGIN_TARGET).join("plugin");
    fs::create_dir_all(into)?;
    for name in &names {
        let from = built.join(format!("qiao_plugin_{}.wasm", name.replace('-', "_")));
        let to = into.join(format!("{name}.wasm"));
        // Copied beside and renamed, so that a host that watches the folder never sees half a file.
        let unfinished = to.with_extension("wasm.tmp");
        fs::copy(&from, &unfinished).with_context(|| format!("cannot copy {}", from.display()))?;
        fs::rename(&unfinished, &to)?;
    }
    Ok(into.to_owned())
}

fn plugin_names(sources: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(sources)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

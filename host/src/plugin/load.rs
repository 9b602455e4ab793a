//! From a file to a [`Plugin`], or to the reason why it is none.
//!
//! Linking checks what a component imports, but not the types of what it exports: so every plugin is instantiated once on
//! trial, all its functions are type-checked, and it is asked what it is, before anything depends on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use super::bindings;
use super::cache::{self, Cache};
use super::call;
use super::describe::{Description, FunctionSignature, StageSignature};
use super::error::{CallError, LoadError};
use super::runtime::Runtime;
use crate::capability::{CallRecord, Lent, Loan};
use crate::config::LimitsConfig;
use crate::observe::clock;

/// The contract's package, as it stands in the names of imports and exports.
const PACKAGE: &str = "qiao:plugin/";

/// The contract's versions that this host serves.
const VERSION: &str = "0.1.";

/// How a WebAssembly file begins, and how a component goes on.
const WASM: &[u8] = b"\0asm";
const COMPONENT: &[u8] = &[0x0d, 0x00, 0x01, 0x00];

/// The interfaces that a plugin exports, ready to be instantiated.
pub struct Exports {
    pub(super) plugin: bindings::plugin::ExportsPluginPre<Lent>,
    pub(super) session: Option<bindings::session::ExportsSessionPre<Lent>>,
    pub(super) source: Option<bindings::source::ExportsSourcePre<Lent>>,
    pub(super) target: Option<bindings::target::ExportsTargetPre<Lent>>,
    pub(super) functions: Option<bindings::functions::ExportsFunctionsPre<Lent>>,
    pub(super) stages: Option<bindings::stages::ExportsStagesPre<Lent>>,
}

impl Exports {
    /// Names of the exported interfaces.
    pub fn names(&self) -> Vec<&'static str> {
        let present = [
            ("plugin", true),
            ("session", self.session.is_some()),
            ("source", self.source.is_some()),
            ("target", self.target.is_some()),
            ("functions", self.functions.is_some()),
            ("stages", self.stages.is_some()),
        ];
        present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
    }
}

/// A plugin that can be called.
pub struct Plugin {
    /// What it says about itself.
    pub description: Description,
    /// Its functions.
    pub functions: Vec<FunctionSignature>,
    /// Its stages.
    pub stages: Vec<StageSignature>,
    /// The file it comes from.
    pub file: PathBuf,
    /// The file's size in bytes.
    pub size: usize,
    /// SHA-256 of the file, hexadecimal: tells builds apart.
    pub digest: String,
    /// The capabilities that it imports: what it asked for.
    pub asks_for: Vec<String>,
    /// The `wasi:*` interfaces that its language's runtime drags in; they lead nowhere.
    pub drags_in: Vec<String>,
    /// The version of the contract it was built for.
    pub contract: String,
    /// When it was loaded, Unix milliseconds.
    pub loaded_ms: i64,
    pub(super) exports: Exports,
    pub(super) name: Arc<str>,
    pub(super) declared_secrets: Arc<std::collections::BTreeSet<String>>,
}

impl Plugin {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interfaces it exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }
}

/// Loads a file. Compiled code comes from `cache` where it is known; a file that is still the one of a plugin `in_use` is
/// not loaded again.
pub(super) async fn load(
    runtime: &Runtime,
    cache: &Cache,
    limits: &LimitsConfig,
    path: &Path,
    in_use: Option<&Arc<Plugin>>,
) -> Result<Arc<Plugin>, LoadError> {
    let file = || path.to_owned();
    let wasm =
        std::fs::read(path).map_err(|error| LoadError::Unreadable { file: file(), reason: error.to_string() })?;
    check_kind(path, &wasm)?;
    let digest = cache::digest(&wasm);
    if let Some(in_use) = in_use
        && in_use.digest == digest
    {
        return Ok(Arc::clone(in_use));
    }
    let component = tokio::task::block_in_place(|| cache.compile(&runtime.engine, &digest, &wasm))
        .map_err(|error| LoadError::Invalid { file: file(), reason: format!("{error:#}") })?;
    let surface = Surface::of(runtime, &component);
    surface.check(path)?;
    let pre = runtime.linker.instantiate_pre(&component).map_err(|error| {
        let reason = format!("{error:#}");
        if reason.contains(PACKAGE) {
            LoadError::OtherContract { file: file(), reason }
        } else {
            LoadError::Imports { file: file(), reason }
        }
    })?;
    let exports =
        surface.bind(&pre).map_err(|error| LoadError::Types { file: file(), reason: format!("{error:#}") })?;

    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let loan = Loan::nothing(&stem, limits);
    type_check(&exports, &loan)
        .await
        .map_err(|error| LoadError::Types { file: file(), reason: format!("{error:#}") })?;
    let (description, functions, stages) = ask(&exports, &loan, path).await?;
    Ok(Arc::new(Plugin {
        name: description.name.as_str().into(),
        declared_secrets: Arc::new(description.secret_names()),
        description,
        functions,
        stages,
        file: file(),
        size: wasm.len(),
        digest,
        asks_for: surface.asks_for,
        drags_in: surface.drags_in,
        contract: surface.contract,
        exports,
        loaded_ms: clock::now_ms(),
    }))
}

fn check_kind(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    let Some(rest) = bytes.strip_prefix(WASM) else {
        let found = if bytes.is_empty() {
            "it is empty".to_owned()
        } else {
            let beginning = String::from_utf8_lossy(bytes.get(..16).unwrap_or(bytes)).into_owned();
            format!("it begins with `{}`", beginning.escape_debug())
        };
        return Err(LoadError::NotWasm { file: path.to_owned(), found });
    };
    match rest.get(..4) {
        Some(COMPONENT) => Ok(()),
        Some([1, 0, 0, 0]) => Err(LoadError::CoreModule { file: path.to_owned() }),
        _ => {
            Err(LoadError::Invalid { file: path.to_owned(), reason: "its header is of an unknown version".to_owned() })
        }
    }
}

/// What a component imports and exports.
struct Surface {
    asks_for: Vec<String>,
    drags_in: Vec<String>,
    exports: Vec<String>,
    contract: String,
}

impl Surface {
    fn of(runtime: &Runtime, component: &Component) -> Self {
        let ty = component.component_type();
        let (mut asks_for, mut drags_in) = (Vec::new(), Vec::new());
        for (name, _) in ty.imports(&runtime.engine) {
            if let Some(ours) = name.strip_prefix(PACKAGE) {
                let interface = ours.split('@').next().unwrap_or(ours);
                if interface != "types" {
                    asks_for.push(interface.to_owned());
                }
            } else {
                drags_in.push(name.to_owned());
            }
        }
        let exports: Vec<String> = ty
            .exports(&runtime.engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
            .map(|(name, _)| name.to_owned())
            .collect();
        let contract = exports
            .iter()
            .find_map(|name| name.strip_prefix(PACKAGE)?.split_once('@').map(|(_, version)| version.to_owned()))
            .unwrap_or_default();
        Self { asks_for, drags_in, exports, contract }
    }

    fn exports(&self, interface: &str) -> bool {
        self.exports
            .iter()
            .filter_map(|name| name.strip_prefix(PACKAGE))
            .any(|ours| ours.split('@').next() == Some(interface))
    }

    fn check(&self, path: &Path) -> Result<(), LoadError> {
        let ours: Vec<&String> = self.exports.iter().filter(|name| name.starts_with(PACKAGE)).collect();
        if ours.is_empty() {
            let found = if self.exports.is_empty() { "nothing".to_owned() } else { self.exports.join(", ") };
            return Err(LoadError::NoneOfOurs { file: path.to_owned(), found });
        }
        if !self.contract.starts_with(VERSION) {
            return Err(LoadError::ContractVersion { file: path.to_owned(), found: self.contract.clone() });
        }
        if !self.exports("plugin") {
            return Err(LoadError::NoDescription { file: path.to_owned() });
        }
        Ok(())
    }

    fn bind(&self, pre: &InstancePre<Lent>) -> wasmtime::Result<Exports> {
        macro_rules! optional {
            ($interface:literal, $pre:path) => {
                if self.exports($interface) { Some(<$pre>::new(pre.clone())?) } else { None }
            };
        }
        Ok(Exports {
            plugin: bindings::plugin::ExportsPluginPre::new(pre.clone())?,
            session: optional!("session", bindings::session::ExportsSessionPre<Lent>),
            source: optional!("source", bindings::source::ExportsSourcePre<Lent>),
            target: optional!("target", bindings::target::ExportsTargetPre<Lent>),
            functions: optional!("functions", bindings::functions::ExportsFunctionsPre<Lent>),
            stages: optional!("stages", bindings::stages::ExportsStagesPre<Lent>),
        })
    }
}

/// Instantiates each interface once, which type-checks its functions.
async fn type_check(exports: &Exports, loan: &Loan) -> Result<(), CallError> {
    macro_rules! trial {
        ($pre:expr) => {{
            let record = Arc::new(CallRecord::default());
            call::in_fresh_instance($pre.instance_pre(), loan.clone(), &record, "start", async |store| {
                $pre.instantiate_async(store).await.map(drop)
            })
            .await?;
        }};
    }
    trial!(exports.plugin);
    if let Some(pre) = &exports.session {
        trial!(pre);
    }
    if let Some(pre) = &exports.source {
        trial!(pre);
    }
    if let Some(pre) = &exports.target {
        trial!(pre);
    }
    if let Some(pre) = &exports.functions {
        trial!(pre);
    }
    if let Some(pre) = &exports.stages {
        trial!(pre);
    }
    Ok(())
}

/// Asks a plugin what it is. Nothing is lent to it meanwhile.
async fn ask(
    exports: &Exports,
    loan: &Loan,
    path: &Path,
) -> Result<(Description, Vec<FunctionSignature>, Vec<StageSignature>), LoadError> {
    let failed = |function| move |error| LoadError::Describe { file: path.to_owned(), function, error };
    let wrong = |reason| LoadError::Description { file: path.to_owned(), reason };
    let record = Arc::new(CallRecord::default());

    let pre = &exports.plugin;
    let description = call::in_fresh_instance(pre.instance_pre(), loan.clone(), &record, "describe", async |store| {
        pre.instantiate_async(&mut *store).await?.qiao_plugin_plugin().call_describe(store).await
    })
    .await
    .map_err(failed("describe"))?;
    let description = Description::try_from(description).map_err(wrong)?;

    let mut functions = Vec::new();
    if let Some(pre) = &exports.functions {
        functions =
            call::in_fresh_instance(pre.instance_pre(), loan.clone(), &record, "list-functions", async |store| {
                pre.instantiate_async(&mut *store).await?.qiao_plugin_functions().call_list_functions(store).await
            })
            .await
            .map_err(failed("list-functions"))?
            .into_iter()
            .map(FunctionSignature::from)
            .collect();
    }

    let mut stages = Vec::new();
    if let Some(pre) = &exports.stages {
        let listed = call::in_fresh_instance(pre.instance_pre(), loan.clone(), &record, "list-stages", async |store| {
            pre.instantiate_async(&mut *store).await?.qiao_plugin_stages().call_list_stages(store).await
        })
        .await
        .map_err(failed("list-stages"))?;
        for stage in listed {
            stages.push(StageSignature::try_from(stage).map_err(wrong)?);
        }
    }
    Ok((description, functions, stages))
}

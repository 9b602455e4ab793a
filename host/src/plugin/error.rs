//! Why a plugin does not load, why a call did not return, and what a plugin says went wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::capability::bindings::qiao::plugin::types;

/// Why a file is not served as a plugin. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("`{file}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is something else.
    #[error(
        "`{file}` is not WebAssembly: {found}\n  hint: a plugin is a component, built for instance with `cargo build --target wasm32-wasip2`"
    )]
    NotWasm {
        /// The file.
        file: PathBuf,
        /// What it begins with.
        found: String,
    },
    /// The file is a core module.
    #[error(
        "`{file}` is a core WebAssembly module, not a component\n  hint: build it for `wasm32-wasip2` (Rust), or wrap it with `wasm-tools component new`"
    )]
    CoreModule {
        /// The file.
        file: PathBuf,
    },
    /// The engine refuses the file.
    #[error("`{file}` is not a valid component: {reason}\n  hint: {}", of_invalid(.reason))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        reason: String,
    },
    /// It exports nothing that Qiao calls.
    #[error(
        "`{file}` exports none of Qiao's interfaces (it exports {found})\n  hint: build it with the `qiao-plugin` crate and its `export!` macro, for contract version 0.1"
    )]
    NoneOfOurs {
        /// The file.
        file: PathBuf,
        /// What it exports.
        found: String,
    },
    /// It is built for another version of the contract.
    #[error(
        "`{file}` is built for contract version {found}; this host serves 0.1\n  hint: build it with the `qiao-plugin` crate of this host's version"
    )]
    ContractVersion {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: String,
    },
    /// It exports some interfaces but not `plugin`.
    #[error("`{file}` does not export `qiao:plugin/plugin`\n  hint: every plugin says what it is with `describe`")]
    NoDescription {
        /// The file.
        file: PathBuf,
    },
    /// It asks for an interface of the contract as this host does not have it.
    #[error(
        "`{file}` was built for another state of the contract: {reason}\n  hint: build it with the `qiao-plugin` crate of this host's version"
    )]
    OtherContract {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        reason: String,
    },
    /// It asks for something that is not lent.
    #[error(
        "`{file}` asks for something that the host does not lend: {reason}\n  hint: a plugin is lent http, kv, logging, tables and credentials; it has no files, sockets or processes"
    )]
    Imports {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        reason: String,
    },
    /// An exported function has other parameters or results than the contract's.
    #[error("`{file}`: {reason}\n  hint: build it with the `qiao-plugin` crate of this host's version")]
    Types {
        /// The file.
        file: PathBuf,
        /// The engine's words.
        reason: String,
    },
    /// It loads, but does not answer what it is.
    #[error("`{file}` does not say what it is: `{function}` failed: {error}")]
    Describe {
        /// The file.
        file: PathBuf,
        /// The function asked.
        function: &'static str,
        /// What happened.
        error: CallError,
    },
    /// What it says of itself makes no sense.
    #[error("`{file}` describes itself wrongly: {reason}")]
    Description {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Two files give the same name.
    #[error("`{file}` and `{other}` are both named `{name}`\n  hint: remove one of them from the plugins folder")]
    SameName {
        /// The file.
        file: PathBuf,
        /// The other.
        other: PathBuf,
        /// Their name.
        name: String,
    },
}

impl LoadError {
    /// The file that it is about.
    pub fn file(&self) -> &Path {
        match self {
            Self::Unreadable { file, .. }
            | Self::NotWasm { file, .. }
            | Self::CoreModule { file }
            | Self::Invalid { file, .. }
            | Self::NoneOfOurs { file, .. }
            | Self::ContractVersion { file, .. }
            | Self::NoDescription { file }
            | Self::OtherContract { file, .. }
            | Self::Imports { file, .. }
            | Self::Types { file, .. }
            | Self::Describe { file, .. }
            | Self::Description { file, .. }
            | Self::SameName { file, .. } => file,
        }
    }
}

/// Why a call did not return. After each of these the instance is gone; the next call gets a fresh one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The guest trapped.
    #[error("the plugin `{plugin}` crashed in `{function}`: {reason}")]
    Trap {
        /// The plugin.
        plugin: String,
        /// The function called.
        function: &'static str,
        /// The guest's last words where it left any, or the trap.
        reason: String,
    },
    /// The guest wanted more memory than it may have.
    #[error(
        "the plugin `{plugin}` wanted more than {limit_bytes} bytes of memory in `{function}`\n  hint: `memory` under `[limits]` in qiao.toml is the limit of one call"
    )]
    Memory {
        /// The plugin.
        plugin: String,
        /// The function called.
        function: &'static str,
        /// The limit.
        limit_bytes: u64,
    },
    /// The guest computed for too long.
    #[error(
        "the plugin `{plugin}` computed for more than {limit:?} in `{function}`\n  hint: an endless loop? `cpu_time` under `[limits]` in qiao.toml is the limit of one call"
    )]
    CpuTime {
        /// The plugin.
        plugin: String,
        /// The function called.
        function: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The call took too long, waiting included.
    #[error(
        "the plugin `{plugin}` did not return from `{function}` within {limit:?}\n  hint: `call_time` under `[limits]` in qiao.toml is the limit of one call, HTTP included"
    )]
    CallTime {
        /// The plugin.
        plugin: String,
        /// The function called.
        function: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// The plugin has no such interface.
    #[error("the plugin `{plugin}` {reason}")]
    Missing {
        /// The plugin.
        plugin: String,
        /// What it lacks, as the rest of the sentence.
        reason: String,
    },
    /// What the plugin returned is not what the contract says.
    #[error("the plugin `{plugin}` {reason}\n  hint: this is a mistake of the plugin: ask its author")]
    Malformed {
        /// The plugin.
        plugin: String,
        /// What it returned, as the rest of the sentence.
        reason: String,
    },
}

impl CallError {
    /// What to do when a call that only reads broke off, or one that surely changed nothing: after a time-out it may work next
    /// time, after a crash it needs a person.
    pub fn into_failure(self) -> Failure {
        let kind = match self {
            Self::CallTime { .. } => FailureKind::Transient,
            Self::Missing { .. } => FailureKind::Misconfigured,
            Self::Trap { .. } | Self::Memory { .. } | Self::CpuTime { .. } | Self::Malformed { .. } => {
                FailureKind::Rejected
            }
        };
        Failure::of_host(kind, self.code(), self.to_string())
    }

    /// The guest crashed: the same call would crash again, though a part of it may not.
    pub fn is_crash(&self) -> bool {
        matches!(self, Self::Trap { .. } | Self::Memory { .. } | Self::CpuTime { .. })
    }

    /// The error's code: the same for the same cause, whatever the message says.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "plugin-trap",
            Self::Memory { .. } => "plugin-memory",
            Self::CpuTime { .. } => "plugin-cpu-time",
            Self::CallTime { .. } => "plugin-call-time",
            Self::Missing { .. } => "plugin-missing-export",
            Self::Malformed { .. } => "plugin-malformed-answer",
        }
    }
}

/// What the engine does about a failure; the contract's `failure-kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Nothing was applied; tried again.
    Transient,
    /// Nothing was applied; the connection slows down.
    Throttled,
    /// Nothing was applied; signed in again.
    Unauthorized,
    /// The vendor refuses this bill.
    Rejected,
    /// Nobody knows; looked up.
    Uncertain,
    /// The scheme or the connection is set up wrong.
    Misconfigured,
}

impl FailureKind {
    /// The contract's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Unauthorized => "unauthorized",
            Self::Rejected => "rejected",
            Self::Uncertain => "uncertain",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// What went wrong, in words that the engine and a person understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// The vendor's own code, or the host's.
    pub code: Option<String>,
    /// What a person can do.
    pub hint: Option<String>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(code) = &self.code {
            write!(f, "[{code}] ")?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Failure {
    /// A failure that the host itself found.
    pub fn of_host(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: Some(code.to_owned()), hint: None, retry_after: None }
    }

    /// Says what a person can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that trying again is in vain before so long.
    #[must_use]
    pub(super) fn not_before(mut self, wait: Duration) -> Self {
        self.retry_after = Some(self.retry_after.unwrap_or_default().max(wait));
        self
    }

    /// The same, with every text passed through `redact`.
    #[must_use]
    pub fn map_text(mut self, redact: impl Fn(&str) -> String) -> Self {
        self.message = redact(&self.message);
        self.code = self.code.as_deref().map(&redact);
        self.hint = self.hint.as_deref().map(&redact);
        self
    }
}

impl From<types::Failure> for Failure {
    fn from(failure: types::Failure) -> Self {
        Self {
            kind: match failure.kind {
                types::FailureKind::Transient => FailureKind::Transient,
                types::FailureKind::Throttled => FailureKind::Throttled,
                types::FailureKind::Unauthorized => FailureKind::Unauthorized,
                types::FailureKind::Rejected => FailureKind::Rejected,
                types::FailureKind::Uncertain => FailureKind::Uncertain,
                types::FailureKind::Misconfigured => FailureKind::Misconfigured,
            },
            message: shortened(failure.message),
            code: failure.code.map(shortened),
            hint: failure.hint.map(shortened),
            retry_after: failure.retry_after_ms.map(|ms| Duration::from_millis(ms.into())),
        }
    }
}

/// Bytes of a plugin's message that are kept: it is logged, and stays in the journal.
const MESSAGE: usize = 4 * 1024;

/// As much of a text as is kept.
fn shortened(mut text: String) -> String {
    if text.len() > MESSAGE {
        text.truncate(text.floor_char_boundary(MESSAGE));
        text.push('…');
    }
    text
}

/// What may help with a file that the engine refuses. It has no code for its reasons.
fn of_invalid(reason: &str) -> &'static str {
    if reason.contains("memory has a minimum byte size") {
        "it needs more memory from the start than a call may have: raise `memory` in the `[limits]` of `qiao.toml`"
    } else {
        "the file may be cut off; build or copy it again"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::plugin::runtime::Runtime;

    #[test]
    fn a_plugin_with_more_memory_than_a_call_may_have_is_told_from_a_broken_file() {
        let runtime = Runtime::new(2 << 20).unwrap();
        let hint = |wat: &[u8]| {
            let refused = wasmtime::component::Component::new(&runtime.engine, wat).err().unwrap();
            LoadError::Invalid { file: "p.wasm".into(), reason: format!("{refused:#}") }.to_string()
        };
        let large = b"(component (core module $m (memory 64)) (core instance (instantiate $m)))";
        assert!(hint(large).contains("raise `memory`"), "{}", hint(large));
        assert!(hint(b"\0asm\x0d\0\x01\0\x07\xff\xff").contains("cut off"));
    }
}

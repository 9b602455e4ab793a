//! Why something did not happen.
//!
//! The kind decides what the engine does, so it is what a connector's author should think about longest: `transient` promises that
//! nothing was applied, `uncertain` costs a look-up, `rejected` needs a person. The constructors are the kinds' names.

use std::fmt;
use std::time::Duration;

use crate::bindings::lent::types as wit;

/// What the engine does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Nothing was applied; the same call may succeed later. Retried with back-off.
    Transient,
    /// The vendor asked for less traffic. Nothing was applied; the connection slows down, then the call is retried.
    Throttled,
    /// The session is not, or no longer, valid. Nothing was applied; the host signs in again, once.
    Unauthorized,
    /// The vendor refuses this bill for what it contains. Dead until a person, or a changed table, mends it.
    Rejected,
    /// Nobody knows whether the vendor applied it. Looked up with [`Target::find`](crate::Target::find) before any retry.
    Uncertain,
    /// The scheme or the connection is set up wrong. The scheme stops until somebody mends it.
    Misconfigured,
}

/// Why something did not happen, for the engine (`kind`) and for a person (the rest).
///
/// ```
/// use qiao_plugin::{Failure, FailureKind};
///
/// let failure = Failure::rejected("客户编码不存在").code("MsgCode 11").hint("add the customer, then retry the record");
/// assert_eq!(failure.kind, FailureKind::Rejected);
/// assert_eq!(failure.to_string(), "客户编码不存在 (MsgCode 11); hint: add the customer, then retry the record");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the engine does about it.
    pub kind: FailureKind,
    /// What happened, in the vendor's own words where there are any. Never put a secret here.
    pub message: String,
    /// The vendor's own error code, verbatim.
    pub code: Option<String>,
    /// What a person can do about it, when the connector knows.
    pub hint: Option<String>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, hint: None, retry_after: None }
    }

    /// Nothing was applied; the same call may succeed later.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, message)
    }

    /// The vendor asked for less traffic; nothing was applied.
    pub fn throttled(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Throttled, message)
    }

    /// The session is not, or no longer, valid; nothing was applied.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unauthorized, message)
    }

    /// The vendor refuses this bill for what it contains.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Rejected, message)
    }

    /// Nobody knows whether the vendor applied it.
    pub fn uncertain(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Uncertain, message)
    }

    /// The scheme or the connection is set up wrong.
    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Misconfigured, message)
    }

    /// With the vendor's own error code, verbatim.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With how long the vendor asks to wait, where it says so.
    #[must_use]
    pub fn retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.retry_after = wait.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Transient => wit::FailureKind::Transient,
                FailureKind::Throttled => wit::FailureKind::Throttled,
                FailureKind::Unauthorized => wit::FailureKind::Unauthorized,
                FailureKind::Rejected => wit::FailureKind::Rejected,
                FailureKind::Uncertain => wit::FailureKind::Uncertain,
                FailureKind::Misconfigured => wit::FailureKind::Misconfigured,
            },
            message: failure.message,
            code: failure.code,
            hint: failure.hint,
            retry_after_ms: failure.retry_after.map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
        }
    }
}

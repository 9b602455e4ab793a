//! On whose behalf functions and stages are called.

use crate::bindings::lent::types as wit;

/// On whose behalf functions and stages are called. Those that need it take `&Context` as their first parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The scheme (its file's stem); `None` when a person calls a function by hand.
    pub scheme: Option<String>,
    /// The scheme's time zone (IANA name), in which date texts without an offset are meant.
    pub time_zone: String,
}

/// No scheme, in the time zone of [`Connection::new`](crate::Connection::new): for tests.
impl Default for Context {
    fn default() -> Self {
        Self { scheme: None, time_zone: "Asia/Shanghai".to_owned() }
    }
}

impl From<wit::Context> for Context {
    fn from(context: wit::Context) -> Self {
        Self { scheme: context.scheme, time_zone: context.time_zone }
    }
}

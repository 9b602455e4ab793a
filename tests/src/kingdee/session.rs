//! Sessions: what the cookies of a login, or of the first signed answer, name.
//!
//! A caller who signs its headers needs no session, but is given one and may name it later, as a cookie or as the bare header
//! `kdservice-sessionid`. Naming one that has ended is answered with `MsgCode` 1 whatever else was sent, and so is naming one that
//! this server never gave: after a restart it has forgotten them all.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::door::{Answer, Request};
use crate::lock;

#[derive(Debug, Default)]
struct Book {
    live: HashSet<String>,
    given: u64,
}

/// The sessions of one data centre.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Book>);

impl Sessions {
    /// The session that a request names, if it names one.
    pub(crate) fn named(request: &Request) -> Option<String> {
        if let Some(bare) = request.header("kdservice-sessionid").filter(|name| !name.is_empty()) {
            return Some(bare.to_owned());
        }
        let mut cookies = request.headers.get_all("cookie").iter();
        cookies.find_map(|cookie| {
            let mut pairs = cookie.to_str().ok()?.split(';');
            pairs.find_map(|pair| match pair.trim().split_once('=') {
                Some(("kdservice-sessionid", name)) if !name.is_empty() => Some(name.to_owned()),
                _ => None,
            })
        })
    }

    pub(crate) fn is_live(&self, name: &str) -> bool {
        lock(&self.0).live.contains(name)
    }

    pub(crate) fn revoke(&self, name: &str) {
        lock(&self.0).live.remove(name);
    }

    pub(crate) fn revoke_all(&self) {
        lock(&self.0).live.clear();
    }

    /// Begins a session and gives its name.
    pub(crate) fn begin(&self) -> String {
        let mut book = lock(&self.0);
        book.given += 1;
        // Different in every process, so that a session from before a restart is not taken for one of these.
        let name = format!("{:08x}-0000-4000-8000-{:012x}", std::process::id(), book.given);
        book.live.insert(name.clone());
        name
    }
}

/// Sets the cookies of a session. The SDK splits `Set-Cookie` at commas, so that there is no `expires`.
pub(crate) fn with_cookies(answer: Answer, name: &str) -> Answer {
    let tail: String = name.chars().filter(char::is_ascii_hexdigit).collect();
    answer
        .with_header("set-cookie", format!("ASP.NET_SessionId=asp{tail}; path=/; HttpOnly"))
        .with_header("set-cookie", format!("kdservice-sessionid={name}; path=/"))
}

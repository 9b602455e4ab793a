//! What the store does when it meets what it did not expect: it panics.
//!
//! sled checks what it reads, but where it finds a page that cannot be, it gives up the thread. Here that becomes an error
//! with a reason, and is not printed as if Qiao had broken; in the store's own threads it goes to the log.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use super::JournalError;

thread_local! {
    /// `None`: nothing is caught in this thread now. Else where the last panic was, if there was one.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does something with the store; a panic is an error. Whatever it was, nothing that it held may be used after it but to be
/// dropped: the store has to be opened again.
pub(super) fn caught<T>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    say_it_ourselves();
    let outer = CAUGHT.replace(Some(String::new()));
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    let said = CAUGHT.replace(outer).unwrap_or_default();
    done.unwrap_or_else(|_| Err(JournalError::Broken { action, reason: said }))
}

fn say_it_ourselves() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_caught =
                CAUGHT.with_borrow_mut(|said| said.as_mut().map(|said| *said = in_one_line(info)).is_some());
            if !is_caught {
                if is_of_store(info) {
                    tracing::error!("a thread of the journal's store ended: {}", in_one_line(info));
                } else {
                    usual(info);
                }
            }
        }));
    });
}

fn is_of_store(info: &PanicHookInfo<'_>) -> bool {
    info.location().is_some_and(|location| location.file().contains("sled-0."))
}

fn in_one_line(info: &PanicHookInfo<'_>) -> String {
    let said = info.payload_as_str().unwrap_or("no reason given");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match info.location() {
        Some(at) => {
            let file = at.file().rsplit(['/', '\\']).next().unwrap_or_default();
            format!("{file}:{}: {said}", at.line())
        }
        None => said,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_place() {
        let broken = || -> Result<(), JournalError> { panic!("no\n  page") };
        let error = caught("read", broken).unwrap_err().to_string();
        let expected = "the journal could not be read, its store does not hold together: caught.rs:";
        assert!(error.starts_with(expected) && error.contains(": no page\n  hint: "), "{error}");
        assert_eq!(caught("read", || Ok(7)).unwrap(), 7);
    }
}

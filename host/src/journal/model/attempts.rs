//! Attempts: what was sent for a bill, and what was answered.

use serde::{Deserialize, Serialize};

use super::BillVersion;

/// One call to the vendor for a bill, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The version that it was for.
    pub version: BillVersion,
    /// What was done.
    pub step: AttemptStep,
    /// When it was over, Unix milliseconds.
    pub at_ms: i64,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// What came of it.
    pub result: AttemptResult,
    /// The requests, in the order in which they were sent. Empty where `with` has them.
    pub exchanges: Vec<Exchange>,
    /// The bill that shared the call and keeps its requests.
    pub with: Option<BillVersion>,
}

/// What an attempt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptStep {
    /// It wrote the bill.
    Write,
    /// It asked whether the vendor has it.
    LookUp,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptResult {
    /// The vendor has the bill.
    Done,
    /// The vendor does not have it.
    Absent,
    /// The vendor has it, with a step missing.
    HalfDone,
    /// It went wrong.
    Failed {
        /// The failure's kind, as the contract names it.
        kind: String,
        /// The vendor's own code.
        code: Option<String>,
        /// What was said.
        message: String,
    },
}

/// A request to the vendor and its answer, without secrets, each cut to a size that a journal can bear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The path, and the query.
    pub path: String,
    /// The body that was sent.
    pub request: Excerpt,
    /// The HTTP status; `None`: no answer came.
    pub status: Option<u16>,
    /// The body that came back; what went wrong, where none came.
    pub reply: Excerpt,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// The beginning of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// What is kept of it.
    pub text: String,
    /// Bytes that are left out.
    pub left_out: u64,
}

impl Excerpt {
    /// The first `most` bytes of a text, less if that would cut a letter in two. What is no UTF-8 is replaced.
    pub fn of(bytes: &[u8], most: usize) -> Self {
        let mut end = bytes.len().min(most);
        // A letter has at most four bytes; the ones behind its first begin with the bits 10.
        while end < bytes.len() && end > 0 && bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) && most - end < 4 {
            end -= 1;
        }
        let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        Self { text, left_out: (bytes.len() - end) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_cuts_no_letter_in_two() {
        let text = "订单".as_bytes();
        let excerpt = |most| Excerpt::of(text, most);
        assert_eq!(excerpt(6), Excerpt { text: "订单".to_owned(), left_out: 0 });
        assert_eq!(excerpt(5), Excerpt { text: "订".to_owned(), left_out: 3 });
        assert_eq!(excerpt(3), Excerpt { text: "订".to_owned(), left_out: 3 });
        assert_eq!(excerpt(2), Excerpt { text: String::new(), left_out: 6 });
        assert_eq!(Excerpt::of(&[0xFF, b'a'], 9).text, "\u{FFFD}a");
    }
}

//! Which content of a bill was saved.
//!
//! Between a save and the step after it days may pass, in which somebody mends the mapping or a table. So a half-done bill is kept with the
//! digest of the content that was saved, and goes on only where that is still its content.
//!
//! The digest only has to notice a change: it is the first half of the SHA-256 of the mapped bill's JSON text. The text is taken as it is,
//! the order of the fields included, since Kingdee reads them in their order. It outlives builds: another way to make it would save each
//! half-done bill once more, and have those that are submitted already wait for a person.

use qiao_plugin::{Object, Value};
use sha2::{Digest as _, Sha256};

/// In a digest's place: nobody knows which content was saved last. It equals none.
pub(crate) const UNKNOWN: &str = "unknown";

/// The digest of a mapped bill, 32 hexadecimal digits.
pub(crate) fn of(body: &Object) -> String {
    let text = Value::from(body.clone()).to_string();
    let mut digest = format!("{:x}", Sha256::digest(text));
    digest.truncate(32);
    digest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    #[test]
    fn a_digest_is_the_same_in_every_build_and_another_for_any_change() {
        let of = |text: &str| super::of(&serde_json::from_str(text).unwrap());
        let mapped = r#"{"FBillNo": "退1", "FEntity": [{"FRealQty": 1.0}]}"#;
        // printf '%s' '{"FBillNo":"退1","FEntity":[{"FRealQty":1.0}]}' | sha256sum | cut -c-32
        assert_eq!(of(mapped), "8eded25af6a29d5a3176f9138e42bdd8");
        for changed in [
            r#"{"FBillNo": "退2", "FEntity": [{"FRealQty": 1.0}]}"#,
            r#"{"FBillNo": "退1", "FEntity": [{"FRealQty": 1.00}]}"#,
            r#"{"FBillNo": "退1", "FEntity": [{"FRealQty": "1.0"}]}"#,
            r#"{"FEntity": [{"FRealQty": 1.0}], "FBillNo": "退1"}"#,
            "{}",
        ] {
            assert_ne!(of(changed), of(mapped), "{changed}");
        }
    }
}

//! Values that are much alike inside, made shorter.
//!
//! The rows of one vendor name the same fields again and again, and so do the requests made of them: together they need a
//! fifth of their length. What is read and written for each bill wants a fast format more than a dense one: [LZ4](https://lz4.org).
//!
//! The first byte says whether what follows is compressed; what would not get shorter is not.

use std::borrow::Cow;

use lz4_flex::block;

use super::JournalError;
use super::key::printable;

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// Shorter ones are left as they are.
const SHORTEST: usize = 128;

/// Nothing that is written comes near this; a damaged length must not be believed.
const LONGEST: usize = 64 * 1024 * 1024;

/// The value as it is stored.
pub(super) fn compress(value: &[u8]) -> Vec<u8> {
    if value.len() >= SHORTEST {
        let compressed = block::compress_prepend_size(value);
        if compressed.len() < value.len() {
            return [&[LZ4], compressed.as_slice()].concat();
        }
    }
    [&[PLAIN], value].concat()
}

/// The value as it was.
pub(super) fn decompress<'v>(key: &[u8], stored: &'v [u8]) -> Result<Cow<'v, [u8]>, JournalError> {
    let damaged = |reason: String| JournalError::Damaged { key: printable(key), reason };
    match stored.split_first() {
        Some((&PLAIN, value)) => Ok(Cow::Borrowed(value)),
        Some((&LZ4, compressed)) => {
            let (length, compressed) =
                block::uncompressed_size(compressed).map_err(|error| damaged(error.to_string()))?;
            if length > LONGEST {
                return Err(damaged(format!("it is said to have {length} bytes")));
            }
            let value = block::decompress(compressed, length).map_err(|error| damaged(error.to_string()))?;
            if value.len() != length {
                return Err(damaged(format!("it has {} bytes of {length}", value.len())));
            }
            Ok(Cow::Owned(value))
        }
        _ => Err(damaged("it does not say how it is compressed".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_alike_gets_shorter_and_the_rest_no_longer_than_a_byte() {
        let rows = r#"{"单据编号":"XSDD000001","物料编码":"MAT-001"}"#.repeat(20);
        assert!(compress(rows.as_bytes()).len() * 5 < rows.len());
        // Powers of a primitive root: no byte soon follows the same byte twice.
        let noise: Vec<u8> = (0..256_u32)
            .scan(1, |power, _| {
                *power = *power * 3 % 257;
                u8::try_from(*power - 1).ok()
            })
            .collect();
        assert_eq!(compress(&noise).len(), noise.len() + 1);
    }

    #[test]
    fn what_is_damaged_is_said_and_allocates_nothing() {
        let whole = compress(&[7; 1_000]);
        let mut endless = whole.clone();
        endless[1..5].fill(0xFF);
        for damaged in [&[][..], &[9], &[LZ4, 1], &whole[..whole.len() - 1], &endless] {
            assert!(matches!(decompress(b"g", damaged), Err(JournalError::Damaged { .. })), "{damaged:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read(value in prop::collection::vec(0_u8..4, 0..2_000)) {
            let stored = compress(&value);
            prop_assert_eq!(&*decompress(b"g", &stored).unwrap(), &value);
        }

        #[test]
        fn no_bytes_break_it_off(stored in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decompress(b"g", &stored);
        }
    }
}

//! Amounts: rounded, written and read, in exact decimals.

use qiao_plugin::{Decimal, Library};

use crate::amount_words;
use crate::arguments::{Amount, Decimals, Rounding};

pub(crate) const AMOUNT: (&str, &str) = (
    "amount",
    "A number, or text that spells one: `1,234.50`, `￥12`, `（5.00）` and full-width digits too. Nothing gives `null`.",
);
const ROUNDING: (&str, &str) = (
    "rounding",
    "`half-up` (away from zero, the default), `half-even`, `half-down`, `up`, `down`, `ceiling` or `floor`.",
);

pub(crate) fn register(library: &mut Library<'_>) {
    library.function(
        "formatAmount",
        "An amount as text with a fixed number of decimals.",
        [
            AMOUNT,
            ("decimals", "How many, 0 to 28; 2 if left out."),
            ROUNDING,
            ("thousands", "What stands between thousands, such as `,`; nothing if left out."),
        ],
        format_amount,
    );
    library.function(
        "round",
        "An amount rounded, as a number.",
        [AMOUNT, ("decimals", "How many at most, 0 to 28; 2 if left out."), ROUNDING],
        round,
    );
    library.function("toNumber", "Text that spells an amount, as a number with all its digits.", [AMOUNT], to_number);
    library.function(
        "amountInWords",
        "An amount in Chinese words, as on invoices and cheques: `123.45` → `壹佰贰拾叁元肆角伍分`.",
        [AMOUNT],
        |amount: Amount| amount.0.map(amount_words::in_words).transpose(),
    );
}

fn format_amount(
    amount: Amount,
    decimals: Option<Decimals>,
    rounding: Option<Rounding>,
    thousands: Option<&str>,
) -> Option<String> {
    let decimals = decimals.unwrap_or(Decimals::OF_MONEY);
    let rounded = rounding.unwrap_or(Rounding::HALF_UP).round(amount.0?, decimals);
    let text = written(rounded, decimals);
    Some(match thousands {
        None | Some("") => text,
        Some(separator) => grouped(&text, separator),
    })
}

/// All decimals, zeros too. Not by `{:.2}`, for which `Decimal` has room for 28 digits only.
fn written(rounded: Decimal, decimals: Decimals) -> String {
    let mut text = rounded.to_string();
    let wanted = decimals.0 as usize;
    let there = text.find('.').map(|point| text.len() - point - 1);
    if there.is_none() && wanted > 0 {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', wanted.saturating_sub(there.unwrap_or(0))));
    text
}

/// `-1234567.50` → `-1,234,567.50`.
fn grouped(text: &str, separator: &str) -> String {
    let whole_end = text.find('.').unwrap_or(text.len());
    let mut whole = String::with_capacity(text.len() * 2);
    for (place, letter) in text.char_indices() {
        let behind = whole_end.saturating_sub(place);
        let after_a_digit =
            text.get(..place).is_some_and(|before| before.ends_with(|last: char| last.is_ascii_digit()));
        if after_a_digit && behind > 0 && behind.is_multiple_of(3) {
            whole.push_str(separator);
        }
        whole.push(letter);
    }
    whole
}

fn round(amount: Amount, decimals: Option<Decimals>, rounding: Option<Rounding>) -> Option<Decimal> {
    Some(rounding.unwrap_or(Rounding::HALF_UP).round(amount.0?, decimals.unwrap_or(Decimals::OF_MONEY)))
}

fn to_number(amount: Amount) -> Option<Decimal> {
    amount.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;
    use qiao_plugin::json::json;

    use crate::testing::{answer, call};

    use super::*;

    #[test]
    fn amounts_are_written_with_their_decimals() {
        let cases = [
            (json!([12.5]), r#""12.50""#),
            (json!(["1.0000"]), r#""1.00""#),
            (json!(["1,234.5"]), r#""1234.50""#),
            (json!([0]), r#""0.00""#),
            (json!([2.675]), r#""2.68""#),
            (json!([-2.675]), r#""-2.68""#),
            (json!([-0.001]), r#""0.00""#),
            (json!(["-0.00"]), r#""0.00""#),
            (json!(["-¥0"]), r#""0.00""#),
            (json!([-0.4, 0, "down"]), r#""0""#),
            (json!([-0.4, 0, "ceiling"]), r#""0""#),
            (json!([-0.4, 0, "half-down"]), r#""0""#),
            (json!([-0.4, 0, "half-even"]), r#""0""#),
            (json!([null]), "null"),
            (json!([""]), "null"),
            (json!([12.345, 0]), r#""12""#),
            (json!([12.345, 4]), r#""12.3450""#),
            (json!(["79228162514264337593543950335", 3]), r#""79228162514264337593543950335.000""#),
            (json!(["1234567.891", 2, null, ","]), r#""1,234,567.89""#),
            (json!(["-123456.7", 1, null, ","]), r#""-123,456.7""#),
            (json!([123, 0, null, ","]), r#""123""#),
            (json!([1000, 0, null, " "]), r#""1 000""#),
            (json!(["0.1234567", 7, null, ","]), r#""0.1234567""#),
            (json!(["abc"]), "! parameter `amount`: `abc` is no amount of up to 28 digits"),
            (json!([1, 29]), "! parameter `decimals`: `29` is not from 0 to 28"),
            (
                json!([1, 2, "near"]),
                "! parameter `rounding`: `near` is no way of rounding; there are half-up, half-even, half-down, up, down, ceiling, floor",
            ),
        ];
        for (row, expected) in cases {
            assert_eq!(call("formatAmount", &row), expected, "{row}");
        }
    }

    #[test]
    fn a_half_goes_where_the_rounding_says() {
        //                 half-up half-even half-down up  down ceiling floor
        let cases = [
            ("0.5", [1, 0, 0, 1, 0, 1, 0]),
            ("1.5", [2, 2, 1, 2, 1, 2, 1]),
            ("-0.5", [-1, 0, 0, -1, 0, 0, -1]),
            ("-2.5", [-3, -2, -2, -3, -2, -2, -3]),
            ("2.51", [3, 3, 3, 3, 2, 3, 2]),
            ("2.49", [2, 2, 2, 3, 2, 3, 2]),
            ("3.00", [3, 3, 3, 3, 3, 3, 3]),
        ];
        let ways = ["half-up", "half-even", "half-down", "up", "down", "ceiling", "floor"];
        for (amount, expected) in cases {
            let rounded = ways.map(|way| call("round", &json!([amount, 0, way])).parse::<i32>().unwrap());
            assert_eq!(rounded, expected, "{amount}");
        }
        assert_eq!(call("round", &json!([1.005])), "1.01");
        assert_eq!(call("round", &json!(["12.30", 5])), "12.30");
        assert_eq!(call("round", &json!([null])), "null");
    }

    #[test]
    fn text_becomes_a_number() {
        let cases = [
            (json!(["￥１，２３４．５０"]), "1234.50"),
            (json!(["12.5000"]), "12.5000"),
            (json!([7]), "7"),
            (json!([null]), "null"),
            (json!(["1,5"]), "! parameter `amount`: `1,5` is no amount of up to 28 digits"),
        ];
        for (row, expected) in cases {
            assert_eq!(call("toNumber", &row), expected, "{row}");
        }
    }

    fn amounts() -> impl Strategy<Value = Decimal> {
        (-1_000_000_000_000_000_i128..=1_000_000_000_000_000, 0..=12_u32)
            .prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits, scale))
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_rounded_amount(amount in amounts(), decimals in 0..=12_u32) {
            let text = answer("formatAmount", &json!([amount.to_string(), decimals])).unwrap();
            let text = text.as_str().unwrap();
            let written: Decimal = text.parse().unwrap();
            prop_assert!((written - amount).abs() * Decimal::TWO <= Decimal::new(1, decimals), "{amount} {text}");
            prop_assert_eq!(text.split_once('.').map_or(0, |(_, fraction)| fraction.len()), decimals as usize, "{}", text);
            let grouped = answer("formatAmount", &json!([amount.to_string(), decimals, null, ","])).unwrap();
            prop_assert_eq!(call("toNumber", &json!([grouped])), text);
        }

        #[test]
        fn a_tie_goes_up(whole in -1_000_000..=1_000_000_i64, decimals in 0..=6_u32) {
            let tie = Decimal::new(whole * 10 + whole.signum() * 5, decimals + 1);
            let expected = Decimal::new(whole + whole.signum(), decimals);
            let rounded: Decimal = call("round", &json!([tie.to_string(), decimals])).parse().unwrap();
            prop_assert_eq!(rounded, expected);
        }
    }
}

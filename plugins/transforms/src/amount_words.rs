//! Amounts in Chinese words (人民币大写), as the People's Bank of China has them written on bills and settlement vouchers
//! (《支付结算办法》 annex 1, 正确填写票据和结算凭证的基本规定).
//!
//! Where the rules allow two forms, the first that they print is written: 零 between 元 and 角 where the last digit of the yuan is zero
//! (`1680.32` → `壹仟陆佰捌拾元零叁角贰分`), no 零 before thousands (`107000` → `壹拾万柒仟元整`), no 整 after 角.

use qiao_plugin::Decimal;

/// One more than the largest number of yuan: beyond 亿 of 亿 the names of the units are disputed.
const LIMIT: u64 = 10_000_000_000_000_000;

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];

/// The amount in words. An amount that is not whole fen has none.
pub(crate) fn in_words(amount: Decimal) -> Result<String, String> {
    let exact = amount.abs().normalize();
    if exact.scale() > 2 {
        return Err(format!("`{amount}` is no whole number of fen; round it first"));
    }
    let too_large = || format!("`{amount}` is too large to be written in words");
    let yuan = u64::try_from(exact.trunc()).ok().filter(|yuan| *yuan < LIMIT).ok_or_else(too_large)?;
    let fen = u8::try_from(exact.fract() * Decimal::ONE_HUNDRED).map_err(|_| too_large())?;

    let mut words = String::new();
    if amount.is_sign_negative() && !exact.is_zero() {
        words.push('负');
    }
    if yuan > 0 {
        words.push_str(&whole(yuan));
        words.push('元');
    }
    match (fen / 10, fen % 10) {
        (0, 0) if yuan == 0 => words.push_str("零元整"),
        (0, 0) => words.push('整'),
        (jiao, fen) => {
            if yuan > 0 && (jiao == 0 || yuan.is_multiple_of(10)) {
                words.push('零');
            }
            if jiao > 0 {
                words.push(digit(jiao.into()));
                words.push('角');
            }
            if fen > 0 {
                words.push(digit(fen.into()));
                words.push('分');
            }
        }
    }
    Ok(words)
}

/// A number above zero, without its unit.
fn whole(number: u64) -> String {
    parted(number, 100_000_000, '亿', |part| parted(part, 10_000, '万', below_ten_thousand))
}

/// The part above `size` with its unit, the part below; a gap between them is 零.
fn parted(number: u64, size: u64, unit: char, write: impl Fn(u64) -> String) -> String {
    let (above, below) = (number / size, number % size);
    if above == 0 {
        return write(below);
    }
    let mut words = write(above);
    words.push(unit);
    if below > 0 {
        if below < size / 10 {
            words.push('零');
        }
        words.push_str(&write(below));
    }
    words
}

fn below_ten_thousand(number: u64) -> String {
    let mut words = String::new();
    let mut gap = false;
    for (size, unit) in [(1000, Some('仟')), (100, Some('佰')), (10, Some('拾')), (1, None)] {
        let place = number / size % 10;
        if place == 0 {
            gap = !words.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            words.push('零');
        }
        words.push(digit(place));
        words.extend(unit);
    }
    words
}

fn digit(digit: u64) -> char {
    usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rules() {
        let cases = [
            ("1409.50", "壹仟肆佰零玖元伍角"),
            ("6007.14", "陆仟零柒元壹角肆分"),
            ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
            ("107000.53", "壹拾万柒仟元零伍角叁分"),
            ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
            ("325.04", "叁佰贰拾伍元零肆分"),
        ];
        for (amount, words) in cases {
            assert_eq!(in_words(amount.parse().unwrap()).as_deref(), Ok(words), "{amount}");
        }
    }

    #[test]
    fn amounts_in_words() {
        let cases = [
            ("123.45", "壹佰贰拾叁元肆角伍分"),
            ("0", "零元整"),
            ("-0.00", "零元整"),
            ("0.05", "伍分"),
            ("0.50", "伍角"),
            ("0.32", "叁角贰分"),
            ("1", "壹元整"),
            ("10", "壹拾元整"),
            ("10.05", "壹拾元零伍分"),
            ("101.00", "壹佰零壹元整"),
            ("1001", "壹仟零壹元整"),
            ("1010", "壹仟零壹拾元整"),
            ("10000", "壹万元整"),
            ("10001", "壹万零壹元整"),
            ("100700", "壹拾万零柒佰元整"),
            ("1234567.89", "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
            ("100000000", "壹亿元整"),
            ("100000001", "壹亿零壹元整"),
            ("100010000", "壹亿零壹万元整"),
            ("110000000", "壹亿壹仟万元整"),
            ("1000000000000", "壹万亿元整"),
            ("1000010000000", "壹万亿壹仟万元整"),
            ("9999999999999999.99", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
            ("-12.30", "负壹拾贰元叁角"),
            ("12.3400", "壹拾贰元叁角肆分"),
        ];
        for (amount, words) in cases {
            assert_eq!(in_words(amount.parse().unwrap()).as_deref(), Ok(words), "{amount}");
        }
        assert_eq!(
            in_words("1.005".parse().unwrap()).unwrap_err(),
            "`1.005` is no whole number of fen; round it first"
        );
        assert_eq!(
            in_words("10000000000000000".parse().unwrap()).unwrap_err(),
            "`10000000000000000` is too large to be written in words"
        );
    }

    /// What a reader understands: digits times units, larger units over all that stands before them.
    fn fen(words: &str) -> i64 {
        let (sign, words) = words.strip_prefix('负').map_or((1, words), |words| (-1, words));
        let (mut total, mut upper, mut section, mut last) = (0_i64, 0_i64, 0_i64, 0_i64);
        for letter in words.chars() {
            match letter {
                '元' => {
                    total += (upper + section + last) * 100;
                    (upper, section, last) = (0, 0, 0);
                }
                '角' | '分' => {
                    total += last * if letter == '角' { 10 } else { 1 };
                    last = 0;
                }
                '拾' | '佰' | '仟' => {
                    section +=
                        last * [('拾', 10), ('佰', 100), ('仟', 1000)].iter().find(|unit| unit.0 == letter).unwrap().1;
                    last = 0;
                }
                '万' | '亿' => {
                    let size = if letter == '万' { 10_000 } else { 100_000_000 };
                    // 万 counts what stands before it since 亿, 亿 counts everything.
                    let (kept, counted) = if letter == '万' {
                        (upper / 100_000_000 * 100_000_000, section + last)
                    } else {
                        (0, upper + section + last)
                    };
                    upper = kept + counted * size;
                    (section, last) = (0, 0);
                }
                '整' => {}
                digit => last = i64::try_from(DIGITS.iter().position(|other| *other == digit).unwrap()).unwrap(),
            }
        }
        sign * total
    }

    proptest! {
        #[test]
        fn words_say_the_amount(cents in prop_oneof![
            -100_000_000_i64..100_000_000,
            -100_000_000_000_000_000_i64..100_000_000_000_000_000,
            (0..10_i64, 0..17_u32).prop_map(|(digit, zeros)| digit * 10_i64.pow(zeros)),
            (0..10_i64, 0..9_u32, 0..1_000_i64).prop_map(|(digit, zeros, rest)| digit * 10_i64.pow(zeros + 4) + rest),
        ]) {
            let words = in_words(Decimal::new(cents, 2)).unwrap();
            prop_assert_eq!(fen(&words), cents, "{}", words);
            prop_assert!(!words.contains("零零") && !words.ends_with('零') && !words.contains("零万") && !words.contains("零亿"), "{words}");
        }
    }
}

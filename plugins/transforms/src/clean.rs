//! Text as people type it: full-width letters, invisible characters, white space of every kind.
//!
//! An input method writes `ＡＢＣ１２３` and `　` where a code is meant; a cell copied from a web page brings `\u{a0}` and `\u{200b}`.
//! Two codes that look alike are then different to every vendor.

use qiao_plugin::Library;

use crate::arguments::Text;

const TEXT: (&str, &str) = ("text", "The text; `null` stays `null`.");

pub(crate) fn register(library: &mut Library<'_>) {
    library.function(
        "toHalfWidth",
        "Full-width letters, digits, signs and spaces as their half-width ones: `ＡＢＣ１２３（）` → `ABC123()`.",
        [TEXT],
        |text: Text<'_>| text.0.map(to_half_width),
    );
    library.function(
        "trimText",
        "Without white space and invisible characters at both ends, of whatever kind they are.",
        [TEXT],
        |text: Text<'_>| text.0.map(|text| trimmed(text).to_owned()),
    );
    library.function(
        "collapseSpaces",
        "Every run of white space, line breaks too, as one space; none at the ends.",
        [TEXT],
        |text: Text<'_>| text.0.map(collapsed),
    );
    library.function(
        "cleanText",
        "Half-width, without control and invisible characters, with single spaces and none at the ends.",
        [TEXT],
        |text: Text<'_>| text.0.map(cleaned),
    );
}

/// Full-width forms as their half-width ones; Chinese punctuation without such a form (`。「」`) stays.
pub(crate) fn to_half_width(text: &str) -> String {
    text.chars().map(half_width).collect()
}

fn half_width(letter: char) -> char {
    match letter {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
        '￠' => '¢',
        '￡' => '£',
        '￢' => '¬',
        '￣' => '¯',
        '￤' => '¦',
        '￥' => '¥',
        '￦' => '₩',
        other => other,
    }
}

/// Characters without a width that text from web pages and input methods carries: soft hyphen, zero-width spaces and joiners, marks of
/// direction, byte order mark.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Without white space and invisible characters at both ends.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
}

fn collapsed(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut whole = words.next().unwrap_or_default().to_owned();
    for word in words {
        whole.push(' ');
        whole.push_str(word);
    }
    whole
}

fn cleaned(text: &str) -> String {
    let visible =
        text.chars().filter(|letter| letter.is_whitespace() || !(letter.is_control() || is_invisible(*letter)));
    collapsed(&visible.map(half_width).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cleaned() {
        // text, toHalfWidth, trimText, collapseSpaces, cleanText
        let cases = [
            ("", "", "", "", ""),
            ("桥", "桥", "桥", "桥", "桥"),
            ("！ＡＢｃ１２３～", "!ABc123~", "！ＡＢｃ１２３～", "！ＡＢｃ１２３～", "!ABc123~"),
            ("（张三），￥５", "(张三),¥5", "（张三），￥５", "（张三），￥５", "(张三),¥5"),
            ("「好」。", "「好」。", "「好」。", "「好」。", "「好」。"),
            ("\u{3000}张 三\u{a0}", " 张 三\u{a0}", "张 三", "张 三", "张 三"),
            (
                "\u{feff}MAT\u{200b}-1\r\n",
                "\u{feff}MAT\u{200b}-1\r\n",
                "MAT\u{200b}-1",
                "\u{feff}MAT\u{200b}-1",
                "MAT-1",
            ),
            ("a\u{7}b\tc\n\n d", "a\u{7}b\tc\n\n d", "a\u{7}b\tc\n\n d", "a\u{7}b c d", "ab c d"),
            (" \u{200b} ", " \u{200b} ", "", "\u{200b}", ""),
        ];
        for (text, half, trim, collapse, clean) in cases {
            assert_eq!(to_half_width(text), half, "toHalfWidth {text:?}");
            assert_eq!(trimmed(text), trim, "trimText {text:?}");
            assert_eq!(collapsed(text), collapse, "collapseSpaces {text:?}");
            assert_eq!(cleaned(text), clean, "cleanText {text:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in ".*|[ａ１　\u{200b}\u{feff}\u{a0}\t 中a]*") {
            for clean in [to_half_width, |text: &str| trimmed(text).to_owned(), collapsed, cleaned] {
                let once = clean(&text);
                prop_assert_eq!(clean(&once), once);
            }
        }

        #[test]
        fn half_width_keeps_the_number_of_characters(text in ".*") {
            prop_assert_eq!(to_half_width(&text).chars().count(), text.chars().count());
        }

        #[test]
        fn what_is_clean_has_no_space_but_single_ones(text in "[ａ１　\u{200b}\u{feff}\u{a0}\t\u{1} 中a]*") {
            let clean = cleaned(&text);
            prop_assert!(!clean.contains("  ") && clean.trim() == clean, "{clean:?}");
            prop_assert!(!clean.chars().any(|letter| letter.is_control() || is_invisible(letter)), "{clean:?}");
        }
    }
}

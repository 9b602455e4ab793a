//! Operands that are texts: filled in, then parsed, for that record.

use super::*;

#[test]
fn a_text_that_is_no_number_is_filled_in() {
    check(&[
        ("{{sum}}*2", "5"),
        ("{{sum}}*{{qty}}", "21.0"),
        ("{{call}}+1", "4"),
        ("concat({{quote}}, '{{name}}')", r#""xO'Neil \\ \"x\"""#),
        // The other placeholders stay what they are: an empty field is still told from a wrong text.
        ("ifnull({{none}}, {{sum}})", "3"),
        ("3-{{neg}}+{{sum}}", "11"),
        ("{{none}}+{{sum}}", "`{{none}}` is empty"),
        ("{{sum}}+{{none}}", "`{{none}}` is empty"),
        // A date without quotes is a subtraction, as on the published platform.
        ("{{day}}", "1994"),
        ("'{{day}}'", "\"2026-01-31\""),
    ]);
}

#[test]
fn what_fails_then_names_the_placeholder_and_its_text() {
    check(&[
        (
            "{{two_words}}+1",
            "`{{two_words}}` stands without quotes and is the text `a b`, with which it does not parse: `b` follows the end of the expression",
        ),
        ("1/({{sum}}-3)", "`{{sum}}` stands without quotes and is the text `1+2`, with which division by zero"),
        (
            "{{quote}}*1",
            "`{{quote}}` stands without quotes and is the text `'x'`, with which the text `x` is no number",
        ),
    ]);
}

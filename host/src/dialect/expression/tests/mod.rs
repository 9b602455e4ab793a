#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod aggregates;
mod casts;
mod dates;
mod docs;
mod filled_in;
mod texts;

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::super::name;
use super::*;

fn load(source: &str) -> Result<Loaded, ExpressionError> {
    Expression::load(Template::parse(source).unwrap())
}

fn row() -> serde_json::Map<String, Value> {
    serde_json::from_str(
        r#"{"qty": 10.0, "price": 12.345, "text_qty": "3", "zero": 0, "neg": -5, "code": "007", "name": "O'Neil \\ \"x\"",
            "none": null, "blank": "", "flag": true, "word": "abc", "big": 123456789012345678901234567890,
            "sum": "1+2", "two_words": "a b", "call": "abs(-3)", "day": "2026-01-31", "quote": "'x'", "all": "",
            "qtys": [1, 2, 3.50], "prices": [10.5, null, "2"], "names": ["红", "blue", "BLUE", ""], "days": ["2026-01-05", "2025-12-31"],
            "few": [1], "nobody": []}"#,
    )
    .unwrap()
}

fn run(source: &str) -> Result<Value, ExpressionError> {
    let expression = load(source)?.expression;
    let row = row();
    let values: Vec<Operand<'_>> = expression
        .fillings()
        .map(|(filling, of_list)| {
            let Segment::Placeholder(placeholder) = filling else {
                // What a lookup finds is tested with mappings.
                return Operand::One(Cow::Owned(json!(filling.to_string())));
            };
            match name::field(&row, &placeholder.name) {
                Some(Value::Array(list)) if of_list => Operand::Each(list.iter().map(Cow::Borrowed).collect()),
                value => Operand::One(value.map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
            }
        })
        .collect();
    expression.evaluate(&values, moment())
}

/// 2026-01-05 10:11:12 in Shanghai.
fn moment() -> Moment<'static> {
    static SHANGHAI: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap());
    Moment { seconds: 1_767_579_072, zone: &SHANGHAI }
}

fn all(expression: &Expression, value: &Value) -> Vec<Operand<'static>> {
    expression.fillings().map(|_| Operand::One(Cow::Owned(value.clone()))).collect()
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (source, expected) in table {
        let shown = match run(source) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(&shown, expected, "{source}");
    }
}

#[test]
fn arithmetic_is_exact_and_has_mysqls_scales() {
    check(&[
        ("round({{price}}*{{qty}},2)", "123.45"),
        ("ROUND( {price} * {text_qty} , 2 )", "37.04"),
        ("0.1+0.2", "0.3"),
        ("1.50+1", "2.50"),
        ("1.10*1.10", "1.2100"),
        ("10/4", "2.5000"),
        ("10/3", "3.3333"),
        ("1/3*3", "1.0000"),
        ("round(1/3,7)", "0.3333333"),
        ("7 DIV 2", "3"),
        ("-7 % 3", "-1"),
        ("mod(7.5, 2)", "1.5"),
        ("3-{{neg}}", "8"),
        ("-{{neg}}", "5"),
        ("(1+2)*3", "9"),
        ("1+2*3", "7"),
        ("({{qty}}-(3600 * 24))* 1000", "-86390000.0"),
        ("{{flag}}+1", "2"),
        ("'{{blank}}'+1", "1"),
        ("1e3+0.5", "1000.5"),
        ("null+1", "null"),
        ("99999999999999999999*99999999999999999999", "the result has more digits than a decimal holds"),
    ]);
}

#[test]
fn rounding_is_half_away_from_zero() {
    check(&[
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(1.005,2)", "1.01"),
        ("round(150.000,2)", "150.00"),
        ("round(150,2)", "150"),
        ("round(1.5,2)", "1.50"),
        ("round(1234.5,-2)", "1200"),
        ("round(1250,-2)", "1300"),
        ("round(-1250,-2)", "-1300"),
        ("round(5,-9)", "0"),
        ("round(-0.4)", "0"),
        ("truncate(1.999,1)", "1.9"),
        ("truncate(-1.999,1)", "-1.9"),
        ("truncate(1299,-2)", "1200"),
        ("ceil(1.2)", "2"),
        ("ceiling(-1.2)", "-1"),
        ("floor(-1.2)", "-2"),
        ("abs(-1.20)", "1.20"),
    ]);
}

#[test]
fn comparisons_and_logic() {
    check(&[
        ("1 < 2 and 2 <= 2", "1"),
        ("1 = 2 or not 1 <> 1", "1"),
        ("1 xor 1", "0"),
        ("'abc' = 'ABC'", "1"),
        ("'{{code}}' = 7", "1"),
        ("'' > 0", "0"),
        ("'12abc' = 12", "1"),
        ("1 in (3, '1')", "1"),
        ("1 not in (2, null)", "null"),
        ("2 between 1 and 3", "1"),
        ("2 not between 1 and 3", "0"),
        ("'中文单' like '中_%'", "1"),
        ("'a%c' like 'a\\%c'", "1"),
        ("'abc' not like 'a\\%c'", "1"),
        ("'XSDD001' like 'xsdd%1'", "1"),
        ("'aab' like '%ab'", "1"),
        ("'abc' like 'a|%c' escape '|'", "0"),
        ("null is null", "1"),
        ("1 is not null", "1"),
        ("{{none}} is null", "1"),
        ("{{word_missing}} is not null", "0"),
        ("null and 0", "0"),
        ("null or 0", "null"),
        ("null <=> null", "1"),
        ("(1 > 2) is false", "1"),
    ]);
}

#[test]
fn cases_and_functions() {
    check(&[
        ("case when {{qty}} > 5 then 'big' else 'small' end", "\"big\""),
        ("case '{{word}}' when 'x' then 1 when 'ABC' then 2 end", "2"),
        ("case when 1=2 then 'x' end", "null"),
        ("if({{zero}}=0, 'none', 'some')", "\"none\""),
        ("ifnull({{none}}, 5)", "5"),
        ("ifnull({{none}}*{{qty}}, 0)", "0"),
        ("coalesce({{blank}}, null, 'x')", "\"x\""),
        ("nullif(1, 1.0)", "null"),
        ("nullif('a', 'b')", "\"a\""),
        ("greatest(1, 2.50, 2)", "2.50"),
        ("least('b', 'a')", "\"a\""),
        ("greatest(10, '9')", "10"),
        ("greatest(1, null)", "null"),
        ("concat('a', {{qty}}, '单')", "\"a10.0单\""),
        ("concat('{{code}}', '-', '{{word}}')", "\"007-abc\""),
        ("concat('a', null)", "null"),
        ("'{{name}}'", r#""O'Neil \\ \"x\"""#),
        ("\"{{word}}!\"", "\"abc!\""),
        ("left('中文单据', 2)", "\"中文\""),
        ("right('abc', 2)", "\"bc\""),
        ("right('abc', -1)", "\"\""),
        ("substring('abcdef', 2, 3)", "\"bcd\""),
        ("substr('abcdef', -3)", "\"def\""),
        ("substring('abc' from 2 for 1)", "\"b\""),
        ("substring('abc', 0)", "\"\""),
        ("mid('abc', 2, 9)", "\"bc\""),
        ("char_length('中文')", "2"),
        ("length('中文')", "6"),
        ("upper('äb')", "\"ÄB\""),
        ("lower('AB')", "\"ab\""),
        ("trim('  a ')", "\"a\""),
        ("trim(leading '0' from '0012')", "\"12\""),
        ("trim(both 'xy' from 'xyaxy')", "\"a\""),
        ("replace('a.b.c', '.', '')", "\"abc\""),
        ("replace('a', '', 'x')", "\"a\""),
    ]);
}

#[test]
fn what_gives_no_value_says_why() {
    check(&[
        ("1/{{zero}}", "division by zero"),
        ("mod(1, 0)", "division by zero"),
        ("round({{blank}}*3,2)", "`{{blank}}` is empty"),
        ("{missing}+1", "`{missing}` is empty"),
        (
            "{{word}}*2",
            "`{{word}}` stands without quotes and is the text `abc`, with which `abc` is a name without braces; a text needs quotes, a field braces",
        ),
        ("'{{word}}'*2", "the text `abc` is no number"),
        (
            "{{big}}+1",
            "`{{big}}` stands without quotes and is the text `123456789012345678901234567890`, with which the number `123456789012345678901234567890` has more digits than a decimal holds",
        ),
    ]);
}

#[test]
fn what_does_not_load_says_why_and_what_to_do() {
    for (source, message, hint) in [
        ("round({{a}}，2)", "the full-width `，` stands outside of quotes", "write `,`"),
        ("concat(‘a’,1)", "the full-width `‘` stands outside of quotes", "write `'`"),
        ("rond({{a}},2)", "function `rond` is unknown", "did you mean `ROUND`?"),
        ("sleep({{a}})", "function `sleep` is unknown", "functions: `ABS`"),
        ("cast({{a}})", "`CAST` is written otherwise: `cast(x as signed)`", "supported:"),
        (
            "cast({{a}} as json)",
            "`JSON` is no type to cast to; types are char, signed, unsigned, decimal(p,s), date, datetime and time",
            "supported:",
        ),
        ("date_add({{a}}, 1)", "`DATE_ADD` is written otherwise: `date_add(x, interval 1 day)`", "supported:"),
        (
            "{{a}} + interval 1 microsecond",
            "the unit `MICROSECOND` is not supported; units are second, minute, hour, day, week, month, quarter and year",
            "supported:",
        ),
        ("interval 1 day", "an interval is added to a time: `x + interval 1 day`", "supported:"),
        ("sum(sum({{a}}))", "an aggregate within an aggregate has no meaning", "supported:"),
        ("sum({{a}}, 1)", "`SUM` takes 1 arguments, not 2", ""),
        ("count(*)", "`*` is no argument of `count`", "supported:"),
        ("lower(distinct {{a}})", "`lower` is not a plain call", "supported:"),
        ("round(1,2,3)", "`ROUND` takes 1 to 2 arguments, not 3", ""),
        ("concat()", "`CONCAT` takes at least 1 arguments, not 0", ""),
        ("{{a}} +", "it does not parse: Expected: an expression, found: EOF", "it must be one MySQL expression"),
        ("1 2", "it does not parse: `2` follows the end of the expression", "it must be one"),
        ("abc + 1", "`abc` is a name without braces; a text needs quotes, a field braces", "supported:"),
        ("'a' || 'b'", "`||` means `or` in MySQL; write `or`, or `concat(…)`", "supported:"),
        ("(select 1)", "`(SELECT 1)` is not supported in an expression", "supported:"),
        ("", "it does not parse: Expected: an expression, found: EOF", "it must be one"),
        ("'{{a}}", "it does not parse: Unterminated string literal at Line: 1, Column: 1", "it must be one"),
    ] {
        let error = load(source).err().unwrap_or_else(|| panic!("{source} loads"));
        assert_eq!(error.to_string(), message, "{source}");
        assert!(error.hint().unwrap_or_default().starts_with(hint), "{source}: {:?}", error.hint());
    }
}

#[test]
fn placeholders_that_touch_other_text_are_filled_in_first() {
    for (source, reason, expected) in [
        ("{{text_qty}}000 + 1", "`{{text_qty}}` touches other text", "3001"),
        ("{{text_qty}}{{text_qty}}", "`{{text_qty}}` touches another placeholder", "33"),
        ("concat('{{name}}', {{text_qty}}5)", "`{{text_qty}}` touches other text", r#""O'Neil \\ \"x\"35""#),
    ] {
        assert_eq!(load(source).unwrap().parsed_per_record.as_deref(), Some(reason), "{source}");
        assert_eq!(run(source).unwrap().to_string(), expected, "{source}");
    }
    let odd = "round({{{qty}}/{{price}},7)";
    assert_eq!(load(odd).unwrap().parsed_per_record.as_deref(), Some("a brace is left over"));
    assert!(matches!(run(odd), Err(ExpressionError::Syntax(_))), "{:?}", run(odd));
    for source in ["{{a}}*{{b}}", "'{{a}}000'", "if({{a}}>0,'x{{b}}y',\"{{a}}{{b}}\")", "({{a}})"] {
        assert_eq!(load(source).unwrap().parsed_per_record, None, "{source}");
    }
}

#[test]
fn long_and_deep_expressions_are_refused_not_overflowed() {
    for source in [
        "1+".repeat(20_000) + "1",
        "(".repeat(5_000),
        "not ".repeat(5_000) + "1",
        "- ".repeat(5_000) + "1",
        "x".repeat(70_000),
    ] {
        assert!(load(&source).is_err());
    }
    let shops =
        (0..500).map(|shop| format!(" when '{{{{word}}}}' = 'shop{shop}' then {shop}")).collect::<Vec<_>>().concat();
    assert_eq!(run(&format!("case{shops} else -1 end")).unwrap(), json!(-1));
    let chain = (0..100).map(|_| "{{text_qty}}").collect::<Vec<_>>().join("+");
    assert_eq!(run(&chain).unwrap(), json!(300));
}

proptest! {
    #[test]
    fn arithmetic_agrees_with_the_decimal_library(
        left in -1_000_000_000_i64..1_000_000_000, right in -1_000_000_000_i64..1_000_000_000,
        left_scale in 0_u32..6, right_scale in 0_u32..6, places in 0_u32..6,
    ) {
        let (left, right) = (Decimal::new(left, left_scale), Decimal::new(right, right_scale));
        let shown = |source: String| run(&source).unwrap().to_string();
        let exact = |text: String| text.parse::<Decimal>().unwrap();
        prop_assert_eq!(exact(shown(format!("{left} + {right}"))), left + right);
        prop_assert_eq!(exact(shown(format!("{left} - {right}"))), left - right);
        prop_assert_eq!(exact(shown(format!("{left} * {right}"))), left * right);
        let rounded = (left * right).round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        prop_assert_eq!(exact(shown(format!("round({left} * {right}, {places})"))), rounded);
        if !right.is_zero() {
            // Cut behind the ninth place or the eighteenth, then rounded to the places that are shown.
            let places = if left.scale() > 0 && right.scale() > 0 { 18 } else { 9 };
            let quotient = (left / right).trunc_with_scale(places);
            let quotient = quotient.round_dp_with_strategy(left.scale() + 4, RoundingStrategy::MidpointAwayFromZero);
            prop_assert_eq!(exact(shown(format!("{left} / {right}"))), quotient);
        }
        prop_assert_eq!(run(&format!("{left} < {right}")).unwrap(), json!(i32::from(left < right)));
    }

    #[test]
    fn no_text_panics(source in "[-+*/%(),.'\"`{}a-c0-9 =<>!|&#@$:\\\\中]{0,40}|.*|(case|when|then|end|not|in|like|is|null|between|and|if|round|left|trim|\\(|\\)|,|'| |1|\\{\\{qty\\}\\}){0,16}") {
        if let Ok(template) = Template::parse(&source)
            && let Ok(loaded) = Expression::load(template)
        {
            let values = all(&loaded.expression, &json!("1.5"));
            let _ = loaded.expression.evaluate(&values, moment());
            let _ = loaded.expression.text(&values);
        }
    }

    #[test]
    fn no_value_panics(value in ".*") {
        for source in ["{{a}}+1", "'{{a}}' like '%{{a}}'", "{{a}}0", "'{{a}}' > 3", "concat('{{a}}',0{{a}})"] {
            let expression = load(source).unwrap().expression;
            let _ = expression.evaluate(&all(&expression, &json!(value)), moment());
        }
    }
}

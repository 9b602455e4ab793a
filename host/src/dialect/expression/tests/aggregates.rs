//! Functions over the elements of a list.

use super::*;

#[test]
fn aggregates_are_over_all_elements() {
    check(&[
        ("sum({{qtys}})", "6.50"),
        ("SUM({qtys})", "6.50"),
        ("sum(qtys)", "6.50"),
        ("avg(qtys)", "2.166667"),
        ("min(qtys)", "1.00"),
        ("max(qtys)", "3.50"),
        ("count(qtys)", "3"),
        // Elements without a value are left out; a text that is a number is one.
        ("sum(prices)", "12.5"),
        ("avg(prices)", "6.25000"),
        ("count(prices)", "2"),
        ("sum(qtys * prices)", "17.50"),
        ("sum({{qtys}} * {{prices}})", "17.50"),
        ("sum(ifnull(prices, 0) + 1)", "15.5"),
        // A field of no list counts for each element.
        ("sum(qtys * {{qty}})", "65.000"),
        ("sum(case when qtys > 1 then qtys end)", "5.50"),
        ("sum(qtys) * {{qty}} + count(names)", "68.000"),
        ("max(names)", "\"红\""),
        ("count(distinct names)", "2"),
        ("count('{{names}}')", "4"),
        ("max(days)", "\"2026-01-05\""),
        ("datediff(max(days), min(days))", "5"),
        ("concat(count(qtys), ' lines')", "\"3 lines\""),
        // Filled in beside an aggregate, whose fields stay.
        ("sum(qtys) + {{sum}}", "9.50"),
    ]);
}

#[test]
fn of_nothing_there_is_no_sum() {
    check(&[
        ("sum(nobody)", "null"),
        ("avg(nobody)", "null"),
        ("max(nobody)", "null"),
        ("count(nobody)", "0"),
        ("ifnull(sum({{nobody}}), 0)", "0"),
        // The row has no such list.
        ("sum(missing)", "null"),
        ("count({{missing.qty}})", "0"),
        ("sum({{qty}})", "10.0"),
    ]);
}

#[test]
fn what_an_aggregate_cannot_do() {
    check(&[
        ("sum(names)", "the text `红` is no number"),
        ("sum(qtys * few)", "`qtys` and `few` are of lists of different lengths"),
        ("sum(qtys * {{blank}})", "`{{blank}}` is empty"),
        ("sum(qtys / 0)", "division by zero"),
    ]);
    assert_eq!(
        load("sum(qtys) + {{qty}}0").map(|loaded| loaded.expression.evaluate(&[], moment())).ok().unwrap(),
        Err(ExpressionError::Unsupported(
            "the field `qtys` needs braces, because the text is filled in first".to_owned()
        ))
    );
}

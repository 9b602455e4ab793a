//! `cast` and `convert`.

use super::*;

#[test]
fn casts() {
    check(&[
        ("cast(1.5 as signed)", "2"),
        ("cast(-1.5 as signed)", "-2"),
        ("cast('12abc' as signed)", "12"),
        ("cast('1.9' as signed)", "1"),
        ("cast('abc' as signed)", "0"),
        ("cast(99999999999999999999 as signed)", "9223372036854775807"),
        ("cast(-1 as unsigned)", "18446744073709551615"),
        ("convert('{{text_qty}}', signed)", "3"),
        ("cast('12.345' as decimal(10,2))", "12.35"),
        ("cast(1.5 as decimal)", "2"),
        ("cast(12345.678 as decimal(5,2))", "999.99"),
        ("cast(-12345.678 as decimal(5,2))", "-999.99"),
        ("cast(7 as decimal(10,2))", "7.00"),
        ("cast(1.50 as char)", "\"1.50\""),
        ("cast('中文单据' as char(2))", "\"中文\""),
        ("convert('a' using utf8mb4)", "\"a\""),
        ("cast('2026-1-5 8:05' as date)", "\"2026-01-05\""),
        ("cast('2026-01-05' as datetime)", "\"2026-01-05 00:00:00\""),
        ("cast(20260105 as date)", "\"2026-01-05\""),
        ("cast('2026-01-05 10:11:12' as time)", "\"10:11:12\""),
        ("cast('-10:11' as time)", "\"-10:11:00\""),
        ("cast('900:00:00' as time)", "\"838:59:59\""),
        ("cast(now() as signed)", "20260105101112"),
        ("cast('no date' as datetime)", "null"),
        ("cast(null as signed)", "null"),
    ]);
}

//! Functions of dates. The moment is 2026-01-05 10:11:12 in Shanghai, a Monday.

use super::*;

#[test]
fn now_is_the_moment_that_is_passed_in() {
    check(&[
        ("now()", "\"2026-01-05 10:11:12\""),
        ("current_timestamp", "\"2026-01-05 10:11:12\""),
        ("sysdate()", "\"2026-01-05 10:11:12\""),
        ("curdate()", "\"2026-01-05\""),
        ("current_date", "\"2026-01-05\""),
        ("curtime()", "\"10:11:12\""),
        ("utc_timestamp()", "\"2026-01-05 02:11:12\""),
        ("utc_date()", "\"2026-01-05\""),
        ("unix_timestamp()", "1767579072"),
        ("now() + 0", "20260105101112"),
    ]);
}

#[test]
fn dates_are_read_shifted_and_taken_apart() {
    check(&[
        ("date('2026-1-5 8:05')", "\"2026-01-05\""),
        ("date('20260105')", "\"2026-01-05\""),
        ("date('26/1/5')", "\"2026-01-05\""),
        ("date('2026-01-05T08:00:00')", "\"2026-01-05\""),
        ("date('2026-02-30')", "null"),
        ("date('no date')", "null"),
        ("date_add('2026-01-31', interval 1 month)", "\"2026-02-28\""),
        ("date_add('2026-01-31', interval {{text_qty}} day)", "\"2026-02-03\""),
        ("date_add('2026-01-31', interval 1 hour)", "\"2026-01-31 01:00:00\""),
        ("date_sub('2026-01-05 00:00:00', interval 90 minute)", "\"2026-01-04 22:30:00\""),
        ("date('2026-01-31') + interval 1 year", "\"2027-01-31\""),
        ("interval 1 quarter + '2026-01-31'", "\"2026-04-30\""),
        ("now() - interval 2 week", "\"2025-12-22 10:11:12\""),
        ("date_add('2026-01-31', interval 1.5 day)", "\"2026-02-02\""),
        ("date_add('2026-01-31', interval null day)", "null"),
        ("date_add('9999-12-31', interval 1 day)", "null"),
        ("date_add('no date', interval 1 day)", "null"),
        ("adddate('2026-01-31', 1)", "\"2026-02-01\""),
        ("subdate('2026-01-01', interval 1 second)", "\"2025-12-31 23:59:59\""),
        ("datediff('2026-01-05 23:59', '2026-01-01')", "4"),
        ("datediff('2026-01-01', '2026-01-05')", "-4"),
        ("last_day('2024-02-05')", "\"2024-02-29\""),
        ("concat(year('{{day}}'), '/', month('{{day}}'), '/', day('{{day}}'))", "\"2026/1/31\""),
        ("quarter('2026-05-01')", "2"),
        ("weekday('2026-01-05')", "0"),
        ("dayofweek('2026-01-05')", "2"),
        ("dayofyear('2026-02-05')", "36"),
        ("hour('10:11:12') * 10000 + minute('10:11:12') * 100 + second('10:11:12')", "101112"),
        ("extract(month from '2026-05-01')", "5"),
        ("time('2026-01-05 10:11:12')", "\"10:11:12\""),
    ]);
}

#[test]
fn dates_are_written_and_parsed_by_format() {
    check(&[
        ("date_format('2026-01-05', '%Y年%c月%e日')", "\"2026年1月5日\""),
        (
            "date_format('2026-01-05 13:04:05', '%a %b %D %d %f %H %h %i %j %k %l %M %p %r %s %T')",
            "\"Mon Jan 5th 05 000000 13 01 04 005 13 1 January PM 01:04:05 PM 05 13:04:05\"",
        ),
        ("date_format('2026-01-05', '%W %w %y %% %z')", "\"Monday 1 26 % z\""),
        ("date_format('2024-12-30', '%U %u %V %v %X %x')", "\"52 53 52 01 2024 2025\""),
        ("date_format('2023-01-01', '%U %u %V %v %X %x')", "\"01 00 01 52 2023 2022\""),
        ("date_format('no date', '%Y')", "null"),
        ("str_to_date('5/1/26', '%d/%m/%y')", "\"2026-01-05\""),
        ("str_to_date('2026年1月5日', '%Y年%m月%d日')", "\"2026-01-05\""),
        ("str_to_date('2026-01-05 10:11', '%Y-%m-%d %H:%i')", "\"2026-01-05 10:11:00\""),
        ("str_to_date('10:11 PM', '%h:%i %p')", "\"22:11:00\""),
        ("str_to_date('Jan 5, 2026', '%b %e, %Y')", "\"2026-01-05\""),
        ("str_to_date('2026 032', '%Y %j')", "\"2026-02-01\""),
        ("str_to_date('2026-02-30', '%Y-%m-%d')", "null"),
        ("str_to_date('x', '%Y-%m-%d')", "null"),
        ("str_to_date('1', '%U')", "`STR_TO_DATE` does not read `%U`"),
        ("unix_timestamp('2026-01-01 08:00:00')", "1767225600"),
        ("from_unixtime(1767225600)", "\"2026-01-01 08:00:00\""),
        ("from_unixtime('1767225600', '%Y/%m')", "\"2026/01\""),
        ("from_unixtime(-1)", "null"),
    ]);
}

#[test]
fn a_date_is_compared_as_a_time() {
    check(&[
        ("date('2026-01-05') = '2026-1-5'", "1"),
        ("date('2026-01-05') = '2026-01-05 00:00:00'", "1"),
        ("now() > '2026-01-05'", "1"),
        ("date('2026-01-05') between '2026-01-01' and '2026-01-31'", "1"),
        ("date('2026-01-05') in ('2026/1/5')", "1"),
        ("date('2026-01-05') = 20260105", "1"),
        ("date('2026-01-05') > 'no date'", "1"),
        ("greatest(date('2026-01-05'), now())", "\"2026-01-05 10:11:12\""),
        ("least(date('2026-01-05'), '2026-1-4')", "\"2026-01-04\""),
        // Two texts are texts.
        ("'2026-1-5' = '2026-01-05'", "0"),
    ]);
}

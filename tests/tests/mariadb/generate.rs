//! Expressions that nobody would write, of every operator and function: each by the type of its result, so that most of them
//! have one.

use dialect_alone::dialect::Row;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::Case;

/// Numbers that are found in amounts, at the edges of rounding, and none.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "100",
    "0.5",
    "1.5",
    "2.5",
    "(-2.5)",
    "(-1)",
    "0.005",
    "1.005",
    "12.345",
    "99.995",
    "(-0.45)",
    "3600",
    "0.1",
    "150.00",
    "{{price}}",
    "{{debt}}",
];
/// `MariaDB` has a negative zero as the rest of a negative number.
const POSITIVE: [&str; 8] = ["0", "1", "7", "10", "2.5", "12.345", "3600", "{{price}}"];
const TEXTS: [&str; 20] = [
    "''",
    "'a'",
    "'ABC'",
    "'abc'",
    "' a b '",
    "'上海桥梁公司'",
    "'销售订单001'",
    "'a.b.c'",
    "'A-1-中-x'",
    "'xyxabcxyx'",
    "'O\\'Neil'",
    "'50%'",
    "'a_b'",
    "'Ωμ ж'",
    "'{{name}}'",
    "'{{code}}'",
    "'{{note}}'",
    "'{{blank}}'",
    "'中,文,单,据'",
    "'0012'",
];
const SHORT: [&str; 12] = ["'a'", "'b'", "'.'", "'-'", "','", "'xy'", "'中'", "'桥梁'", "' '", "''", "'X'", "'001'"];
const NUMBER_TEXTS: [&str; 8] = ["'3'", "'12.50'", "'-7'", "'007'", "'0'", "'{{qty}}'", "'1.005'", "'100'"];
const DATE_TEXTS: [&str; 11] = [
    "'2026-01-31'",
    "'2024-02-29'",
    "'2026-1-5'",
    "'2026/03/31'",
    "'20260105'",
    "'2025-12-31 23:59:59'",
    "'2026-01-05T08:00:00'",
    "'2026-06-30 8:05'",
    "'1999-12-31'",
    "'{{day}}'",
    "'{{moment}}'",
];
/// Texts that are no times. They stand in functions alone: compared, they are what `MariaDB` takes for a zero date.
const NO_DATES: [&str; 4] = ["'2026-02-30'", "'no date'", "''", "'2026-13-01 10:00:00'"];
const FORMATS: [&str; 10] = [
    "'%Y-%m-%d'",
    "'%Y年%m月%d日'",
    "'%Y%m%d%H%i%s'",
    "'%W %a %M %b %D'",
    "'%c/%e/%y %h:%i %p'",
    "'%T %r'",
    "'%j %U %u'",
    "'%V %v %X %x'",
    "'%k %l %I %S %w'",
    "'%Y-%m-01'",
];
const UNITS: [&str; 8] = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

pub(crate) fn cases(seed: u64, count: usize) -> Vec<Case> {
    let mut rng = Rng::with_seed(seed);
    (0..count)
        .map(|index| {
            let depth = rng.u32(1..=3);
            let mut generator = Generator(&mut rng);
            let expression = match index % 4 {
                0 => generator.number(depth),
                1 => generator.text(depth),
                2 => generator.date(depth),
                _ => generator.condition(depth),
            };
            Case { expression }
        })
        .collect()
}

struct Generator<'r>(&'r mut Rng);

impl Generator<'_> {
    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.0.usize(..of.len())]
    }

    fn one_in(&mut self, times: u32) -> bool {
        self.0.u32(..times) == 0
    }

    fn null_or(&mut self, other: &str) -> String {
        if self.one_in(20) { "null".to_owned() } else { other.to_owned() }
    }

    /// A number whose places are the same for both: nothing in it is chosen.
    fn plain_number(&mut self, depth: u32) -> String {
        if depth == 0 {
            let number = self.one(&NUMBERS);
            return self.null_or(number);
        }
        let next = depth - 1;
        match self.0.u32(..22) {
            0..=2 => format!("{} + {}", self.plain_number(next), self.plain_number(next)),
            3 => format!("({} - {})", self.plain_number(next), self.plain_number(next)),
            4 => format!("{} * {}", self.one(&NUMBERS), self.one(&NUMBERS)),
            5 => format!("({} / {})", self.plain_number(next), self.one(&NUMBERS)),
            6 => format!("{} % {}", self.one(&POSITIVE), self.one(&NUMBERS)),
            7 => format!("{} div {}", self.one(&NUMBERS), self.one(&NUMBERS)),
            8 => format!("round({}, {})", self.plain_number(next), self.0.i32(-2..5)),
            9 => format!("round({})", self.plain_number(next)),
            10 => format!("truncate({}, {})", self.plain_number(next), self.0.i32(-2..5)),
            11 => format!("ceil({})", self.plain_number(next)),
            12 => format!("floor({})", self.plain_number(next)),
            13 => format!("abs({})", self.plain_number(next)),
            14 => format!("mod({}, {})", self.one(&POSITIVE), self.plain_number(next)),
            15 => format!("-({})", self.plain_number(next)),
            16 => format!("sign({})", self.plain_number(next)),
            17 => self.count_of_text(next),
            18 => self.part_of_date(next),
            19 => format!("cast({} as decimal({},{}))", self.plain_number(next), self.0.u32(6..20), self.0.u32(0..6)),
            20 => format!("cast({} as signed)", self.plain_number(next)),
            _ => format!("convert({}, decimal(12,2))", self.one(&NUMBER_TEXTS)),
        }
    }

    fn number(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(2) {
            return self.plain_number(depth);
        }
        let next = depth - 1;
        match self.0.u32(..14) {
            0 | 1 => format!("if({}, {}, {})", self.condition(next), self.number(next), self.number(next)),
            2 => format!("ifnull({}, {})", self.number(next), self.number(next)),
            3 => format!("ifnull({{{{none}}}}, {})", self.number(next)),
            4 => format!("coalesce(null, {}, {})", self.number(next), self.number(next)),
            5 => format!("nullif({}, {})", self.number(next), self.number(next)),
            6 => format!("greatest({}, {}, {})", self.number(next), self.number(next), self.number(next)),
            7 => format!("least({}, {})", self.number(next), self.number(next)),
            8 => format!(
                "case when {} then {} when {} then {} else {} end",
                self.condition(next),
                self.number(next),
                self.condition(next),
                self.number(next),
                self.number(next)
            ),
            9 => format!(
                "case {} when {} then {} when {} then {} end",
                self.number(next),
                self.number(next),
                self.number(next),
                self.number(next),
                self.number(next)
            ),
            10 => format!("{} + {}", self.number(next), self.one(&NUMBER_TEXTS)),
            11 => format!("{{{{qty}}}} * {}", self.number(next)),
            12 => format!("cast({} as signed)", self.one(&["'12abc'", "'-3'", "'1.9'", "'abc'", "''", "'{{code}}'"])),
            _ => format!("cast({} as unsigned)", self.one(&["'12abc'", "3", "2.5"])),
        }
    }

    fn count_of_text(&mut self, depth: u32) -> String {
        match self.0.u32(..6) {
            0 => format!("length({})", self.text(depth)),
            1 => format!("char_length({})", self.text(depth)),
            2 => format!("locate({}, {})", self.one(&SHORT), self.text(depth)),
            3 => format!("locate({}, {}, {})", self.one(&SHORT), self.text(depth), self.0.i32(0..5)),
            4 => format!("instr({}, {})", self.text(depth), self.one(&SHORT)),
            _ => format!("position({} in {})", self.one(&SHORT), self.text(depth)),
        }
    }

    fn part_of_date(&mut self, depth: u32) -> String {
        let date = self.date_or_text(depth);
        match self.0.u32(..9) {
            8 => format!(
                "ifnull({}({}), {})",
                self.one(&["year", "month", "day", "unix_timestamp"]),
                self.one(&NO_DATES),
                self.0.u32(..9)
            ),
            0 => format!("datediff({date}, {})", self.date_or_text(depth)),
            1 => format!("unix_timestamp({date})"),
            2 => "unix_timestamp()".to_owned(),
            3 => {
                let function =
                    self.one(&["year", "month", "day", "dayofmonth", "quarter", "weekday", "dayofweek", "dayofyear"]);
                format!("{function}({date})")
            }
            4 => format!("{}(cast({} as datetime))", self.one(&["hour", "minute", "second"]), self.date(depth)),
            5 => format!("extract({} from {date})", self.one(&["year", "month", "day", "quarter"])),
            6 => format!("{} + 0", self.one(&["curdate()", "now()", "date('2026-01-31')"])),
            _ => format!("cast({} as signed)", self.one(&["curdate()", "now()", "date('2026-01-31')"])),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        if depth == 0 {
            let text = self.one(&TEXTS);
            return self.null_or(text);
        }
        let next = depth - 1;
        match self.0.u32(..30) {
            0 => format!("concat({}, {})", self.text(next), self.text(next)),
            1 => format!("concat({}, {}, {})", self.text(next), self.plain_number(next), self.date(next)),
            2 => format!(
                "concat_ws({}, {}, {}, {})",
                self.one(&SHORT),
                self.text(next),
                self.text(next),
                self.plain_number(next)
            ),
            3 => format!("left({}, {})", self.text(next), self.0.i32(-1..6)),
            4 => format!("right({}, {})", self.text(next), self.0.i32(-1..6)),
            5 => format!("substring({}, {})", self.text(next), self.0.i32(-6..6)),
            6 => format!("substring({}, {}, {})", self.text(next), self.0.i32(-6..6), self.0.i32(-1..5)),
            7 => format!("substr({} from {} for {})", self.text(next), self.0.i32(1..4), self.0.i32(0..4)),
            8 => format!("mid({}, 2, 3)", self.text(next)),
            9 | 10 => format!("substring_index({}, {}, {})", self.text(next), self.one(&SHORT), self.0.i32(-3..4)),
            11 => format!("replace({}, {}, {})", self.text(next), self.one(&SHORT), self.one(&SHORT)),
            12 => format!("{}({})", self.one(&["lower", "upper", "lcase", "ucase"]), self.text(next)),
            13 => format!("{}({})", self.one(&["trim", "ltrim", "rtrim"]), self.text(next)),
            14 => format!(
                "trim({} {} from {})",
                self.one(&["leading", "trailing", "both"]),
                self.one(&SHORT),
                self.text(next)
            ),
            15 => format!("lpad({}, {}, {})", self.text(next), self.0.i32(-1..9), self.one(&SHORT)),
            16 => format!("rpad({}, {}, {})", self.text(next), self.0.i32(-1..9), self.one(&SHORT)),
            17 => format!("reverse({})", self.text(next)),
            18 => format!("repeat({}, {})", self.text(next), self.0.i32(-1..4)),
            19 => format!("if({}, {}, {})", self.condition(next), self.text(next), self.text(next)),
            20 => format!("ifnull({}, {})", self.text(next), self.text(next)),
            21 => format!("coalesce({{{{none}}}}, {}, {})", self.text(next), self.text(next)),
            22 => format!("nullif({}, {})", self.text(next), self.text(next)),
            23 => format!(
                "case {} when {} then {} when {} then {} else {} end",
                self.text(next),
                self.text(next),
                self.text(next),
                self.text(next),
                self.text(next),
                self.text(next)
            ),
            24 => format!("cast({} as char)", self.plain_number(next)),
            25 => format!("cast({} as char({}))", self.text(next), self.0.u32(0..5)),
            26 => format!("greatest({}, {})", self.text(next), self.text(next)),
            27 => format!("date_format({}, {})", self.date_or_text(next), self.one(&FORMATS)),
            28 if self.one_in(3) => format!("ifnull(date_format({}, '%Y'), 'none')", self.one(&NO_DATES)),
            28 => format!("from_unixtime({}, {})", self.0.u32(..2_000_000_000), self.one(&FORMATS)),
            _ => format!("convert({} using utf8mb4)", self.text(next)),
        }
    }

    fn date_or_text(&mut self, depth: u32) -> String {
        if self.one_in(2) { self.one(&DATE_TEXTS).to_owned() } else { self.date(depth) }
    }

    fn interval(&mut self) -> String {
        let count = match self.0.u32(..6) {
            0 => "'1'".to_owned(),
            1 => "{{qty}}".to_owned(),
            2 => "null".to_owned(),
            _ => self.0.i32(-40..40).to_string(),
        };
        format!("interval {count} {}", self.one(&UNITS))
    }

    fn date(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.0.u32(..6) {
                0 => self.one(&["now()", "current_timestamp", "localtime()"]).to_owned(),
                1 => self.one(&["curdate()", "current_date", "current_date()"]).to_owned(),
                2 => format!("date({})", self.one(&DATE_TEXTS)),
                3 => format!("cast({} as date)", self.one(&DATE_TEXTS)),
                _ => format!("cast({} as datetime)", self.one(&DATE_TEXTS)),
            };
        }
        let next = depth - 1;
        match self.0.u32(..16) {
            0 | 1 => format!("date_add({}, {})", self.date_or_text(next), self.interval()),
            2 | 3 => format!("date_sub({}, {})", self.date_or_text(next), self.interval()),
            4 => format!("{} + {}", self.date(next), self.interval()),
            5 => format!("({} - {})", self.date_or_text(next), self.interval()),
            6 => format!("adddate({}, {})", self.date_or_text(next), self.0.i32(-40..40)),
            7 => format!("last_day({})", self.date_or_text(next)),
            8 => format!("from_unixtime({})", self.0.u32(..2_000_000_000)),
            9 => format!("str_to_date({}, '%Y-%m-%d')", self.one(&DATE_TEXTS)),
            10 => format!(
                "str_to_date({}, {})",
                self.one(&["'05/01/2026 13:07'", "'5/1/26 1:07'", "'no'"]),
                self.one(&["'%d/%m/%Y %H:%i'", "'%d/%m/%y %k:%i'", "'%d/%m/%Y'"])
            ),
            11 => format!("date({})", self.date_or_text(next)),
            12 => format!("if({}, {}, {})", self.condition(next), self.date(0), self.date(0)),
            13 => format!("ifnull({}, {})", self.date(next), self.date(0)),
            14 => format!("greatest({}, {})", self.date(next), self.date(next)),
            _ => format!("cast({} as datetime)", self.date_or_text(next)),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.0.u32(..4) {
                0 => self.one(&["1", "0", "true", "false", "null", "{{zero}}", "{{debt}}"]).to_owned(),
                1 => format!("{} = {}", self.one(&TEXTS), self.one(&TEXTS)),
                _ => format!("{} < {}", self.one(&NUMBERS), self.one(&NUMBERS)),
            };
        }
        let next = depth - 1;
        let compares = self.one(&["=", "<>", "!=", "<", "<=", ">", ">=", "<=>"]);
        let not = self.one(&["", "not "]);
        match self.0.u32(..20) {
            0 | 1 => format!("({} {compares} {})", self.number(next), self.number(next)),
            2 => format!("({} {compares} {})", self.text(next), self.text(next)),
            3 => format!("({} {compares} {})", self.date(next), self.date_or_text(next)),
            4 => format!("({} {compares} {})", self.one(&NUMBER_TEXTS), self.number(next)),
            5 => format!("({} and {})", self.condition(next), self.condition(next)),
            6 => format!("({} or {})", self.condition(next), self.condition(next)),
            7 => format!("(({}) xor ({}))", self.condition(next), self.condition(next)),
            8 => format!("(not {})", self.condition(next)),
            9 => format!(
                "({} {not}in ({}, {}, {}))",
                self.number(next),
                self.number(next),
                self.number(next),
                self.one(&NUMBERS)
            ),
            10 => format!("({} {not}in ({}, {}))", self.text(next), self.text(next), self.one(&TEXTS)),
            11 => format!("({} {not}between {} and {})", self.number(next), self.number(next), self.number(next)),
            12 => format!("({} {not}between {} and {})", self.text(next), self.one(&TEXTS), self.one(&TEXTS)),
            13 => format!("({} {not}between '2025-06-01' and '2026-01-31')", self.date(next)),
            14 | 15 => format!(
                "({} {not}like {})",
                self.text(next),
                self.one(&["'a%'", "'%中%'", "'_b%'", "'%\\\\%%'", "'ABC'", "'%'", "''", "'%x_x%'", "'上海%公司'"])
            ),
            16 => format!("({} is {not}null)", self.text(next)),
            17 => format!("({{{{none}}}} is {not}null)"),
            18 => format!("({} is {not}{})", self.condition(next), self.one(&["true", "false"])),
            _ => format!("({} in ('2026-01-31', '2024-02-29'))", self.date(next)),
        }
    }
}

/// An aggregate, and the rows that it is over.
pub(crate) struct List {
    pub(crate) expression: String,
    pub(crate) rows: Vec<Row>,
}

impl List {
    /// The same over a derived table.
    pub(crate) fn as_sql(&self) -> String {
        let column = |row: &Row, name: &str| match &row[name] {
            Value::Null => "NULL".to_owned(),
            Value::String(text) => format!("'{text}'"),
            other => other.to_string(),
        };
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                format!(
                    "SELECT {} qty, {} price, {} name",
                    column(row, "qty"),
                    column(row, "price"),
                    column(row, "name")
                )
            })
            .collect();
        let expression = self
            .expression
            .replace("{{details.", "")
            .replace("{details.", "")
            .replace("}}", "")
            .replace('}', "")
            .replace("details.", "");
        format!("SELECT {expression} FROM ({}) list", rows.join(" UNION ALL "))
    }
}

pub(crate) fn lists(seed: u64, count: usize) -> Vec<List> {
    const AGGREGATES: [&str; 14] = [
        "sum({{details.qty}})",
        "SUM({details.qty})",
        "sum(details.qty)",
        "avg({{details.price}})",
        "round(avg(details.price), 7)",
        "min({{details.price}})",
        "max({{details.price}})",
        "max({{details.name}})",
        "min(details.name)",
        "count({{details.price}})",
        "count(distinct details.name)",
        "sum({{details.qty}} * {{details.price}})",
        "round(sum(details.qty * details.price) / sum(details.qty), 4)",
        "if(count(details.name) > 3, 'many', concat('few: ', count(details.name)))",
    ];
    let mut rng = Rng::with_seed(seed);
    (0..count)
        .map(|index| {
            // Numbers of one scale each, as a column has; at least one has a value, or the column would have no type.
            let rows = (0..rng.usize(1..7)).map(|row| {
                let (qty, price) = (rng.i32(1..90), f64::from(rng.i32(100..99_999)) / 100.0);
                let name = ["红色", "blue", "Blue", "green"][rng.usize(..4)];
                let mut fields = json!({"no": "1", "qty": qty, "name": name});
                fields["price"] = serde_json::from_str(&format!("{price:.2}")).unwrap();
                if row > 0 && rng.u32(..4) == 0 {
                    fields[["qty", "price", "name"][rng.usize(..3)]] = Value::Null;
                }
                fields.as_object().unwrap().clone()
            });
            List { rows: rows.collect(), expression: AGGREGATES[index % AGGREGATES.len()].to_owned() }
        })
        .collect()
}

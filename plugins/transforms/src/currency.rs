//! Amounts in another currency, by a table of rates.
//!
//! The table has a line per currency: its code, and in the column `rate` (or else the second) how much one unit of it is worth in the base
//! currency, which has a line of its own with the rate 1. So any two currencies of the table convert, and a table of one column of
//! rates is what accounting already keeps.

use std::collections::{BTreeMap, BTreeSet};

use qiao_plugin::json::{kind, text};
use qiao_plugin::transforms::FromValue;
use qiao_plugin::{Decimal, Failure, Library, Value};

use crate::amounts::AMOUNT;
use crate::arguments::{Amount, Decimals, Rounding};
use crate::tables::Tables;

const TABLE: &str = "exchange_rate";
const COLUMN: &str = "rate";

pub(crate) fn register(library: &mut Library<'_>) {
    library.batch(
        "convertCurrency",
        "An amount in another currency, by a table of rates; a half is rounded up.",
        [
            AMOUNT,
            ("from", "The code of the amount's currency, such as `USD`."),
            ("to", "The code of the currency wanted."),
            (
                "table",
                "The table; `exchange_rate` if left out. First column: currency code; `rate` (or the second): units of the base currency for one unit. The base currency has rate 1.",
            ),
            ("decimals", "How many the result has, 0 to 28; 2 if left out."),
        ],
        |rows: Vec<_>| {
            let asks = rows.into_iter().map(|(amount, from, to, table, decimals)| Ask::new(amount, from, to, table, decimals));
            convert(&asks.collect::<Vec<_>>(), Tables::of_the_host())
        },
    );
}

/// One row's question.
struct Ask<'v> {
    amount: Amount,
    from: &'v Value,
    to: &'v Value,
    table: &'v str,
    decimals: Decimals,
}

impl<'v> Ask<'v> {
    fn new(amount: Amount, from: &'v Value, to: &'v Value, table: Option<&'v str>, decimals: Option<Decimals>) -> Self {
        Self {
            amount,
            from,
            to,
            table: table.filter(|table| !table.is_empty()).unwrap_or(TABLE),
            decimals: decimals.unwrap_or(Decimals::OF_MONEY),
        }
    }

    /// The two codes. Asked for only where there is an amount.
    fn currencies(&self) -> Result<(String, String), String> {
        Ok((code("from", self.from)?, code("to", self.to)?))
    }
}

fn code(parameter: &str, value: &Value) -> Result<String, String> {
    match text(value) {
        Some(code) if !code.trim().is_empty() => Ok(code.trim().to_owned()),
        Some(_) => Err(format!("parameter `{parameter}`: the currency is empty")),
        None => Err(format!("parameter `{parameter}`: expected a currency, found {}", kind(value))),
    }
}

fn convert(asks: &[Ask<'_>], tables: Tables<'_>) -> Result<Vec<Result<Option<Decimal>, String>>, Failure> {
    let mut codes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for ask in asks.iter().filter(|ask| ask.amount.0.is_some()) {
        if let Ok((from, to)) = ask.currencies() {
            codes.entry(ask.table).or_default().extend([from, to]);
        }
    }
    let mut rates = BTreeMap::new();
    for (table, codes) in codes {
        rates.insert(table, Rates::read(table, codes, tables)?);
    }
    let converted = asks.iter().map(|ask| {
        let Some(amount) = ask.amount.0 else {
            return Ok(None);
        };
        let (from, to) = ask.currencies()?;
        match rates.get(ask.table) {
            Some(rates) => rates.convert(amount, &from, &to, ask.decimals).map(Some),
            None => Ok(None),
        }
    });
    Ok(converted.collect())
}

/// What a batch needs of one table.
struct Rates<'v> {
    table: &'v str,
    rates: BTreeMap<String, Value>,
}

impl<'v> Rates<'v> {
    fn read(table: &'v str, codes: BTreeSet<String>, tables: Tables<'_>) -> Result<Self, Failure> {
        let columns = (tables.columns)(table)?;
        let column = columns.iter().find(|column| *column == COLUMN).or_else(|| columns.get(1)).ok_or_else(|| {
            Failure::misconfigured(format!("table `{table}` has no column `{COLUMN}`"))
                .hint("its columns are the currency's code and its rate, in units of the base currency")
        })?;
        let codes: Vec<String> = codes.into_iter().collect();
        let found = (tables.lookup)(table, &codes)?;
        let rates = codes.into_iter().zip(found);
        Ok(Self {
            table,
            rates: rates
                .filter_map(|(code, row)| Some((code, row?.get(column).cloned().unwrap_or_default())))
                .collect(),
        })
    }

    fn rate(&self, code: &str) -> Result<Decimal, String> {
        let table = self.table;
        let written = self.rates.get(code).ok_or_else(|| format!("currency `{code}` is not in table `{table}`"))?;
        match Amount::from_value(written) {
            Ok(Amount(Some(rate))) if rate > Decimal::ZERO => Ok(rate),
            _ => Err(format!(
                "the rate of `{code}` in table `{table}` is `{}`, no number above zero",
                text(written).unwrap_or_default()
            )),
        }
    }

    fn convert(&self, amount: Decimal, from: &str, to: &str, decimals: Decimals) -> Result<Decimal, String> {
        let (from_rate, to_rate) = (self.rate(from)?, self.rate(to)?);
        // The product is exact or refused. A quotient of numbers this short that is not itself a half differs from one by far more
        // than the 28 digits that it is computed to, so that rounding it is rounding once.
        let mut converted = exact_product(amount, from_rate)
            .and_then(|worth| worth.checked_div(to_rate))
            .map(|converted| Rounding::HALF_UP.round(converted, decimals))
            .ok_or_else(|| format!("`{amount}` {from} has too many digits to be converted to {to}"))?;
        converted.rescale(decimals.0);
        Ok(converted)
    }
}

fn exact_product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    let product = left.checked_mul(right)?;
    // Digits that do not fit are rounded away, and the scale with them.
    (product.is_zero() || product.scale() == left.scale() + right.scale()).then_some(product)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::cell::RefCell;

    use qiao_plugin::json::json;
    use qiao_plugin::{Failure, Object};

    use super::*;

    fn columns(table: &str) -> Result<Vec<String>, Failure> {
        match table {
            "exchange_rate" => Ok(vec!["currency".into(), "name".into(), "rate".into()]),
            "monthly" => Ok(vec!["币别".into(), "汇率".into()]),
            "narrow" => Ok(vec!["currency".into()]),
            other => Err(Failure::misconfigured(format!("there is no table `{other}`"))),
        }
    }

    fn row(table: &str, code: &str) -> Option<Object> {
        let rate = match code {
            "CNY" => "1",
            "USD" if table == "monthly" => "7",
            "USD" => "7.1234",
            "JPY" => "0.0478",
            "NIL" => "0",
            "BAD" => "seven",
            _ => return None,
        };
        json!({"currency": code, "name": "x", "rate": rate, "币别": code, "汇率": rate}).as_object().cloned()
    }

    fn converted(rows: &Value) -> (Vec<String>, Vec<String>) {
        let asked = RefCell::new(Vec::new());
        let lookup = |table: &str, codes: &[String]| {
            asked.borrow_mut().push(format!("{table}: {}", codes.join(" ")));
            Ok(codes.iter().map(|code| row(table, code)).collect())
        };
        let asks: Vec<_> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let amount = Amount::from_value(&row[0]).unwrap();
                let decimals = row.get(4).map(|value| Decimals::from_value(value).unwrap());
                Ask::new(amount, &row[1], &row[2], row.get(3).and_then(Value::as_str), decimals)
            })
            .collect();
        let answers = convert(&asks, Tables { columns: &columns, lookup: &lookup }).unwrap();
        let answers = answers.into_iter().map(|answer| match answer {
            Ok(amount) => amount.map_or("null".to_owned(), |amount| amount.to_string()),
            Err(error) => format!("! {error}"),
        });
        (answers.collect(), asked.into_inner())
    }

    #[test]
    fn an_amount_is_converted_through_the_base() {
        let cases = [
            (json!([100, "USD", "CNY"]), "712.34"),
            (json!(["712.34", "CNY", "USD"]), "100.00"),
            (json!([-100, "USD", "CNY"]), "-712.34"),
            (json!([10000, "JPY", "USD"]), "67.10"),
            (json!([100, "USD", "JPY", null, 0]), "14903"),
            (json!([1, "CNY", "CNY"]), "1.00"),
            (json!(["0.005", "CNY", "CNY"]), "0.01"),
            (json!([100, "USD", "CNY", "monthly"]), "700.00"),
            (json!(["1,000.00", " USD ", "CNY"]), "7123.40"),
            (json!([null, "USD", "CNY"]), "null"),
            (json!([null, null, null]), "null"),
            (json!([1, "EUR", "CNY"]), "! currency `EUR` is not in table `exchange_rate`"),
            (json!([1, "usd", "CNY"]), "! currency `usd` is not in table `exchange_rate`"),
            (json!([1, "", "CNY"]), "! parameter `from`: the currency is empty"),
            (json!([1, "USD", null]), "! parameter `to`: expected a currency, found `null`"),
            (json!([1, "NIL", "CNY"]), "! the rate of `NIL` in table `exchange_rate` is `0`, no number above zero"),
            (json!([1, "BAD", "CNY"]), "! the rate of `BAD` in table `exchange_rate` is `seven`, no number above zero"),
            (
                json!(["1234567890123456789012345.678", "USD", "CNY"]),
                "! `1234567890123456789012345.678` USD has too many digits to be converted to CNY",
            ),
        ];
        for (row, expected) in cases {
            assert_eq!(converted(&json!([row])).0, [expected], "{row}");
        }
    }

    #[test]
    fn a_table_is_asked_once() {
        let (answers, asked) = converted(&json!([
            [1, "USD", "CNY"],
            [1, "JPY", "CNY"],
            [1, "USD", "CNY", "monthly"],
            [null, "EUR", "CNY"],
            [2, "USD", "CNY"]
        ]));
        assert_eq!(asked, ["exchange_rate: CNY JPY USD", "monthly: CNY USD"]);
        assert_eq!(answers, ["7.12", "0.05", "7.00", "null", "14.25"]);
    }

    #[test]
    fn a_table_that_is_none_concerns_the_whole_call() {
        let usd = json!("USD");
        for (table, message) in
            [("none", "there is no table `none`"), ("narrow", "table `narrow` has no column `rate`")]
        {
            let tables = Tables { columns: &columns, lookup: &|_, _| panic!("not reached") };
            let ask = Ask::new(Amount(Some(Decimal::ONE)), &usd, &usd, Some(table), None);
            assert_eq!(convert(&[ask], tables).unwrap_err().message, message);
        }
    }
}

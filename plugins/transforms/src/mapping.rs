//! Codes through tables.
//!
//! A call carries the rows of a whole batch. They are sorted by table, each table is asked once for all its codes, and the answers go
//! back to their rows. What is unknown is a matter of the row; a table that does not exist concerns the scheme.

use std::collections::BTreeMap;

use qiao_plugin::json::text;
use qiao_plugin::{Failure, Library, Object, Value};

use crate::tables::Tables;

const CODE: (&str, &str) = ("code", "The code to look up, in the table's first column.");
const COLUMN: (&str, &str) = ("column", "The column whose text is the result; the second if left out.");
const UNKNOWN: (&str, &str) =
    ("unknown", "What an unknown code gives: `error` (the default), `keep` (the code itself), or `=text` (that text).");

pub(crate) fn register(library: &mut Library<'_>) {
    library.batch(
        "mapMaterialCode",
        "A material code through the table `material_code`.",
        [CODE, COLUMN, UNKNOWN],
        |rows: Vec<_>| {
            let asks = rows.into_iter().map(|(code, column, unknown)| Ask::new("material_code", code, column, unknown));
            map(&asks.collect::<Vec<_>>(), Tables::of_the_host())
        },
    );
    library.batch(
        "mapValue",
        "A value through any table.",
        [
            ("table", "The table's name: that of its file, without `.csv`."),
            ("value", "The value to look up, in the table's first column."),
            COLUMN,
            UNKNOWN,
        ],
        |rows: Vec<_>| {
            let asks = rows.into_iter().map(|(table, value, column, unknown)| Ask::new(table, value, column, unknown));
            map(&asks.collect::<Vec<_>>(), Tables::of_the_host())
        },
    );
}

/// One row's question.
#[derive(Debug, Clone, PartialEq)]
struct Ask<'v> {
    table: &'v str,
    code: &'v Value,
    column: Option<&'v str>,
    unknown: Option<&'v str>,
}

impl<'v> Ask<'v> {
    fn new(table: &'v str, code: &'v Value, column: Option<&'v str>, unknown: Option<&'v str>) -> Self {
        Self { table, code, column, unknown }
    }
}

/// What became of one row.
type Mapped = Result<Value, String>;

/// Maps a batch, asking each table once.
fn map(asks: &[Ask<'_>], tables: Tables<'_>) -> Result<Vec<Mapped>, Failure> {
    let mut by_table: BTreeMap<&str, Vec<(usize, &Ask<'_>)>> = BTreeMap::new();
    for (place, ask) in asks.iter().enumerate() {
        by_table.entry(ask.table).or_default().push((place, ask));
    }
    let mut mapped: Vec<(usize, Mapped)> = Vec::with_capacity(asks.len());
    for (table, asks) in by_table {
        let table = Table::read(table, &asks, tables)?;
        mapped.extend(asks.into_iter().map(|(place, ask)| (place, table.map(ask))));
    }
    mapped.sort_unstable_by_key(|(place, _)| *place);
    Ok(mapped.into_iter().map(|(_, value)| value).collect())
}

/// What a batch needs to know of one table.
struct Table<'v> {
    name: &'v str,
    columns: Vec<String>,
    rows: BTreeMap<String, Object>,
}

impl<'v> Table<'v> {
    fn read(name: &'v str, asks: &[(usize, &Ask<'_>)], tables: Tables<'_>) -> Result<Self, Failure> {
        let columns = (tables.columns)(name)?;
        let mut codes: Vec<String> = asks.iter().filter_map(|(_, ask)| text(ask.code).map(Into::into)).collect();
        codes.sort_unstable();
        codes.dedup();
        let found = (tables.lookup)(name, &codes)?;
        let rows = codes.into_iter().zip(found);
        Ok(Self { name, columns, rows: rows.filter_map(|(code, row)| Some((code, row?))).collect() })
    }

    fn map(&self, ask: &Ask<'_>) -> Mapped {
        let unknown = Unknown::read(ask.unknown)?;
        let column = self.column(ask.column)?;
        let row = match text(ask.code) {
            Some(code) => self.rows.get(code.as_ref()),
            None if ask.code.is_null() => None,
            None => {
                return Err(format!("`{}` is no code for table `{}`", ask.code, self.name));
            }
        };
        match (row, unknown) {
            (Some(row), _) => Ok(row.get(column).cloned().unwrap_or_default()),
            (None, Unknown::Keep) => Ok(ask.code.clone()),
            (None, Unknown::Text(text)) => Ok(Value::from(text)),
            (None, Unknown::Error) => Err(match text(ask.code).as_deref() {
                None | Some("") => format!("an empty code is not in table `{}`", self.name),
                Some(code) => format!("code `{code}` is not in table `{}`", self.name),
            }),
        }
    }

    fn column(&self, asked: Option<&str>) -> Result<&str, String> {
        match asked {
            Some(name) => self.columns.iter().find(|column| *column == name),
            None => self.columns.get(1),
        }
        .map(String::as_str)
        .ok_or_else(|| {
            let has = self.columns.join(", ");
            match asked {
                Some(name) => format!("table `{}` has no column `{name}`; it has: {has}", self.name),
                None => format!("table `{}` has no second column; it has: {has}", self.name),
            }
        })
    }
}

/// What an unknown code gives.
enum Unknown<'v> {
    Error,
    Keep,
    Text(&'v str),
}

impl<'v> Unknown<'v> {
    fn read(text: Option<&'v str>) -> Result<Self, String> {
        match text {
            None | Some("" | "error") => Ok(Self::Error),
            Some("keep") => Ok(Self::Keep),
            Some(other) => other
                .strip_prefix('=')
                .map(Self::Text)
                .ok_or_else(|| format!("parameter `unknown` is `{other}`; it must be `error`, `keep` or `=text`")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::cell::RefCell;

    use qiao_plugin::json::json;

    use super::*;

    fn columns(table: &str) -> Result<Vec<String>, Failure> {
        match table {
            "material_code" => Ok(vec!["erp".into(), "crm".into(), "名称".into()]),
            "narrow" => Ok(vec!["key".into()]),
            other => Err(Failure::misconfigured(format!("there is no table `{other}`"))),
        }
    }

    fn row(code: &str) -> Option<Object> {
        let (crm, name) = match code {
            "MAT-001" => ("P-1", "螺丝"),
            "42" => ("P-42", "螺母"),
            _ => return None,
        };
        json!({"erp": code, "crm": crm, "名称": name}).as_object().cloned()
    }

    fn mapped(rows: &Value) -> (Vec<String>, Vec<String>) {
        let asked = RefCell::new(Vec::new());
        let lookup = |table: &str, codes: &[String]| {
            asked.borrow_mut().push(format!("{table}: {}", codes.join(" ")));
            Ok(codes.iter().map(|code| row(code)).collect())
        };
        let tables = Tables { columns: &columns, lookup: &lookup };
        let rows: Vec<Vec<Value>> = serde_json::from_value(rows.clone()).unwrap();
        let asks: Vec<_> = rows
            .iter()
            .map(|row| {
                let text = |place: usize| row.get(place).and_then(Value::as_str);
                Ask::new(text(0).unwrap(), &row[1], text(2), text(3))
            })
            .collect();
        let answers = map(&asks, tables).unwrap();
        let answers =
            answers.into_iter().map(|answer| answer.map_or_else(|error| format!("! {error}"), |v| v.to_string()));
        (answers.collect(), asked.into_inner())
    }

    #[test]
    fn a_code_gives_its_column_or_what_the_call_says() {
        let cases = [
            (json!(["material_code", "MAT-001"]), "\"P-1\""),
            (json!(["material_code", 42]), "\"P-42\""),
            (json!(["material_code", "MAT-001", "名称"]), "\"螺丝\""),
            (json!(["material_code", "MAT-009"]), "! code `MAT-009` is not in table `material_code`"),
            (json!(["material_code", null]), "! an empty code is not in table `material_code`"),
            (json!(["material_code", "MAT-009", null, "keep"]), "\"MAT-009\""),
            (json!(["material_code", null, null, "keep"]), "null"),
            (json!(["material_code", "MAT-009", null, "=NONE"]), "\"NONE\""),
            (json!(["material_code", "MAT-009", null, "="]), "\"\""),
            (
                json!(["material_code", "MAT-001", "x"]),
                "! table `material_code` has no column `x`; it has: erp, crm, 名称",
            ),
            (
                json!(["material_code", "MAT-009", null, "skip"]),
                "! parameter `unknown` is `skip`; it must be `error`, `keep` or `=text`",
            ),
            (json!(["material_code", {}]), "! `{}` is no code for table `material_code`"),
            (json!(["narrow", "a"]), "! table `narrow` has no second column; it has: key"),
        ];
        for (row, expected) in cases {
            assert_eq!(mapped(&json!([row])).0, [expected], "{row}");
        }
    }

    #[test]
    fn each_table_is_asked_once_for_all_rows() {
        let (answers, asked) = mapped(&json!([
            ["material_code", "MAT-001"],
            ["narrow", "a"],
            ["material_code", "42"],
            ["material_code", "MAT-001"]
        ]));
        assert_eq!(asked, ["material_code: 42 MAT-001", "narrow: a"]);
        assert_eq!(answers[0], "\"P-1\"");
        assert_eq!(answers[2], "\"P-42\"");
        assert_eq!(answers[3], "\"P-1\"");
    }

    #[test]
    fn a_missing_table_concerns_the_whole_call() {
        let tables = Tables { columns: &columns, lookup: &|_, _| panic!("not reached") };
        let code = json!("a");
        let failure = map(&[Ask::new("none", &code, None, None)], tables).unwrap_err();
        assert_eq!(failure.message, "there is no table `none`");
    }
}

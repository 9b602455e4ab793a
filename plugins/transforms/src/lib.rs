//! Functions and stages that most projects need: codes and values through the project's tables, and rows dropped by a condition.

mod drop_rows;
mod mapping;

use qiao_plugin::{Description, Library, Transforms};

use mapping::Tables;

struct Common;

const CODE: (&str, &str) = ("code", "The code to look up, in the table's first column.");
const COLUMN: (&str, &str) = ("column", "The column whose text is the result; the second if left out.");
const UNKNOWN: (&str, &str) =
    ("unknown", "What an unknown code gives: `error` (the default), `keep` (the code itself), or `=text` (that text).");

impl Transforms for Common {
    fn describe() -> Description {
        Description::new(
            "transforms",
            env!("CARGO_PKG_VERSION"),
            "Maps codes and values through tables, and drops rows by a condition.",
        )
    }

    fn list(library: &mut Library<'_>) {
        library.batch(
            "mapMaterialCode",
            "A material code through the table `material_code`.",
            [CODE, COLUMN, UNKNOWN],
            |rows: Vec<_>| {
                let asks = rows
                    .into_iter()
                    .map(|(code, column, unknown)| mapping::Ask::new("material_code", code, column, unknown));
                mapping::map(&asks.collect::<Vec<_>>(), &Tables::of_the_host())
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
                let asks = rows
                    .into_iter()
                    .map(|(table, value, column, unknown)| mapping::Ask::new(table, value, column, unknown));
                mapping::map(&asks.collect::<Vec<_>>(), &Tables::of_the_host())
            },
        );
        library.stage(
            "drop-rows",
            "Drops the rows that meet every condition under `when`.",
            drop_rows::config_schema(),
            drop_rows::drop_rows,
        );
    }
}

qiao_plugin::export!(transforms: Common);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn names_and_parameters_are_what_schemes_call() {
        let mut library = Library::default();
        Common::list(&mut library);
        assert_eq!(
            format!("{library:?}"),
            r#"Library { functions: ["mapMaterialCode(code, column?, unknown?)", "mapValue(table, value, column?, unknown?)"], stages: ["drop-rows"] }"#
        );
    }
}

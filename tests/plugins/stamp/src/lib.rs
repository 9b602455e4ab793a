//! Another build of the project's transforms: it has their name, maps codes as they do, and says which build it is.
//!
//! The version is [`MARKER`], bytes of a fixed width that occur once in the component's file. A test makes builds of other versions by
//! replacing them there, without a compiler. So they are read in a way that the optimiser can neither fold nor split.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::str;

use qiao_plugin::json::{json, text};
use qiao_plugin::{Description, Failure, Library, Object, Processed, Transforms, Value, tables};
use serde::Deserialize;

/// The version, four digits at its end.
static MARKER: [u8; 18] = *b"stamp-version-0000";

const MATERIALS: &str = "material_code";

struct Stamp;

impl Transforms for Stamp {
    fn describe() -> Description {
        Description::new("transforms", env!("CARGO_PKG_VERSION"), "Stamps the version of its build on rows.")
    }

    fn list(library: &mut Library<'_>) {
        library.function(
            "stamp",
            "The version of this build.",
            [("value", "Anything; it plays no part.")],
            |_: Option<Value>| version(),
        );
        library.batch(
            "mapMaterialCode",
            "A material code through the table `material_code`.",
            [
                ("code", "The code to look up, in the table's first column."),
                ("column", "The column whose text is the result; the second if left out."),
                ("unknown", "Not served: an unknown code is an error."),
            ],
            map_material_code,
        );
        library.stage(
            "stamp",
            "Writes the version of this build into a field of each row.",
            || {
                json!({
                    "type": "object",
                    "properties": { "field": { "type": "string" } },
                    "required": ["field"],
                    "additionalProperties": false
                })
            },
            stamp,
        );
    }
}

/// The marker as it stands in the file that runs.
fn version() -> Result<String, String> {
    let bytes: &[u8] = black_box(&MARKER);
    str::from_utf8(bytes).map(str::to_owned).map_err(|error| format!("the marker is no text: {error}"))
}

type Codes<'v> = Vec<(&'v Value, Option<&'v str>, Option<&'v str>)>;

#[expect(clippy::needless_pass_by_value, reason = "the shape of every batch")]
fn map_material_code(rows: Codes<'_>) -> Result<Vec<Result<Value, String>>, Failure> {
    let columns = tables::columns(MATERIALS)?;
    let codes: Vec<String> = rows.iter().map(|(code, ..)| text(code).unwrap_or_default().into_owned()).collect();
    let known: BTreeMap<String, Option<Object>> =
        codes.iter().cloned().zip(tables::lookup(MATERIALS, &codes)?).collect();
    let map = |code: &String, column: Option<&str>| {
        let row = known.get(code).and_then(Option::as_ref);
        let row = row.ok_or_else(|| format!("code `{code}` is not in table `{MATERIALS}`"))?;
        let column = column.or(columns.get(1).map(String::as_str)).unwrap_or_default();
        row.get(column).cloned().ok_or_else(|| format!("table `{MATERIALS}` has no column `{column}`"))
    };
    Ok(codes.iter().zip(&rows).map(|(code, (_, column, _))| map(code, *column)).collect())
}

/// The stage's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    field: String,
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of every stage")]
fn stamp(config: Config, mut rows: Vec<Object>) -> Result<Processed, Failure> {
    let version = version().map_err(Failure::misconfigured)?;
    for row in &mut rows {
        row.insert(config.field.clone(), version.clone().into());
    }
    Ok(Processed { rows, refused: Vec::new() })
}

qiao_plugin::export!(transforms: Stamp);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Context;

    use super::*;

    #[test]
    fn function_and_stage_say_the_version() {
        let rows = vec![vec![], vec![json!("any")]];
        let mut library = Library::default();
        Stamp::list(&mut library);
        let answers = library.call("stamp", &Context::default(), &rows).unwrap();
        assert_eq!(answers, vec![Ok(json!("stamp-version-0000")); 2]);
        let rows = vec![Object::from_iter([("a".to_owned(), json!(1))])];
        let stamped = library.process("stamp", &Context::default(), &json!({"field": "build"}), rows).unwrap();
        assert_eq!(stamped.rows[0]["build"], "stamp-version-0000");
    }
}

//! The everyday functions and stages: what most integrations need and no vendor's plugin should have to bring.
//!
//! One file per family; each lists its own functions, with the names and parameters that schemes call. All follow the same rules:
//!
//! * `null`, and where an amount or a date is meant also blank text, gives `null`: an optional field stays optional.
//! * Numbers are exact decimals, and text that spells a number is one: vendors write `"1.0000"`.
//! * Text is counted in characters, not in bytes.
//! * What cannot be done is an error of its row, and names the value that is at fault.
//!
//! `docs/transforms.md` is the users' list; its examples are run as tests.

mod amount_words;
mod amounts;
mod arguments;
mod clean;
mod currency;
mod dates;
mod mapping;
mod patterns;
mod stages;
mod tables;
#[cfg(test)]
mod testing;
mod text;

use qiao_plugin::{Description, Library, Transforms};

/// The plugin.
#[derive(Debug)]
pub struct Common;

impl Transforms for Common {
    fn describe() -> Description {
        Description::new(
            "transforms",
            env!("CARGO_PKG_VERSION"),
            "Everyday functions (codes, dates, amounts, currencies, text) and stages (rename, split, deduplicate, validate, drop rows).",
        )
    }

    fn list(library: &mut Library<'_>) {
        mapping::register(library);
        dates::register(library);
        amounts::register(library);
        currency::register(library);
        clean::register(library);
        patterns::register(library);
        text::register(library);
        stages::register(library);
    }
}

qiao_plugin::export!(transforms: Common);

/// The functions and stages outside of a component, for benchmarks beside it. Those that read tables need a host and panic here.
pub fn library<'v>() -> Library<'v> {
    let mut library = Library::default();
    Common::list(&mut library);
    library
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::Value;

    use super::*;

    const PAGES: [(&str, &str); 2] = [
        ("transforms.md", include_str!("../../../docs/transforms.md")),
        ("transforms.zh-CN.md", include_str!("../../../docs/transforms.zh-CN.md")),
    ];

    /// The cells of the tables of functions: signature, example, result.
    fn functions(page: &str) -> Vec<[&str; 3]> {
        let cells = page.lines().filter_map(|line| {
            let inner = line.strip_prefix("| `")?.strip_suffix("` |")?;
            let mut cells = inner.split("` | `");
            Some([cells.next()?, cells.next()?, cells.next()?])
        });
        cells.collect()
    }

    /// `join('-', 'A', null)` → `join` and its arguments.
    fn parsed(example: &str) -> (&str, Value) {
        let (name, arguments) = example.strip_suffix(')').unwrap().split_once('(').unwrap();
        // Nothing in the examples is quoted twice, so that quotes of JSON will do.
        assert!(!arguments.contains('"'), "{example}");
        let json = arguments.replace('\\', r"\\").replace('\'', "\"");
        (name, serde_json::from_str(&format!("[{json}]")).unwrap())
    }

    #[test]
    fn names_and_parameters_are_what_the_pages_say() {
        let library = format!("{:?}", library());
        let (listed, stages) = library.split_once("stages: ").unwrap();
        for (name, page) in PAGES {
            let signatures: Vec<String> =
                functions(page).iter().map(|[signature, ..]| format!("{signature:?}")).collect();
            assert_eq!(listed, format!("Library {{ functions: [{}], ", signatures.join(", ")), "{name}");
            let headings: Vec<String> = page
                .lines()
                .filter_map(|line| Some(format!("{:?}", line.strip_prefix("### `")?.strip_suffix('`')?)))
                .collect();
            assert_eq!(stages, format!("[{}] }}", headings.join(", ")), "{name}");
        }
    }

    #[test]
    fn the_examples_of_the_pages_are_true() {
        // These need tables, which have no host here.
        let with_tables = ["mapMaterialCode", "mapValue", "convertCurrency"];
        for (page, text) in PAGES {
            let examples = functions(text);
            for [_, example, result] in examples
                .iter()
                .filter(|[signature, ..]| !with_tables.contains(&signature.split('(').next().unwrap_or_default()))
            {
                let (name, arguments) = parsed(example);
                assert_eq!(testing::call(name, &arguments), *result, "{page}: {example}");
            }
        }
        assert_eq!(functions(PAGES[0].1), functions(PAGES[1].1));
    }
}

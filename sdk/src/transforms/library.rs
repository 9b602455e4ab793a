//! The functions and stages of a plugin, by name.

use serde::de::DeserializeOwned;

use super::callable::{Answers, Batch, Function, Stage};
use super::{Arguments, Processed};
use crate::json::{self, Object, Value};
use crate::{Context, Failure};

type Rows<'v> = &'v [Vec<Value>];
type Call<'v> = Box<dyn Fn(&Context, Rows<'v>) -> Answers + 'v>;
type Process<'v> = Box<dyn Fn(&Context, &Value, Vec<Object>) -> Result<Processed, Failure> + 'v>;

/// The functions and stages of a plugin. `'v` is how long a call's arguments live.
#[derive(Default)]
pub struct Library<'v> {
    pub(crate) functions: Vec<FunctionEntry<'v>>,
    pub(crate) stages: Vec<StageEntry<'v>>,
}

impl std::fmt::Debug for Library<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("functions", &self.signatures()).field("stages", &self.stage_names()).finish()
    }
}

pub(crate) struct FunctionEntry<'v> {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    call: Call<'v>,
}

pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) optional: bool,
}

pub(crate) struct StageEntry<'v> {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) config_schema: fn() -> Value,
    process: Process<'v>,
}

impl<'v> Library<'v> {
    /// Adds a function that is called once per row. Each parameter has a name and a summary; there are as many as the function takes,
    /// or it does not compile.
    pub fn function<A, M, const N: usize>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, &'static str); N],
        function: impl Function<'v, A, M, N>,
    ) where
        A: Arguments<'v, N>,
    {
        let names = parameters.map(|(name, _)| name);
        self.add::<A, N>(name, summary, parameters, move |context, rows| {
            Ok(rows.iter().map(|row| function.call(context, A::from_row(row, &names)?)).collect())
        });
    }

    /// Adds a function that gets the arguments of all rows at once, as tuples, and answers once per row and in order.
    pub fn batch<A, M, const N: usize>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, &'static str); N],
        function: impl Batch<A, M> + 'v,
    ) where
        A: Arguments<'v, N>,
    {
        let names = parameters.map(|(name, _)| name);
        self.add::<A, N>(name, summary, parameters, move |context, rows| {
            let mut good = Vec::with_capacity(rows.len());
            let misfits: Vec<Option<String>> =
                rows.iter().map(|row| A::from_row(row, &names).map(|row| good.push(row)).err()).collect();
            let asked = good.len();
            let answers = function.call(context, good)?;
            if answers.len() != asked {
                return Err(Failure::misconfigured(format!(
                    "function `{name}` answers {} rows of {asked}",
                    answers.len()
                )));
            }
            let mut answers = answers.into_iter();
            Ok(misfits
                .into_iter()
                .map(|misfit| match misfit {
                    Some(misfit) => Err(misfit),
                    None => answers.next().unwrap_or(Ok(Value::Null)),
                })
                .collect())
        });
    }

    fn add<A: Arguments<'v, N>, const N: usize>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, &'static str); N],
        call: impl Fn(&Context, Rows<'v>) -> Answers + 'v,
    ) {
        self.functions.push(FunctionEntry {
            name,
            summary,
            parameters: parameters
                .into_iter()
                .zip(A::OPTIONAL)
                .map(|((name, summary), optional)| Parameter { name, summary, optional })
                .collect(),
            call: Box::new(call),
        });
    }

    /// Adds a stage. Its settings are read into the type of the function's first parameter after any context; what does not fit is
    /// `misconfigured`, with the JSON path. `config_schema` makes their JSON Schema; only listing the stages calls it.
    pub fn stage<C, M>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        config_schema: fn() -> Value,
        stage: impl Stage<C, M> + 'v,
    ) where
        C: DeserializeOwned,
    {
        self.stages.push(StageEntry {
            name,
            summary,
            config_schema,
            process: Box::new(move |context, config, rows| {
                let config = json::read("config", config)
                    .map_err(|misfit| Failure::misconfigured(format!("stage `{name}`: {misfit}")))?;
                stage.process(context, config, rows)
            }),
        });
    }

    /// Calls a function once for each row of arguments: one value, or why there is none, per row and in order.
    pub fn call(&self, name: &str, context: &Context, rows: Rows<'v>) -> Answers {
        let Some(function) = self.functions.iter().find(|entry| entry.name == name) else {
            return Err(unknown("function", name, &self.function_names()));
        };
        (function.call)(context, rows)
    }

    /// Runs a stage over rows.
    pub fn process(
        &self,
        name: &str,
        context: &Context,
        config: &Value,
        rows: Vec<Object>,
    ) -> Result<Processed, Failure> {
        let Some(stage) = self.stages.iter().find(|entry| entry.name == name) else {
            return Err(unknown("stage", name, &self.stage_names()));
        };
        (stage.process)(context, config, rows)
    }

    /// `gross(net, percent?)`
    fn signatures(&self) -> Vec<String> {
        let signature = |entry: &FunctionEntry<'_>| {
            let parameters = entry.parameters.iter();
            let parameters: Vec<String> = parameters
                .map(|parameter| {
                    let mark = if parameter.optional { "?" } else { "" };
                    format!("{}{mark}", parameter.name)
                })
                .collect();
            format!("{}({})", entry.name, parameters.join(", "))
        };
        self.functions.iter().map(signature).collect()
    }

    fn function_names(&self) -> Vec<&'static str> {
        self.functions.iter().map(|entry| entry.name).collect()
    }

    fn stage_names(&self) -> Vec<&'static str> {
        self.stages.iter().map(|entry| entry.name).collect()
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    let failure = Failure::misconfigured(format!("the plugin has no {what} `{name}`"));
    if known.is_empty() { failure } else { failure.hint(format!("it has: {}", known.join(", "))) }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "tests"
    )]
    use rust_decimal::Decimal;

    use super::*;
    use crate::json::json;

    fn gross(net: Decimal, percent: Option<Decimal>) -> Decimal {
        net + net * percent.unwrap_or(Decimal::from(13)) / Decimal::from(100)
    }

    fn first_letter(text: &str) -> Result<String, &'static str> {
        let letter = text.chars().next().ok_or("the text is empty")?;
        Ok(letter.to_string())
    }

    fn join(rows: Vec<(&str, bool)>) -> Result<Vec<Option<String>>, Failure> {
        let joined = rows.iter().map(|(text, keep)| keep.then(|| (*text).to_owned()));
        Ok(joined.collect())
    }

    fn zoned(context: &Context, text: &str, _: Option<i64>) -> String {
        format!("{text}@{}", context.time_zone)
    }

    fn schemes(context: &Context, rows: Vec<(Value,)>) -> Result<Vec<Option<String>>, Failure> {
        Ok(rows.iter().map(|_| context.scheme.clone()).collect())
    }

    fn mark(context: &Context, config: Keep, mut rows: Vec<Object>) -> Result<Processed, Failure> {
        for row in &mut rows {
            row.insert(config.field.clone(), context.time_zone.clone().into());
        }
        Ok(Processed { rows, refused: vec![] })
    }

    #[derive(serde::Deserialize)]
    struct Keep {
        field: String,
    }

    fn keep(config: Keep, rows: Vec<Object>) -> Result<Processed, Failure> {
        let rows = rows.into_iter().filter(|row| row.contains_key(&config.field));
        Ok(Processed { rows: rows.collect(), refused: vec![] })
    }

    fn library<'v>() -> Library<'v> {
        let mut library = Library::default();
        library.function("gross", "With VAT.", [("net", "Without VAT."), ("percent", "13 if left out.")], gross);
        library.function("first", "The first letter.", [("text", "Any text.")], first_letter);
        library.batch("join", "A batch.", [("text", ""), ("keep", "")], join);
        library.stage("keep", "Rows with a field.", || json!({}), keep);
        library.function("zoned", "With the zone.", [("text", ""), ("more", "")], zoned);
        library.batch("schemes", "The scheme.", [("any", "")], schemes);
        library.stage("mark", "Marks rows.", || json!({}), mark);
        library
    }

    fn context() -> Context {
        Context { scheme: Some("orders".into()), time_zone: "Europe/Berlin".into() }
    }

    fn call(name: &str, rows: &Value) -> String {
        let rows: Vec<Vec<Value>> = serde_json::from_value(rows.clone()).unwrap();
        match library().call(name, &context(), &rows) {
            Ok(answers) => answers
                .into_iter()
                .map(|answer| answer.map_or_else(|error| format!("! {error}"), |v| v.to_string()))
                .collect::<Vec<_>>()
                .join(" | "),
            Err(failure) => format!("!! {failure}"),
        }
    }

    #[test]
    fn plain_functions_take_and_give_typed_values() {
        let cases = [
            ("gross", json!([["100.00", 6], [100, null], [100]]), "106.00 | 113 | 113"),
            ("gross", json!([["x"]]), "! parameter `net`: `x` is no number of up to 28 digits"),
            ("gross", json!([[]]), "! parameter `net`: expected a number, found `null`"),
            ("gross", json!([[1, 2, 3]]), "! 3 arguments given, at most 2 taken"),
            ("first", json!([["桥梁"], [42], [""]]), "\"桥\" | \"4\" | ! the text is empty"),
            (
                "join",
                json!([["a", true], ["b", "no"], ["c", false]]),
                "\"a\" | ! parameter `keep`: expected a boolean, found a text | null",
            ),
            ("zoned", json!([["a", null], ["b"]]), "\"a@Europe/Berlin\" | \"b@Europe/Berlin\""),
            ("schemes", json!([[1]]), "\"orders\""),
            (
                "none",
                json!([]),
                "!! the plugin has no function `none`; hint: it has: gross, first, join, zoned, schemes",
            ),
        ];
        for (name, rows, expected) in cases {
            assert_eq!(call(name, &rows), expected, "{name} {rows}");
        }
    }

    #[test]
    fn an_option_makes_an_optional_parameter() {
        assert_eq!(
            library().signatures(),
            ["gross(net, percent?)", "first(text)", "join(text, keep)", "zoned(text, more?)", "schemes(any)"]
        );
    }

    #[test]
    fn a_stage_reads_its_settings() {
        let rows = || vec![Object::from_iter([("a".to_owned(), json!(1))]), Object::new()];
        let kept = library().process("keep", &context(), &json!({"field": "a"}), rows());
        assert_eq!(kept.unwrap().rows.len(), 1);
        let failure = library().process("keep", &context(), &json!({"field": 1}), rows()).unwrap_err();
        assert_eq!(failure.message, "stage `keep`: `config.field`: invalid type: number, expected a string");
        let marked = library().process("mark", &context(), &json!({"field": "zone"}), rows()).unwrap();
        assert_eq!(marked.rows[1]["zone"], "Europe/Berlin");
    }
}

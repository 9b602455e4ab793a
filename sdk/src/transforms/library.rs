//! The functions and stages of a plugin, by name.

use serde::de::DeserializeOwned;

use super::{Answer, Arguments, Processed};
use crate::Failure;
use crate::json::{self, Object, Value};

type Rows<'v> = &'v [Vec<Value>];
type Answers = Result<Vec<Result<Value, String>>, Failure>;
type Call<'v> = Box<dyn Fn(Rows<'v>) -> Answers + 'v>;
type Process<'v> = Box<dyn Fn(&Value, Vec<Object>) -> Result<Processed, Failure> + 'v>;

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
    pub(crate) config_schema: Value,
    process: Process<'v>,
}

impl<'v> Library<'v> {
    /// Adds a function that is called once per row. Each parameter has a name and a summary; there are as many as the function takes,
    /// or it does not compile.
    pub fn function<A, const N: usize>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, &'static str); N],
        function: impl Function<'v, A, N>,
    ) where
        A: Arguments<'v, N>,
    {
        let names = parameters.map(|(name, _)| name);
        self.add::<A, N>(name, summary, parameters, move |rows| {
            Ok(rows.iter().map(|row| function.call(A::from_row(row, &names)?)).collect())
        });
    }

    /// Adds a function that gets the arguments of all rows at once, as tuples, and answers once per row and in order.
    pub fn batch<A, const N: usize>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, &'static str); N],
        function: impl Batch<A> + 'v,
    ) where
        A: Arguments<'v, N>,
    {
        let names = parameters.map(|(name, _)| name);
        self.add::<A, N>(name, summary, parameters, move |rows| {
            let mut good = Vec::with_capacity(rows.len());
            let misfits: Vec<Option<String>> =
                rows.iter().map(|row| A::from_row(row, &names).map(|row| good.push(row)).err()).collect();
            let asked = good.len();
            let answers = function.call(good)?;
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
        call: impl Fn(Rows<'v>) -> Answers + 'v,
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

    /// Adds a stage. Its settings are read into the type of the function's first parameter; what does not fit is `misconfigured`, with
    /// the JSON path.
    pub fn stage<C>(
        &mut self,
        name: &'static str,
        summary: &'static str,
        config_schema: Value,
        stage: impl Stage<C> + 'v,
    ) where
        C: DeserializeOwned,
    {
        self.stages.push(StageEntry {
            name,
            summary,
            config_schema,
            process: Box::new(move |config, rows| {
                let config = json::read("config", config)
                    .map_err(|misfit| Failure::misconfigured(format!("stage `{name}`: {misfit}")))?;
                stage.process(config, rows)
            }),
        });
    }

    /// Calls a function once for each row of arguments: one value, or why there is none, per row and in order.
    pub fn call(&self, name: &str, rows: Rows<'v>) -> Answers {
        let Some(function) = self.functions.iter().find(|entry| entry.name == name) else {
            return Err(unknown("function", name, &self.function_names()));
        };
        (function.call)(rows)
    }

    /// Runs a stage over rows.
    pub fn process(&self, name: &str, config: &Value, rows: Vec<Object>) -> Result<Processed, Failure> {
        let Some(stage) = self.stages.iter().find(|entry| entry.name == name) else {
            return Err(unknown("stage", name, &self.stage_names()));
        };
        (stage.process)(config, rows)
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

/// A Rust function that is called once per row: any `fn` or closure whose parameters are [`FromValue`](super::FromValue) and whose result
/// is an [`Answer`].
pub trait Function<'v, A, const N: usize>: 'v {
    /// Calls it with one row.
    fn call(&self, arguments: A) -> Result<Value, String>;
}

macro_rules! function {
    ($n:literal: $($T:ident)*) => {
        impl<'v, Call, Result_, $($T),*> Function<'v, ($($T,)*), $n> for Call
        where
            Call: Fn($($T),*) -> Result_ + 'v,
            Result_: Answer,
        {
            fn call(&self, arguments: ($($T,)*)) -> Result<Value, String> {
                #[allow(non_snake_case, reason = "one variable for each type")]
                let ($($T,)*) = arguments;
                self($($T),*).answer()
            }
        }
    };
}

function!(1: A);
function!(2: A B);
function!(3: A B C);
function!(4: A B C D);
function!(5: A B C D E);
function!(6: A B C D E F);

/// A Rust function that gets all rows at once: `fn(Vec<(A, B)>) -> Result<Vec<R>, Failure>`. Its `Err` is for what concerns no row in
/// particular, such as a missing table.
pub trait Batch<A> {
    /// Calls it with all rows.
    fn call(&self, rows: Vec<A>) -> Answers;
}

impl<Call, R, A> Batch<A> for Call
where
    Call: Fn(Vec<A>) -> Result<Vec<R>, Failure>,
    R: Answer,
{
    fn call(&self, rows: Vec<A>) -> Answers {
        Ok(self(rows)?.into_iter().map(Answer::answer).collect())
    }
}

/// A step over a page of rows: `fn(Config, Vec<Object>) -> Result<Processed, Failure>`.
pub trait Stage<C> {
    /// Runs it.
    fn process(&self, config: C, rows: Vec<Object>) -> Result<Processed, Failure>;
}

impl<Call, C> Stage<C> for Call
where
    Call: Fn(C, Vec<Object>) -> Result<Processed, Failure>,
{
    fn process(&self, config: C, rows: Vec<Object>) -> Result<Processed, Failure> {
        self(config, rows)
    }
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
        library.stage("keep", "Rows with a field.", json!({}), keep);
        library
    }

    fn call(name: &str, rows: &Value) -> String {
        let rows: Vec<Vec<Value>> = serde_json::from_value(rows.clone()).unwrap();
        match library().call(name, &rows) {
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
            ("none", json!([]), "!! the plugin has no function `none`; hint: it has: gross, first, join"),
        ];
        for (name, rows, expected) in cases {
            assert_eq!(call(name, &rows), expected, "{name} {rows}");
        }
    }

    #[test]
    fn an_option_makes_an_optional_parameter() {
        assert_eq!(library().signatures(), ["gross(net, percent?)", "first(text)", "join(text, keep)"]);
    }

    #[test]
    fn a_stage_reads_its_settings() {
        let rows = || vec![Object::from_iter([("a".to_owned(), json!(1))]), Object::new()];
        let kept = library().process("keep", &json!({"field": "a"}), rows());
        assert_eq!(kept.unwrap().rows.len(), 1);
        let failure = library().process("keep", &json!({"field": 1}), rows()).unwrap_err();
        assert_eq!(failure.message, "stage `keep`: `config.field`: invalid type: number, expected a string");
    }
}

//! From a row of arguments to a Rust function's parameters, and from its result to a value.

use std::fmt::Display;

use rust_decimal::Decimal;

use crate::json::{self, Object, Value};

static NULL: Value = Value::Null;

/// A type that a function's parameter may have. `'v` is how long the arguments live, so that text is borrowed.
///
/// | type | accepts |
/// |---|---|
/// | `&str`, `String` | text; a number or a boolean as its text |
/// | `Decimal` | a number, or text that spells one |
/// | `i64` | the same, without decimals |
/// | `bool` | `true`, `false` |
/// | `Value`, `&Value` | anything, `null` too |
/// | `Option<T>` | what `T` accepts; `null`, or left out: `None`. The parameter is optional |
pub trait FromValue<'v>: Sized {
    /// The parameter may be left out.
    const OPTIONAL: bool = false;

    /// Reads the argument; the error says what was expected and what was there.
    fn from_value(value: &'v Value) -> Result<Self, String>;
}

impl<'v> FromValue<'v> for &'v Value {
    fn from_value(value: &'v Value) -> Result<Self, String> {
        Ok(value)
    }
}

impl FromValue<'_> for Value {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl<'v> FromValue<'v> for &'v str {
    fn from_value(value: &'v Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.as_str()),
            Value::Bool(true) => Ok("true"),
            Value::Bool(false) => Ok("false"),
            other => Err(expected("a text", other)),
        }
    }
}

impl FromValue<'_> for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

impl FromValue<'_> for Decimal {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Number(_) | Value::String(_) => json::decimal(value).map_err(|error| error.to_string()),
            other => Err(expected("a number", other)),
        }
    }
}

impl FromValue<'_> for i64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        let decimal = Decimal::from_value(value)?;
        if !decimal.fract().is_zero() {
            return Err(format!("`{decimal}` is no whole number"));
        }
        Self::try_from(decimal).map_err(|_| format!("`{decimal}` is too large"))
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| expected("a boolean", value))
    }
}

impl<'v, T: FromValue<'v>> FromValue<'v> for Option<T> {
    const OPTIONAL: bool = true;

    fn from_value(value: &'v Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

fn expected(what: &str, value: &Value) -> String {
    format!("expected {what}, found {}", json::kind(value))
}

/// The parameters of a function, as a tuple of their types.
pub trait Arguments<'v, const N: usize>: Sized {
    /// Which parameters may be left out.
    const OPTIONAL: [bool; N];

    /// Reads a row of arguments; the error names the parameter. Arguments that are left out read as `null`.
    fn from_row(row: &'v [Value], names: &[&str; N]) -> Result<Self, String>;
}

/// The argument at this place; one that is left out reads as `null`.
fn argument<'v, T: FromValue<'v>>(row: &'v [Value], names: &[&str], place: usize) -> Result<T, String> {
    T::from_value(row.get(place).unwrap_or(&NULL)).map_err(|error| {
        let name = names.get(place).copied().unwrap_or_default();
        format!("parameter `{name}`: {error}")
    })
}

macro_rules! arguments {
    ($n:literal: $($T:ident $place:literal)*) => {
        impl<'v, $($T: FromValue<'v>),*> Arguments<'v, $n> for ($($T,)*) {
            const OPTIONAL: [bool; $n] = [$($T::OPTIONAL),*];

            fn from_row(row: &'v [Value], names: &[&str; $n]) -> Result<Self, String> {
                if row.len() > $n {
                    return Err(format!("{} arguments given, at most {} taken", row.len(), $n));
                }
                Ok(($(argument::<$T>(row, names, $place)?,)*))
            }
        }
    };
}

arguments!(1: A 0);
arguments!(2: A 0 B 1);
arguments!(3: A 0 B 1 C 2);
arguments!(4: A 0 B 1 C 2 D 3);
arguments!(5: A 0 B 1 C 2 D 3 E 4);
arguments!(6: A 0 B 1 C 2 D 3 E 4 F 5);

/// What a function may give: a scalar, JSON, `None` for `null`, or a `Result` whose error says why there is no value for this row.
pub trait Answer {
    /// The value, or why there is none.
    fn answer(self) -> Result<Value, String>;
}

macro_rules! answers {
    ($($T:ty: $value:ident => $json:expr;)+) => {$(
        impl Answer for $T {
            fn answer(self) -> Result<Value, String> {
                let $value = self;
                Ok($json)
            }
        }
    )+};
}

answers! {
    Value: value => value;
    Object: value => Value::Object(value);
    String: value => Value::String(value);
    &str: value => Value::String(value.to_owned());
    bool: value => Value::Bool(value);
    i64: value => Value::from(value);
    Decimal: value => json::number(value);
}

impl<T: Answer> Answer for Option<T> {
    fn answer(self) -> Result<Value, String> {
        self.map_or(Ok(Value::Null), Answer::answer)
    }
}

impl<T: Answer, E: Display> Answer for Result<T, E> {
    fn answer(self) -> Result<Value, String> {
        self.map_err(|error| error.to_string())?.answer()
    }
}

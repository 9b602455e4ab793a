//! What a function, a batch and a stage may look like in Rust.
//!
//! Each comes in two shapes, with `&Context` and without, so that plain functions stay plain. A closure's type could implement `Fn` for
//! both, as far as the compiler knows, so the trait has a marker that tells the shapes apart; it is always inferred.

use super::{Answer, Processed};
use crate::json::{Object, Value};
use crate::{Context, Failure};

/// One value, or why there is none, for each row.
pub(super) type Answers = Result<Vec<Result<Value, String>>, Failure>;

/// Marks functions and stages that take nothing but their arguments.
#[derive(Debug)]
pub enum Plain {}

/// Marks functions and stages that take `&Context` before everything else.
#[derive(Debug)]
pub enum InContext {}

/// A Rust function that is called once per row: any `fn` or closure whose parameters are [`FromValue`](super::FromValue) and whose result
/// is an [`Answer`]. It may take `&Context` before them. `M` is [`Plain`] or [`InContext`], and never written out.
pub trait Function<'v, A, M, const N: usize>: 'v {
    /// Calls it with one row.
    fn call(&self, context: &Context, arguments: A) -> Result<Value, String>;
}

macro_rules! function {
    ($n:literal: $($T:ident)*) => {
        impl<'v, Call, Result_, $($T),*> Function<'v, ($($T,)*), Plain, $n> for Call
        where
            Call: Fn($($T),*) -> Result_ + 'v,
            Result_: Answer,
        {
            fn call(&self, _: &Context, arguments: ($($T,)*)) -> Result<Value, String> {
                #[allow(non_snake_case, reason = "one variable for each type")]
                let ($($T,)*) = arguments;
                self($($T),*).answer()
            }
        }

        impl<'v, Call, Result_, $($T),*> Function<'v, ($($T,)*), InContext, $n> for Call
        where
            Call: Fn(&Context, $($T),*) -> Result_ + 'v,
            Result_: Answer,
        {
            fn call(&self, context: &Context, arguments: ($($T,)*)) -> Result<Value, String> {
                #[allow(non_snake_case, reason = "one variable for each type")]
                let ($($T,)*) = arguments;
                self(context, $($T),*).answer()
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
/// particular, such as a missing table. It may take `&Context` before the rows.
pub trait Batch<A, M> {
    /// Calls it with all rows.
    fn call(&self, context: &Context, rows: Vec<A>) -> Answers;
}

impl<Call, R, A> Batch<A, Plain> for Call
where
    Call: Fn(Vec<A>) -> Result<Vec<R>, Failure>,
    R: Answer,
{
    fn call(&self, _: &Context, rows: Vec<A>) -> Answers {
        Ok(self(rows)?.into_iter().map(Answer::answer).collect())
    }
}

impl<Call, R, A> Batch<A, InContext> for Call
where
    Call: Fn(&Context, Vec<A>) -> Result<Vec<R>, Failure>,
    R: Answer,
{
    fn call(&self, context: &Context, rows: Vec<A>) -> Answers {
        Ok(self(context, rows)?.into_iter().map(Answer::answer).collect())
    }
}

/// A step over a page of rows: `fn(Config, Vec<Object>) -> Result<Processed, Failure>`. It may take `&Context` before the settings.
pub trait Stage<C, M> {
    /// Runs it.
    fn process(&self, context: &Context, config: C, rows: Vec<Object>) -> Result<Processed, Failure>;
}

impl<Call, C> Stage<C, Plain> for Call
where
    Call: Fn(C, Vec<Object>) -> Result<Processed, Failure>,
{
    fn process(&self, _: &Context, config: C, rows: Vec<Object>) -> Result<Processed, Failure> {
        self(config, rows)
    }
}

impl<Call, C> Stage<C, InContext> for Call
where
    Call: Fn(&Context, C, Vec<Object>) -> Result<Processed, Failure>,
{
    fn process(&self, context: &Context, config: C, rows: Vec<Object>) -> Result<Processed, Failure> {
        self(context, config, rows)
    }
}

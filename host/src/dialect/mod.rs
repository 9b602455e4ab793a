//! The metadata dialect: from a scheme's JSON to requests and bills.
//!
//! A scheme's two metadata objects are read once, when the scheme loads ([`parse_source`], [`parse_target`]), into plans in
//! which every template is split, every expression parsed and every constant converted; a record then costs an evaluation
//! and nothing more. What is wrong with metadata is said at that time, all of it at once and each with its JSON path
//! ([`Finding`]).
//!
//! This room is pure. It knows no file, no vendor, no plugin and no clock: time is passed in ([`Variables`]), and what a
//! mapping needs of the world it asks for ([`Question`]). [`TargetPlan::map`] returns either a bill or all of its open
//! questions; the engine answers those of many bills together and maps again. So nothing in here waits, and a mapping can be
//! repeated with the same result.
//!
//! From the outside in:
//!
//! | file | what |
//! |---|---|
//! | `metadata`, `source`, `target`, `key` | the top level of metadata, and the two plans |
//! | `shape`, `condition`, `format`, `flatten` | what a fetched row becomes before anything sees it |
//! | `group` | what the rows of a bill become where they are regrouped and computed |
//! | `write_back` | what a written bill passes on to another scheme |
//! | `load`, `item` | items: reading them, and what they become |
//! | `directive`, `find`, `call`, `expression`, `template`, `filter`, `variable` | what the text of a value can be |
//! | `parser` | what a value becomes when it is filled in |
//! | `mapping`, `scope`, `name` | rendering: items over rows, and what names mean there |
//! | `value` | types and conversions |
//! | `guess` | which side's metadata it is, where nobody says |
//! | `question`, `options`, `plan`, `error`, `finding` | the words shared with the engine |

mod call;
mod condition;
mod directive;
mod error;
mod expression;
mod filter;
mod find;
mod finding;
mod flatten;
mod format;
mod group;
mod guess;
mod item;
mod key;
mod load;
mod mapping;
mod metadata;
mod name;
mod options;
mod parser;
mod plan;
mod question;
mod scope;
mod shape;
mod source;
mod target;
mod template;
mod value;
mod variable;
mod write_back;

#[cfg(test)]
mod tests;

pub use error::{MappingError, Place, Side};
pub use find::{Matcher, Read, Search};
pub use finding::{Finding, Parsed};
pub use guess::guess_side;
pub use mapping::{Draft, Mapping};
pub use name::field;
pub use options::{OnExpressionError, Options, Variables};
pub use plan::{FunctionUse, LookupIn, LookupUse, Uses};
pub use question::{Answer, Answers, Argument, Question, Questions};
pub use source::{SourcePlan, parse_source};
pub use target::{TargetPlan, parse_target};
pub use value::{index_text, is_empty};
pub use write_back::WriteBack;

/// One record: an object whose numbers keep their text.
pub type Row = serde_json::Map<String, serde_json::Value>;

//! Placeholders as parameters of an expression.
//!
//! A placeholder becomes a name that the parser takes for an operand, or, within quotes, a mark in the text. Where that
//! could mean something else than the text filled in, the reason is returned instead.

use super::super::template::{Segment, Template};

/// The name of a parameter in the parsed text.
pub(super) const PARAMETER: &str = "__q";
/// Around the number of a parameter within quotes: letters of the private use area.
pub(super) const OPEN: char = '\u{e0f0}';
pub(super) const CLOSE: char = '\u{e0f1}';

/// Knows, letter by letter, whether a text is within quotes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quotes {
    open: Option<char>,
    escaped: bool,
}

impl Quotes {
    pub(super) fn read(&mut self, text: &str) {
        for letter in text.chars() {
            match self.open {
                _ if self.escaped => self.escaped = false,
                Some('`') | None if letter == '\\' => {}
                Some(_) if letter == '\\' => self.escaped = true,
                // A doubled quote closes and opens again, which comes to the same.
                Some(quote) if letter == quote => self.open = None,
                None if matches!(letter, '\'' | '"' | '`') => self.open = Some(letter),
                _ => {}
            }
        }
    }

    /// Within the quotes of a text.
    pub(super) fn are_open(self) -> bool {
        matches!(self.open, Some('\'' | '"'))
    }
}

/// A full-width sign outside of quotes, which no parser takes for the sign that was meant, and that one.
pub(super) fn full_width(template: &Template) -> Option<(char, char)> {
    const SIGNS: [(char, char); 15] = [
        ('，', ','),
        ('（', '('),
        ('）', ')'),
        ('；', ';'),
        ('＋', '+'),
        ('－', '-'),
        ('＊', '*'),
        ('／', '/'),
        ('％', '%'),
        ('＝', '='),
        ('＜', '<'),
        ('＞', '>'),
        ('‘', '\''),
        ('’', '\''),
        ('“', '"'),
    ];
    let mut quotes = Quotes::default();
    for segment in template.segments() {
        let Segment::Text(text) = segment else { continue };
        for letter in text.chars() {
            if quotes.open.is_none()
                && let Some(sign) = SIGNS.iter().find(|(full, _)| *full == letter)
            {
                return Some(*sign);
            }
            quotes.read(letter.encode_utf8(&mut [0; 4]));
        }
    }
    None
}

/// The expression with parameters for placeholders, or why its placeholders cannot be parameters. A placeholder without quotes
/// for which there is a `filling` is filled in with it.
pub(super) fn parameterised(template: &Template, filling: &dyn Fn(usize) -> Option<String>) -> Result<String, String> {
    let mut sql = String::new();
    let mut quotes = Quotes::default();
    let mut number = 0;
    let mut segments = template.segments().iter().peekable();
    while let Some(segment) = segments.next() {
        match segment {
            Segment::Text(text) => {
                push(&mut sql, &mut quotes, text)?;
            }
            // A lookup is a parameter like any other.
            placeholder => {
                if quotes.escaped {
                    return Err(format!("a backslash stands before `{placeholder}`"));
                }
                match quotes.open {
                    Some('`') => return Err(format!("`{placeholder}` is part of a name")),
                    Some(_) => sql.extend([OPEN.to_string(), number.to_string(), CLOSE.to_string()]),
                    None => {
                        let next = match segments.peek() {
                            Some(Segment::Text(text)) => Some(text.as_str()),
                            Some(_) => {
                                return Err(format!("`{placeholder}` touches another placeholder"));
                            }
                            None => None,
                        };
                        let touches = sql.ends_with(touching)
                            || next
                                .is_some_and(|next| next.starts_with(touching) || next.trim_start().starts_with('('));
                        if touches {
                            return Err(format!("`{placeholder}` touches other text"));
                        }
                        match filling(number) {
                            Some(text) => push(&mut sql, &mut quotes, &text)?,
                            None => sql.extend([PARAMETER, &number.to_string()]),
                        }
                    }
                }
                number += 1;
            }
        }
    }
    Ok(sql)
}

fn push(sql: &mut String, quotes: &mut Quotes, text: &str) -> Result<(), String> {
    if text.contains([OPEN, CLOSE]) || text.contains(PARAMETER) {
        return Err("it contains a name that parameters have".to_owned());
    }
    quotes.read(text);
    sql.push_str(text);
    Ok(())
}

/// A letter that would be part of the same word or number.
fn touching(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '@' | '.' | '`' | '\'' | '"') || !letter.is_ascii()
}

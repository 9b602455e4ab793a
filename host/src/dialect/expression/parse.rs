//! Parsing: `sqlparser`'s `MySQL`, within limits.
//!
//! A syntax tree is walked, and dropped, by recursion, and data may be part of the text: texts that are too long, chains of
//! operators that are too long (left-nested, they are as deep as long) and parentheses that are too deep are refused.

use sqlparser::ast;
use sqlparser::dialect::MySqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::ExpressionError;
use super::parameters::{CLOSE, OPEN};

const LONGEST_TEXT: usize = 64 * 1024;
const LONGEST_CHAIN: usize = 250;
const DEEPEST_NESTING: usize = 40;

/// Parses an expression whose placeholders are parameters, or filled in.
pub(super) fn parse(sql: &str) -> Result<ast::Expr, ExpressionError> {
    if sql.len() > LONGEST_TEXT {
        return Err(ExpressionError::TooDeep);
    }
    let syntax = |error: String| ExpressionError::Syntax(error.replace([OPEN, CLOSE], ""));
    let mut tokens =
        Tokenizer::new(&MySqlDialect {}, sql).tokenize_with_location().map_err(|error| syntax(error.to_string()))?;
    modulo_as_sign(&mut tokens);
    if longest_chain(tokens.iter().map(|token| &token.token)) > LONGEST_CHAIN {
        return Err(ExpressionError::TooDeep);
    }
    let mut parser =
        Parser::new(&MySqlDialect {}).with_recursion_limit(DEEPEST_NESTING).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr().map_err(|error| match error {
        ParserError::RecursionLimitExceeded => ExpressionError::TooDeep,
        other => syntax(other.to_string().trim_start_matches("sql parser error: ").to_owned()),
    })?;
    let left = parser.peek_token();
    if left.token != Token::EOF {
        return Err(syntax(format!("`{}` follows the end of the expression", left.token)));
    }
    Ok(parsed)
}

/// `5 mod 2` is `5 % 2`, which the parser knows; the function `mod(5, 2)` stays.
fn modulo_as_sign(tokens: &mut [TokenWithSpan]) {
    let mut follows_operand = false;
    for token in tokens {
        let is_operator = follows_operand
            && matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("mod"));
        if is_operator {
            token.token = Token::Mod;
        }
        follows_operand = match &token.token {
            Token::Whitespace(_) => follows_operand,
            Token::Number(..) | Token::RParen | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => true,
            Token::Word(word) => matches!(word.keyword, Keyword::NoKeyword | Keyword::NULL | Keyword::END),
            _ => false,
        };
    }
}

/// The longest run of operators on one level: left-nested, such a run is as deep as it is long.
fn longest_chain<'a>(tokens: impl Iterator<Item = &'a Token>) -> usize {
    let mut longest = 0;
    let mut levels = vec![0_usize];
    for token in tokens {
        let keyword = match token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        match (token, keyword) {
            (Token::LParen, _) | (_, Keyword::CASE) => levels.push(0),
            (Token::RParen, _) | (_, Keyword::END) => {
                levels.pop();
            }
            (Token::Comma, _) | (_, Keyword::WHEN | Keyword::THEN | Keyword::ELSE) => {
                levels.pop();
                levels.push(0);
            }
            (Token::Word(_), Keyword::NoKeyword)
            | (Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_), _) => {}
            _ => {
                let length = levels.pop().unwrap_or_default() + 1;
                longest = longest.max(length);
                levels.push(length);
            }
        }
    }
    longest
}

//! Colours, and how wide a text is on a screen.

use std::io::IsTerminal as _;

use unicode_width::UnicodeWidthStr as _;

/// How a text is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// What matters less.
    Dim,
    /// Wrong.
    Red,
    /// Well.
    Green,
    /// To be looked at.
    Yellow,
    /// A name.
    Cyan,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

/// Where texts are painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    /// Colours are shown.
    pub(super) is_coloured: bool,
    /// Columns that there are; `None`: as many as it takes.
    pub(super) width: Option<usize>,
}

impl Canvas {
    /// Standard output: in colour on a terminal, unless `NO_COLOR` is set.
    pub(super) fn of_stdout() -> Self {
        const USUAL: usize = 120;
        const LEAST: usize = 60;
        let is_terminal = std::io::stdout().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = columns.or(is_terminal.then_some(USUAL)).map(|width: usize| width.max(LEAST));
        Self { is_coloured: is_terminal && !no_color, width }
    }

    /// A text in a style.
    pub(super) fn paint(self, text: &str, style: Style) -> String {
        if !self.is_coloured || style == Style::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    }
}

/// The columns that a text takes: two for a Chinese character.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text with blanks behind it, up to a width.
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text in lines no wider than `within`, which is at least 2.
pub(super) fn wrapped(text: &str, within: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    for letter in text.chars() {
        let wide = unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        if taken + wide > within.max(2) {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        taken += wide;
        line.push(letter);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_text_lines_up() {
        assert_eq!(width("金蝶ERP"), 7);
        assert_eq!(padded("金蝶", 6), "金蝶  ");
        assert_eq!(wrapped("金蝶销售订单", 5), ["金蝶", "销售", "订单"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("abc", 1), ["ab", "c"]);
    }

    #[test]
    fn colours_are_left_out_where_they_are_not_shown() {
        let plain = Canvas { is_coloured: false, width: None };
        assert_eq!(plain.paint("x", Style::Red), "x");
        let coloured = Canvas { is_coloured: true, width: None };
        assert_eq!(coloured.paint("x", Style::Red), "\u{1b}[31mx\u{1b}[0m");
    }
}

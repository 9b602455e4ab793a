//! YAML into the tree, from the events of the parser beneath `serde-saphyr`.
//!
//! A plain scalar is a number only if JSON would call it one, `null` only as `null`, `~` or nothing, a boolean only as `true`
//! or `false` (in any of YAML's three spellings), and otherwise text. So a code such as `007` or `0x1F` keeps its zeros, `no`
//! and `on` stay words, and pasted JSON means what it means in JSON, digit by digit.
//!
//! Anchors and aliases are YAML and work, within a budget: each use is a copy, and copies of copies grow without end.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use super::super::problem::{Complaint, Place};
use super::super::text::to_u32;
use super::{Data, Key, Node};

/// Values in one file, copies included.
const MOST_NODES: usize = 500_000;
/// Mappings and lists within each other; `serde_json` stops at 128.
const DEEPEST: usize = 100;

/// Parses a file of one document. An empty file is `Null`.
pub(in super::super) fn parse(text: &str) -> Result<Node, Complaint> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.event(event, span)?;
    }
    Ok(builder.root.unwrap_or(Node { data: Data::Null, place: Place { line: 1, column: 1 }, block: false }))
}

/// Says where a key is written twice in a text that is known to be JSON, and so, but for rare characters, YAML.
pub(in super::super) fn check_keys(json: &str) -> Result<(), Complaint> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(json) {
        let Ok((event, span)) = event else { break };
        builder.event(event, span)?;
    }
    Ok(())
}

fn syntax(error: &ScanError) -> Complaint {
    let info = error.info();
    let marker = error.marker();
    let complaint = Complaint::new(format!("is not YAML: {info}"))
        .place(Place { line: to_u32(marker.line().max(1)), column: to_u32(marker.col() + 1) });
    if info.contains("tab") {
        complaint.hint("indent with spaces")
    } else if info.contains("mapping values are not allowed") {
        complaint.hint("a text that contains `: ` is written in quotes")
    } else if info.contains("unknown anchor") {
        complaint.hint("a text that begins with `*` is written in quotes")
    } else {
        complaint
    }
}

/// A mapping or list that is not closed yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, names: HashSet<String>, key: Option<Key> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Complaint> {
        let place = Place { line: to_u32(span.start.line().max(1)), column: to_u32(span.start.col() + 1) };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if style == ScalarStyle::Plain && text == "<<" && self.awaits_key() {
                    let complaint = Complaint::new("the merge key `<<` is not supported");
                    return Err(complaint.hint("write the keys out, or give a whole value by `*name`").place(place));
                }
                let data = scalar(&text, style, tag.as_deref()).map_err(|complaint| complaint.place(place))?;
                let block = style == ScalarStyle::Literal;
                self.value(Node { data, place, block }, anchor, Some(&text))
            }
            Event::SequenceStart(_, anchor, tag) => self.open(place, anchor, tag.as_deref(), Content::List(Vec::new())),
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Map { entries: Vec::new(), names: HashSet::new(), key: None };
                self.open(place, anchor, tag.as_deref(), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Complaint::new("a value cannot contain itself").place(place));
                };
                let (count, depth) = measure(node);
                self.nodes += count;
                if self.nodes > MOST_NODES || self.open.len() + depth > DEEPEST {
                    return Err(too_much().place(place));
                }
                let node = Node { place, ..node.clone() };
                let name = if let Data::Text(text) = &node.data { Some(text.clone()) } else { None };
                self.value(node, 0, name.as_deref())
            }
            _ => Ok(()),
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn open(&mut self, place: Place, anchor: usize, tag: Option<&Tag>, content: Content) -> Result<(), Complaint> {
        if let Some(tag) = tag {
            return Err(unknown_tag(tag).place(place));
        }
        if self.awaits_key() {
            return Err(Complaint::new("a key is a text, not a mapping or a list")
                .hint("a text with braces, such as `{{field}}`, is written in quotes")
                .place(place));
        }
        if self.open.len() >= DEEPEST {
            return Err(too_much().place(place));
        }
        self.open.push(Open { place, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Complaint> {
        let Some(Open { place, anchor, content }) = self.open.pop() else { return Ok(()) };
        let data = match content {
            Content::List(items) => Data::List(items),
            Content::Map { entries, .. } => Data::Map(entries),
        };
        self.value(Node { data, place, block: false }, anchor, None)
    }

    /// Puts a finished value where it belongs. `name`: its text, should it turn out to be a key.
    fn value(&mut self, node: Node, anchor: usize, name: Option<&str>) -> Result<(), Complaint> {
        let place = node.place;
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(too_much().place(place));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None if self.root.is_some() => {
                return Err(Complaint::new("there is a second document after `---`")
                    .hint("one file describes one scheme")
                    .place(place));
            }
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, names, key }) => match (key.take(), name) {
                (Some(key), _) => entries.push((key, node)),
                (None, Some(name)) if names.insert(name.to_owned()) => {
                    *key = Some(Key { name: name.to_owned(), place });
                }
                (None, Some(name)) => {
                    return Err(Complaint::new(format!("the key `{name}` is there twice")).place(place));
                }
                (None, None) => return Err(Complaint::new("a key is a text").place(place)),
            },
        }
        Ok(())
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Data, Complaint> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema_tag("str") => return Ok(Data::Text(text.to_owned())),
        Some(tag) => return Err(unknown_tag(tag)),
        None => {}
    }
    Ok(match text {
        _ if style != ScalarStyle::Plain => Data::Text(text.to_owned()),
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ if text.parse::<serde_json::Number>().is_ok() => Data::Number(text.to_owned()),
        _ => Data::Text(text.to_owned()),
    })
}

fn unknown_tag(tag: &Tag) -> Complaint {
    Complaint::new(format!("the tag `{tag}` means nothing here"))
        .hint("a text that begins with `!` is written in quotes")
}

fn too_much() -> Complaint {
    Complaint::new(format!("more than {MOST_NODES} values, or more than {DEEPEST} levels of them"))
}

/// How many values a node has, and how deep it goes.
fn measure(node: &Node) -> (usize, usize) {
    let within = |nodes: &mut dyn Iterator<Item = &Node>| {
        let (count, depth) = nodes.map(measure).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1.max(one.1)));
        (count + 1, depth + 1)
    };
    match &node.data {
        Data::List(items) => within(&mut items.iter()),
        Data::Map(entries) => within(&mut entries.iter().map(|(_, node)| node)),
        _ => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let found = match parse(yaml).and_then(|node| node.to_json()) {
            Ok(value) => value.to_string(),
            Err(Complaint { place, message, hint }) => {
                let place = place.map(|place| format!("{}:{}: ", place.line, place.column));
                let hint = hint.map(|hint| format!("; {hint}"));
                format!("{}{message}{}", place.unwrap_or_default(), hint.unwrap_or_default())
            }
        };
        assert_eq!(found, expected, "{yaml}");
    }

    #[test]
    fn scalars() {
        check("", "null");
        check("[1, -1.10, 12345678901234567890, 1e3, 0.0]", "[1,-1.10,12345678901234567890,1e+3,0.0]");
        check("[007, 0x1F, +1, .5, .inf, 1_000, 12:30]", r#"["007","0x1F","+1",".5",".inf","1_000","12:30"]"#);
        check("[true, False, yes, no, on, '1', \"2\"]", r#"[true,false,"yes","no","on","1","2"]"#);
        check("[~, null, '', \"\"]", r#"[null,null,"",""]"#);
        check("!!str 10", r#""10""#);
        check("a: 金蝶=>小满\nb: 2026-01-01 00:00:00", r#"{"a":"金蝶=>小满","b":"2026-01-01 00:00:00"}"#);
    }

    #[test]
    fn collections() {
        check("b: 1\na: [{x: 1}, []]\n1: {}", r#"{"b":1,"a":[{"x":1},[]],"1":{}}"#);
        check("a: &x {k: 1}\nb: *x\nc: [*x]", r#"{"a":{"k":1},"b":{"k":1},"c":[{"k":1}]}"#);
        check("\r\na: |\r\n  x\r\n  y\r\n", r#"{"a":"x\ny\n"}"#);
        check("a: {\"api\":\"x\",\"u\":\"\\/\\ud83c\\udf81\"}", r#"{"a":{"api":"x","u":"/🎁"}}"#);
    }

    #[test]
    fn problems() {
        check("a: 1\nb: 2\na: 3", "3:1: the key `a` is there twice");
        check(
            "a: b: c",
            "1:5: is not YAML: mapping values are not allowed in this context; a text that contains `: ` is written in quotes",
        );
        check("a: [1, 2}\n", "1:4: is not YAML: mismatched bracket '[' closed by '}'");
        check(
            "名:\n\t- 1",
            "2:2: is not YAML: tabs disallowed within this context (block indentation); indent with spaces",
        );
        check(
            "a: *b",
            "1:4: is not YAML: while parsing node, found unknown anchor; a text that begins with `*` is written in quotes",
        );
        check("a: &x [*x]", "1:8: a value cannot contain itself");
        check("a: !b c", "1:7: the tag `!b` means nothing here; a text that begins with `!` is written in quotes");
        check("a: 1\n---\nb: 1", "3:1: there is a second document after `---`; one file describes one scheme");
        check(
            "a: {{x}}",
            "1:5: a key is a text, not a mapping or a list; a text with braces, such as `{{field}}`, is written in quotes",
        );
        check(
            "<<: {}",
            "1:1: the merge key `<<` is not supported; write the keys out, or give a whole value by `*name`",
        );
    }

    #[test]
    fn copies_of_copies_are_limited() {
        let mut bomb = vec!["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]".to_owned()];
        for level in 1..10 {
            bomb.push(format!("a{level}: &a{level} [{}]", format!("*a{}, ", level - 1).repeat(10)));
        }
        check(&bomb.join("\n"), "6:25: more than 500000 values, or more than 100 levels of them");
        let mut tower = vec!["a0: &a0 [1]".to_owned()];
        for level in 1..200 {
            tower.push(format!("a{level}: &a{level} [[*a{}]]", level - 1));
        }
        assert!(parse(&tower.join("\n")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", yamlish in "([a-c&*!<>|?:{}\\[\\],\"'#%@ \n\t-]|: |\r\n){0,60}") {
            let _ = parse(&text).map(|node| node.to_json());
            let _ = parse(&yamlish).map(|node| node.to_json());
        }
    }
}

//! Reading a page: headings, blocks, and the examples that they make.

use std::fs;
use std::path::Path;

/// A fenced block that is part of an example.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// `json rows`, `csv table warehouse`.
    pub(crate) info: String,
    pub(crate) text: String,
    /// The heading that it stands below.
    pub(crate) heading: String,
    /// The line of its fence, from 1.
    line: usize,
}

impl Block {
    /// What follows the language: `rows`, `table warehouse`.
    fn kind(&self) -> &str {
        self.info.split_once(' ').map_or("", |(_, kind)| kind)
    }

    /// It says what comes out.
    fn is_result(&self) -> bool {
        RESULTS.contains(&self.kind())
    }

    /// It says what the world has, for all examples below its heading.
    fn holds_on(&self) -> bool {
        HOLD_ON.contains(&self.kind().split(' ').next().unwrap_or_default())
    }
}

/// How readers are told what a block is, on either page: renderers do not show the word after the language.
const LABELS: [(&str, [&str; 2]); 19] = [
    ("source", ["Source:", "源："]),
    ("target", ["Target:", "目标："]),
    ("settings", ["Scheme:", "方案："]),
    ("reply", ["Reply:", "回复："]),
    ("rows", ["Rows:", "行："]),
    ("collection", ["Collected by `{}`:", "`{}` 收集的行："]),
    ("table", ["`tables/{}.csv`:", "`tables/{}.csv`："]),
    ("functions", ["Functions:", "函数："]),
    ("ids", ["Ids:", "行的 id："]),
    ("request", ["Request:", "请求："]),
    ("other", ["Beside it:", "并列发送："]),
    ("shaped", ["Stored rows:", "存下的行："]),
    ("bills", ["Bills:", "单据："]),
    ("failures", ["Failures:", "失败："]),
    ("errors", ["Errors:", "错误："]),
    ("warnings", ["Warnings:", "警告："]),
    ("writes", ["Writes:", "写入："]),
    ("remedy", ["Request of the remedy:", "补扫的请求："]),
    ("callback", ["Written back:", "回写："]),
];

const GIVEN: [&str; 5] = ["scheme", "source", "target", "settings", "reply"];
const HOLD_ON: [&str; 4] = ["rows", "collection", "table", "functions"];
const RESULTS: [&str; 11] =
    ["ids", "request", "other", "shaped", "bills", "failures", "errors", "warnings", "writes", "remedy", "callback"];

/// What is given, and what comes out.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) heading: String,
    /// Where it ends.
    pub(crate) line: usize,
    blocks: Vec<Block>,
}

impl Example {
    /// The text of the block of a kind.
    pub(crate) fn get(&self, kind: &str) -> Option<&str> {
        self.blocks.iter().rev().find(|block| block.kind() == kind).map(|block| block.text.as_str())
    }

    /// The kinds of results that it has.
    pub(crate) fn results(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter(|block| block.is_result()).map(Block::kind)
    }
}

/// The blocks of a page that are parts of examples. Blocks of a language alone are not; those of JSON always are.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(&path).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut heading = String::new();
    let mut fence: Option<Block> = None;
    let mut last_text = "";
    for (index, line) in text.lines().enumerate() {
        match &mut fence {
            Some(block) if line == "```" => {
                let is_example = block.info.contains(' ');
                assert!(is_example || block.info == "console", "{page}:{}: `{}` says nothing", block.line, block.info);
                blocks.extend(fence.take().filter(|_| is_example));
            }
            Some(block) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {
                if let Some(info) = line.strip_prefix("```") {
                    let (info, heading) = (info.to_owned(), heading.clone());
                    let block = Block { info, text: String::new(), heading, line: index + 1 };
                    if let Some(label) = label(block.kind(), page.contains("zh-CN")) {
                        assert_eq!(last_text, label, "{page}:{}: what stands above `{}`", block.line, block.info);
                    }
                    fence = Some(block);
                } else if line.starts_with('#') {
                    line.trim_start_matches('#').trim().clone_into(&mut heading);
                }
                if !line.is_empty() {
                    last_text = line;
                }
            }
        }
    }
    assert!(fence.is_none(), "{page}: a block has no end");
    blocks
}

fn label(kind: &str, chinese: bool) -> Option<String> {
    let (kind, name) = kind.split_once(' ').unwrap_or((kind, ""));
    let (_, labels) = LABELS.iter().find(|(known, _)| *known == kind)?;
    Some(labels[usize::from(chinese)].replace("{}", name))
}

/// The examples of a page. A block that none of them uses is an error of the page.
pub(crate) fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    // Each with whether it has been part of an example.
    let mut holding: Vec<(Block, bool)> = Vec::new();
    let mut current: Vec<Block> = Vec::new();
    for block in blocks(page) {
        let first = block.kind().split(' ').next().unwrap_or_default();
        let known = GIVEN.contains(&first) || HOLD_ON.contains(&first) || block.is_result();
        assert!(known, "{page}:{}: `{}` is no part of an example", block.line, block.info);
        let same_heading = current.first().is_none_or(|earlier| earlier.heading == block.heading);
        if !same_heading || (!block.is_result() && current.last().is_some_and(Block::is_result)) {
            examples.push(example(page, std::mem::take(&mut current), &mut holding));
        }
        if holding.first().is_some_and(|(earlier, _)| earlier.heading != block.heading) {
            forget(page, &mut holding);
        }
        if block.holds_on() {
            // Rows take the place of earlier rows.
            if let Some(at) = holding.iter().position(|(earlier, _)| earlier.kind() == block.kind()) {
                assert!(holding.remove(at).1, "{page}:{}: the block before `{}` is unused", block.line, block.info);
            }
            holding.push((block, false));
        } else {
            current.push(block);
        }
    }
    examples.push(example(page, current, &mut holding));
    forget(page, &mut holding);
    examples
}

fn example(page: &str, mut blocks: Vec<Block>, holding: &mut [(Block, bool)]) -> Example {
    let last = blocks.last().unwrap_or_else(|| panic!("{page}: an example has nothing but rows"));
    let (heading, line) = (last.heading.clone(), last.line);
    for (block, used) in holding.iter_mut() {
        *used = true;
        blocks.push(block.clone());
    }
    let example = Example { heading, line, blocks };
    let is_scheme = example.get("scheme").is_some();
    assert!(is_scheme || example.results().next().is_some(), "{page}:{line}: nothing comes out of this");
    example
}

fn forget(page: &str, holding: &mut Vec<(Block, bool)>) {
    for (block, used) in holding.drain(..) {
        assert!(used, "{page}:{}: nothing uses `{}`", block.line, block.info);
    }
}

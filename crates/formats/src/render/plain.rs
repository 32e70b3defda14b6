//! The words of a tree without its markup, in one line.

use comrak::arena_tree::NodeEdge;
use comrak::nodes::{Node, NodeValue};

pub(crate) fn write(root: Node<'_>) -> String {
    let mut out = String::new();
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(node) => match &node.data.borrow().value {
                NodeValue::Text(text) => out.push_str(text),
                NodeValue::Code(code) => out.push_str(&code.literal),
                NodeValue::Math(math) => out.push_str(&math.literal),
                NodeValue::HtmlInline(html) | NodeValue::Raw(html) => out.push_str(html),
                NodeValue::CodeBlock(block) => out.push_str(&block.literal),
                NodeValue::HtmlBlock(block) => out.push_str(&block.literal),
                NodeValue::SoftBreak | NodeValue::LineBreak => out.push(' '),
                _ => {}
            },
            NodeEdge::End(node) => {
                if node.data.borrow().value.block() {
                    out.push(' ');
                }
            }
        }
    }
    squeeze(&out)
}

/// Every run of blanks as one space, none at the ends.
pub(crate) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

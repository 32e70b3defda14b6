//! Writes the tree as HTML. A walk with a stack of its own: depth cannot overflow anything.

use super::code::{self, Budget};
use super::links::is_safe_link;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{ListType, Node, NodeList, NodeValue, TableAlignment};

/// Appends the text so that it is text, in an element and in an attribute.
pub(crate) fn escape(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            0 => "\u{fffd}",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

/// None: deeper or longer than allowed.
pub(crate) fn write<'a>(root: Node<'a>, max_depth: usize, max_length: usize) -> Option<String> {
    let mut page = Page { out: String::new(), budget: Budget::new(), skip: None, in_footnotes: false };
    let mut depth = 0;
    for edge in root.traverse() {
        match edge {
            NodeEdge::Start(node) => {
                depth += 1;
                if page.skip.is_none() {
                    page.start(node);
                }
            }
            NodeEdge::End(node) => {
                depth -= 1;
                match page.skip {
                    Some(skipped) if std::ptr::eq(skipped, node) => page.skip = None,
                    Some(_) => {}
                    None => page.end(node),
                }
            }
        }
        if depth > max_depth || page.out.len() > max_length {
            return None;
        }
    }
    if page.in_footnotes {
        page.out.push_str("</ol></section>\n");
    }
    Some(page.out)
}

struct Page<'a> {
    out: String,
    budget: Budget,
    /// A node whose children were written already.
    skip: Option<Node<'a>>,
    in_footnotes: bool,
}

impl<'a> Page<'a> {
    fn push(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn text(&mut self, text: &str) {
        escape(text, &mut self.out);
    }

    fn start(&mut self, node: Node<'a>) {
        let data = node.data.borrow();
        match &data.value {
            NodeValue::BlockQuote => self.push("<blockquote>"),
            NodeValue::List(list) => self.open_list(list),
            NodeValue::Item(_) => self.push("<li>"),
            NodeValue::TaskItem(task) => self.push(if task.symbol.is_some() {
                "<li class=\"task\"><input type=\"checkbox\" disabled checked> "
            } else {
                "<li class=\"task\"><input type=\"checkbox\" disabled> "
            }),
            NodeValue::CodeBlock(block) => {
                let language = code::language(&block.info);
                if language == "math" {
                    self.push("<p>");
                    self.math(&block.literal, true);
                    self.push("</p>\n");
                    return;
                }
                self.push("<pre><code");
                if !language.is_empty() {
                    self.push(" data-lang=\"");
                    self.text(&language);
                    self.push("\"");
                }
                self.push(">");
                code::write(&block.literal, &language, &mut self.budget, &mut self.out);
                self.push("</code></pre>\n");
            }
            NodeValue::HtmlBlock(block) => {
                self.push("<p>");
                self.text(block.literal.trim_end());
                self.push("</p>\n");
            }
            NodeValue::Paragraph if !is_tight(node) => self.push("<p>"),
            NodeValue::Heading(heading) => self.heading("<h", heading.level),
            NodeValue::ThematicBreak => self.push("<hr>\n"),
            NodeValue::FootnoteDefinition(_) => {
                if !self.in_footnotes {
                    self.in_footnotes = true;
                    self.push("<section class=\"footnotes\"><ol>\n");
                }
                self.push("<li>");
            }
            NodeValue::FootnoteReference(reference) => {
                let number = reference.ix;
                self.push(&format!("<sup class=\"footnote-ref\">{number}</sup>"));
            }
            NodeValue::Table(_) => self.push("<table>\n"),
            NodeValue::TableRow(true) => self.push("<thead><tr>"),
            NodeValue::TableRow(false) => {
                let is_first = node.previous_sibling().is_none_or(is_head);
                self.push(if is_first { "<tbody>\n<tr>" } else { "<tr>" });
            }
            NodeValue::TableCell => self.open_cell(node),
            NodeValue::Text(text) => self.text(text),
            NodeValue::SoftBreak | NodeValue::LineBreak => self.push("<br>\n"),
            NodeValue::Code(code) => {
                self.push("<code>");
                self.text(&code.literal);
                self.push("</code>");
            }
            NodeValue::HtmlInline(html) | NodeValue::Raw(html) => self.text(html),
            NodeValue::Emph => self.push("<em>"),
            NodeValue::Strong => self.push("<strong>"),
            NodeValue::Strikethrough => self.push("<del>"),
            NodeValue::Math(math) => self.math(&math.literal, math.display_math),
            NodeValue::Link(link) => {
                if is_safe_link(&link.url) {
                    self.push("<a href=\"");
                    self.text(&link.url);
                    self.push("\" rel=\"noopener noreferrer\" data-external");
                    if !link.title.is_empty() {
                        self.push(" title=\"");
                        self.text(&link.title);
                        self.push("\"");
                    }
                    self.push(">");
                } else {
                    self.push("<span class=\"link-ref\">");
                }
            }
            NodeValue::Image(image) => {
                let alt = super::plain::write(node);
                self.push("<span class=\"img-ref\">");
                self.text(&alt);
                if !alt.is_empty() {
                    self.push(" ");
                }
                self.push("(");
                self.text(&image.url);
                self.push(")</span>");
                self.skip = Some(node);
            }
            _ => {}
        }
    }

    fn end(&mut self, node: Node<'a>) {
        let data = node.data.borrow();
        match &data.value {
            NodeValue::BlockQuote => self.push("</blockquote>\n"),
            NodeValue::List(list) => {
                self.push(if list.list_type == ListType::Ordered { "</ol>\n" } else { "</ul>\n" });
            }
            NodeValue::Item(_) | NodeValue::TaskItem(_) | NodeValue::FootnoteDefinition(_) => self.push("</li>\n"),
            NodeValue::Paragraph if !is_tight(node) => self.push("</p>\n"),
            NodeValue::Heading(heading) => {
                self.heading("</h", heading.level);
                self.push("\n");
            }
            NodeValue::Table(_) => {
                if node.last_child().is_some_and(|row| !is_head(row)) {
                    self.push("</tbody>");
                }
                self.push("</table>\n");
            }
            NodeValue::TableRow(true) => self.push("</tr></thead>\n"),
            NodeValue::TableRow(false) => self.push("</tr>\n"),
            NodeValue::TableCell => self.push(if node.parent().is_some_and(is_head) { "</th>" } else { "</td>" }),
            NodeValue::Emph => self.push("</em>"),
            NodeValue::Strong => self.push("</strong>"),
            NodeValue::Strikethrough => self.push("</del>"),
            NodeValue::Link(link) => {
                if is_safe_link(&link.url) {
                    self.push("</a>");
                } else {
                    if super::plain::write(node) != link.url {
                        self.push(" (");
                        self.text(&link.url);
                        self.push(")");
                    }
                    self.push("</span>");
                }
            }
            _ => {}
        }
    }

    fn heading(&mut self, mark: &str, level: u8) {
        self.push(mark);
        self.push(&level.clamp(1, 6).to_string());
        self.push(">");
    }

    fn open_list(&mut self, list: &NodeList) {
        if list.list_type == ListType::Ordered {
            if list.start == 1 {
                self.push("<ol>\n");
            } else {
                self.push(&format!("<ol start=\"{}\">\n", list.start));
            }
        } else {
            self.push("<ul>\n");
        }
    }

    fn open_cell(&mut self, node: Node<'a>) {
        let row = node.parent();
        self.push(if row.is_some_and(is_head) { "<th" } else { "<td" });
        let column = node.preceding_siblings().skip(1).count();
        if let Some(table) = row.and_then(|row| row.parent())
            && let NodeValue::Table(table) = &table.data.borrow().value
        {
            match table.alignments.get(column) {
                Some(TableAlignment::Left) => self.push(" data-align=\"left\""),
                Some(TableAlignment::Center) => self.push(" data-align=\"center\""),
                Some(TableAlignment::Right) => self.push(" data-align=\"right\""),
                _ => {}
            }
        }
        self.push(">");
    }

    fn math(&mut self, source: &str, display: bool) {
        self.push(if display { "<span class=\"math\" data-display>" } else { "<span class=\"math\">" });
        self.text(source.trim());
        self.push("</span>");
    }
}

fn is_head(row: Node<'_>) -> bool {
    matches!(row.data.borrow().value, NodeValue::TableRow(true))
}

/// A paragraph of a tight list has no element of its own.
fn is_tight(paragraph: Node<'_>) -> bool {
    let Some(item) = paragraph.parent() else { return false };
    if !matches!(item.data.borrow().value, NodeValue::Item(_) | NodeValue::TaskItem(_)) {
        return false;
    }
    item.parent().is_some_and(|list| matches!(&list.data.borrow().value, NodeValue::List(list) if list.tight))
}

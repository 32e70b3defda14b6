use super::*;
use std::time::Instant;

#[test]
fn what_markdown_can_say_is_said_in_html() {
    let html = to_html(
        "# Title\n\nA *b* **c** ~~d~~ `e`\n\n- [x] done\n- [ ] open\n\n1. one\n2. two\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\nNote[^1].\n\n[^1]: The note.\n",
    );
    for part in [
        "<h1>Title</h1>",
        "<em>b</em>",
        "<strong>c</strong>",
        "<del>d</del>",
        "<code>e</code>",
        "<li class=\"task\"><input type=\"checkbox\" disabled checked> done</li>",
        "<ol>\n<li>one</li>",
        "<th data-align=\"left\">a</th><th data-align=\"right\">b</th></tr></thead>",
        "<tbody>\n<tr><td data-align=\"left\">1</td>",
        "</tbody></table>",
        "<sup class=\"footnote-ref\">1</sup>",
        "<section class=\"footnotes\"><ol>\n<li><p>The note.</p>",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
}

#[test]
fn formulae_keep_their_source() {
    let html = to_html("Euler: $e^{i\\pi} = -1$ and\n\n$$\n\\int_0^1 x < y\\,dx\n$$\n\n\\(a_1\\) costs $5 or $10");
    assert!(html.contains("<span class=\"math\">e^{i\\pi} = -1</span>"), "{html}");
    assert!(html.contains("<span class=\"math\" data-display>\\int_0^1 x &lt; y\\,dx</span>"), "{html}");
    assert!(html.contains("<span class=\"math\">a_1</span> costs $5 or $10"), "{html}");
}

#[test]
fn links_say_that_they_lead_outside_and_pictures_are_never_loaded() {
    let html =
        to_html("[a](https://example.org \"t\") https://example.net ![cat](https://example.org/c.png) <mailto:a@b.cc>");
    assert!(
        html.contains("<a href=\"https://example.org\" rel=\"noopener noreferrer\" data-external title=\"t\">a</a>")
    );
    assert!(html.contains("<a href=\"https://example.net\" rel=\"noopener noreferrer\" data-external>"));
    assert!(html.contains("<span class=\"img-ref\">cat (https://example.org/c.png)</span>"), "{html}");
    assert!(html.contains("href=\"mailto:a@b.cc\""));
    let refused = to_html("[a](javascript:alert(1)) [b](docs/x.md)");
    assert_eq!(
        refused,
        "<p><span class=\"link-ref\">a (javascript:alert(1))</span> <span class=\"link-ref\">b (docs/x.md)</span></p>\n"
    );
}

#[test]
fn chinese_emphasis_works_without_spaces() {
    assert!(to_html("**请注意：**这里").contains("<strong>请注意：</strong>"));
}

/// Whatever is thrown at it, only the tags and attributes that are named in this crate come out.
#[test]
fn no_markup_of_others_survives() {
    let corpus = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<a href='javascript:x'>a</a>",
        "[x](javascript:alert(1))",
        "[x](JAVASCRIPT:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](<javascript:alert(1)>)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        "![\"onload=\"alert(1)](x)",
        "![x](x\"onerror=\"alert(1))",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](https://e.org \"\\\" onclick=alert(1) \\\"\")",
        "[x](https://e.org/\"onclick=\"alert(1))",
        "https://e.org/\"><script>",
        "```\"><script>alert(1)</script>\nx\n```",
        "```rust\" onclick=\"x\nfn a() {}\n```",
        "`<script>`",
        "    <script>\n",
        "<iframe src=https://e.org></iframe>",
        "<style>*{}</style>",
        "<!-- --><script>",
        "<![CDATA[<script>]]>",
        "<?php ?>",
        "| <script> | b |\n|--|--|\n| <img onerror=x> | <b> |",
        "[^<script>]\n\n[^<script>]: <script>",
        "$<script>$",
        "$$</span><script>$$",
        "```math\n</span><img onerror=x>\n```",
        "# <script>",
        "<form action=javascript:x><input type=image>",
        "<base href=//e.org>",
        "<b id=location name=x>",
        "<math><mi//xlink:href=\"data:x,<script>\">",
        "\0<script\0>",
        "<scr\0ipt>",
        "&lt;script&gt;",
        "<details open ontoggle=alert(1)>",
        "[a](https://e.org){onclick=x}",
        "<a\nhref=javascript:x>",
        "[x](\u{1}javascript:x)",
        "<div\n\n<script>\n\n",
        "[x](https://u:p@e.org)",
        "![a](https://e.org/p.png)",
        "<https://e.org/?a='onx=1>",
    ];
    for text in corpus {
        for text in [text.to_owned(), format!("> - {text}"), format!("**{text}**"), format!("a {text} b\n{text}")] {
            check_tags(&to_html(&text), &text);
        }
    }
}

fn check_tags(html: &str, source: &str) {
    const TAGS: [&str; 32] = [
        "p",
        "em",
        "strong",
        "del",
        "code",
        "pre",
        "a",
        "span",
        "ul",
        "ol",
        "li",
        "input",
        "blockquote",
        "hr",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "sup",
        "section",
        "div",
        "b",
        "i",
    ];
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let close = rest[open..].find('>').unwrap_or_else(|| panic!("open tag in {html}")) + open;
        let tag = &rest[open + 1..close];
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(TAGS[..29].contains(&name), "tag {name} from {source:?}: {html}");
        let mut attributes = tag.split_once(' ').map_or("", |(_, rest)| rest);
        while !attributes.is_empty() {
            let end = attributes.find(['=', ' ']).unwrap_or(attributes.len());
            let (key, after) = attributes.split_at(end);
            let value = match after.strip_prefix("=\"") {
                Some(quoted) => {
                    let (value, after) = quoted.split_once('"').unwrap_or_else(|| panic!("{html}"));
                    attributes = after.trim_start();
                    value
                }
                None => {
                    attributes = after.trim_start();
                    ""
                }
            };
            let known = [
                "class",
                "href",
                "rel",
                "data-external",
                "title",
                "type",
                "disabled",
                "checked",
                "start",
                "data-align",
                "data-lang",
                "data-display",
            ];
            assert!(known.contains(&key), "attribute {key} from {source:?}: {html}");
            if key == "href" {
                assert!(["http://", "https://", "mailto:"].iter().any(|scheme| value.starts_with(scheme)), "{html}");
            }
        }
        rest = &rest[close + 1..];
    }
    assert!(!html.contains('\0'));
}

#[test]
fn pathological_texts_end_soon() {
    let many = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let texts = [
        many("[", 100_000),
        many("![", 100_000),
        many("[a](", 100_000),
        many("*a ", 100_000),
        many("_", 100_000),
        many("**a*", 100_000),
        many("> ", 100_000),
        many(">", 100_000),
        many("- ", 100_000),
        many("`", 100_000),
        many("`a``", 100_000),
        many("$a$$", 100_000),
        many("$", 100_000),
        many("<!--", 100_000),
        many("<a ", 100_000),
        many("[^a]", 100_000),
        many("[^a]: b\n", 100_000),
        many("www.a.", 100_000),
        many("a@b.", 100_000),
        many("&", 100_000),
        many("\\(", 100_000),
        many("\\[", 100_000),
        many("~~a", 100_000),
        many("1. ", 100_000),
        many("| a ", 50_000) + "\n" + &many("|-", 25_000) + "\n" + &many("|\n", 50_000),
        (0..300).map(|depth| format!("{}- a\n", "  ".repeat(depth))).collect(),
        (0..5000).map(|i| format!("[r{i}]: https://e.org/{i}\n[r{i}] ")).collect(),
        many("```rust\nfn a() { let x = \"\\\\\\\"; }\n```\n", 100_000),
        many("https://a.b/(((((", 100_000),
        many("\u{e200}", 90_000),
        many("好**好**", 100_000),
        "x".repeat(5 << 20),
    ];
    for text in texts {
        let start = Instant::now();
        let html = to_html(&text);
        let took = start.elapsed();
        let shown: String = text.chars().take(12).collect();
        assert!(took.as_secs_f64() < 10.0, "{shown}… took {took:?}");
        assert!(html.len() <= text.len() * (MAX_GROWTH + 12) + (65 << 10), "{shown}… gave {} bytes", html.len());
        plain_text(&text);
    }
}

#[test]
fn what_is_too_long_or_grows_too_much_is_shown_as_it_is() {
    assert!(to_html(&"x".repeat(MAX_INPUT)).starts_with("<p>x"));
    assert!(to_html(&"x".repeat(MAX_INPUT + 1)).starts_with("<pre class=\"plain\">x"));
    // Four hundred rows of fifty cells that nobody wrote.
    let table = "|a".repeat(50) + "\n" + &"|-".repeat(50) + "\n" + &"|x\n".repeat(400);
    assert!(to_html(&table).starts_with("<pre class=\"plain\">"));
}

#[test]
fn depth_is_bounded() {
    for text in ["> ".repeat(90) + "a", "- ".repeat(90) + "a", "*".repeat(400) + "a" + &"*".repeat(400)] {
        let html = to_html(&text);
        let deepest = html.split('<').skip(1).fold((0_i32, 0_i32), |(depth, max), tag| {
            let depth = depth
                + if tag.starts_with('/') { -1 } else { i32::from(!tag.starts_with("br") && !tag.starts_with("hr")) };
            (depth, max.max(depth))
        });
        assert!(deepest.1 <= 2 * MAX_DEPTH as i32, "{}", deepest.1);
    }
    assert!(to_html(&">".repeat(1000)).starts_with("<pre class=\"plain\">"));
}

#[test]
fn previews_are_words_in_one_line() {
    assert_eq!(plain_text("# A *b*\n\n- c\n- `d`\n\n| e | f |\n|--|--|\n| g | h |\n"), "A b c d e f g h");
    assert_eq!(plain_text("[link](https://e.org) ![alt](x) $x^2$"), "link alt x^2");
    assert_eq!(plain_text("```rust\nfn a() {}\n```"), "fn a() {}");
    assert_eq!(plain_text(&"あ".repeat(20_000)).chars().count(), (32 << 10) / 3);
}

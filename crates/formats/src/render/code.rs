//! Colours for code: syntect finds the scopes, a short list of classes stands for them.

use super::html::escape;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer blocks stay without colours.
const MAX_CODE: usize = 128 << 10;
/// A block with a longer line stays without colours: regular expressions take their time there.
const MAX_LINE: usize = 2000;

/// Every class that highlighted code can have.
pub const HIGHLIGHT_CLASSES: [&str; 16] = [
    "hl-comment",
    "hl-string",
    "hl-escape",
    "hl-number",
    "hl-constant",
    "hl-keyword",
    "hl-operator",
    "hl-function",
    "hl-type",
    "hl-tag",
    "hl-attribute",
    "hl-variable",
    "hl-heading",
    "hl-inserted",
    "hl-deleted",
    "hl-meta",
];

/// Scopes and their classes; the first that fits wins.
const SCOPES: [(&str, &str); 31] = [
    ("comment", "hl-comment"),
    ("constant.character.escape", "hl-escape"),
    ("string", "hl-string"),
    ("constant.numeric", "hl-number"),
    ("constant", "hl-constant"),
    ("keyword.operator", "hl-operator"),
    ("keyword", "hl-keyword"),
    ("storage", "hl-keyword"),
    ("variable.language", "hl-keyword"),
    ("entity.name.function", "hl-function"),
    ("support.function", "hl-function"),
    ("support.macro", "hl-function"),
    ("variable.function", "hl-function"),
    ("entity.name.macro", "hl-function"),
    ("entity.name.tag", "hl-tag"),
    ("entity.other.attribute-name", "hl-attribute"),
    ("entity.name.section", "hl-heading"),
    ("entity.name", "hl-type"),
    ("entity.other.inherited-class", "hl-type"),
    ("support.type.property-name", "hl-attribute"),
    ("support.type", "hl-type"),
    ("support.class", "hl-type"),
    ("support.constant", "hl-constant"),
    ("variable.parameter", "hl-variable"),
    ("variable.annotation", "hl-meta"),
    ("variable.other", "hl-variable"),
    ("markup.heading", "hl-heading"),
    ("markup.inserted", "hl-inserted"),
    ("markup.deleted", "hl-deleted"),
    ("meta.diff.header", "hl-meta"),
    ("meta.annotation", "hl-meta"),
];

struct Grammars {
    syntaxes: SyntaxSet,
    scopes: Vec<(Scope, &'static str)>,
}

fn grammars() -> &'static Grammars {
    static GRAMMARS: OnceLock<Grammars> = OnceLock::new();
    GRAMMARS.get_or_init(|| Grammars {
        syntaxes: SyntaxSet::load_defaults_newlines(),
        scopes: SCOPES.iter().filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class))).collect(),
    })
}

/// How much time the code of one message may still take.
pub(crate) struct Budget {
    left: Duration,
}

impl Budget {
    pub(crate) fn new() -> Budget {
        Budget { left: Duration::from_millis(300) }
    }
}

/// The language as a fence names it: the first word, without `{.}`, in lower case.
pub(crate) fn language(info: &str) -> String {
    let word = info.trim_start_matches(['{', '.', ' ']).split([' ', ',', '}', '\t', '{']).next().unwrap_or_default();
    word.chars().filter(|c| c.is_alphanumeric() || "+-#._".contains(*c)).take(40).collect::<String>().to_lowercase()
}

/// Appends the code, coloured where its language is known and the budget lasts.
pub(crate) fn write(code: &str, language: &str, budget: &mut Budget, out: &mut String) {
    let start = Instant::now();
    let kept = out.len();
    let known = find(language).filter(|_| code.len() <= MAX_CODE && code.lines().all(|line| line.len() <= MAX_LINE));
    let done = known.is_some_and(|syntax| coloured(code, syntax, budget.left, out).is_some());
    if !done {
        out.truncate(kept);
        escape(code, out);
    }
    budget.left = budget.left.saturating_sub(start.elapsed());
}

fn find(language: &str) -> Option<&'static SyntaxReference> {
    let token = match language {
        "" | "text" | "txt" | "plain" | "plaintext" | "output" | "console" => return None,
        "ts" | "typescript" | "tsx" | "jsx" | "mjs" | "cjs" | "json5" => "js",
        "jsonc" | "jsonl" => "json",
        "shell" | "sh" | "zsh" | "shellsession" | "fish" => "bash",
        "py3" | "python3" | "ipython" => "python",
        "c#" => "cs",
        "c++" | "cc" | "hpp" => "cpp",
        "golang" => "go",
        "kotlin" | "kt" | "dart" => "java",
        "postgres" | "postgresql" | "mysql" | "sqlite" | "plpgsql" | "psql" => "sql",
        "toml" | "ini" | "conf" | "cfg" => "properties",
        "yml" => "yaml",
        "vue" | "svelte" => "html",
        "patch" => "diff",
        "tex" => "latex",
        other => other,
    };
    grammars().syntaxes.find_syntax_by_token(token).filter(|syntax| syntax.name != "Plain Text")
}

/// None: out of time, or the grammar failed.
fn coloured(code: &str, syntax: &SyntaxReference, time: Duration, out: &mut String) -> Option<()> {
    let grammars = grammars();
    let until = Instant::now() + time;
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut open: Option<&'static str> = None;
    // `load_defaults_newlines` reads lines that end with one.
    for line in code.split_inclusive('\n') {
        if Instant::now() >= until {
            return None;
        }
        let operations = state.parse_line(line, &grammars.syntaxes).ok()?;
        let mut at = 0;
        for (place, operation) in operations {
            if place > at {
                piece(line.get(at..place)?, class(&stack, &grammars.scopes), &mut open, out);
                at = place;
            }
            stack.apply(&operation).ok()?;
        }
        piece(line.get(at..)?, class(&stack, &grammars.scopes), &mut open, out);
    }
    if open.is_some() {
        out.push_str("</span>");
    }
    Some(())
}

fn class(stack: &ScopeStack, scopes: &[(Scope, &'static str)]) -> Option<&'static str> {
    stack
        .as_slice()
        .iter()
        .rev()
        .find_map(|scope| scopes.iter().find(|(known, _)| known.is_prefix_of(*scope)).map(|(_, class)| *class))
}

fn piece(text: &str, class: Option<&'static str>, open: &mut Option<&'static str>, out: &mut String) {
    if text.is_empty() {
        return;
    }
    // Blanks have no colour: they stay in whatever span is open.
    if class != *open && !text.trim().is_empty() {
        if open.is_some() {
            out.push_str("</span>");
        }
        if let Some(class) = class {
            out.push_str("<span class=\"");
            out.push_str(class);
            out.push_str("\">");
        }
        *open = class;
    }
    escape(text, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(code: &str, language: &str) -> String {
        let mut out = String::new();
        write(code, language, &mut Budget::new(), &mut out);
        out
    }

    #[test]
    fn common_languages_have_colours() {
        assert!(html("fn main() {}\n", "rust").contains("<span class=\"hl-keyword\">fn"));
        for (language, code) in [
            ("python", "def f(): return 1"),
            ("sql", "select 1"),
            ("typescript", "const a = 1;"),
            ("bash", "echo \"a\""),
            ("json", "{\"a\": 1}"),
            ("html", "<p>x</p>"),
            ("css", "a { color: red }"),
            ("go", "func main() {}"),
            ("java", "class A {}"),
            ("c++", "int a = 1;"),
            ("yaml", "a: \"b\""),
            ("toml", "a = \"b\""),
            ("diff", "+a\n-b\n"),
        ] {
            assert!(html(code, language).contains("<span class=\"hl-"), "{language}: {}", html(code, language));
        }
    }

    #[test]
    fn classes_are_those_that_are_named() {
        assert!(SCOPES.iter().all(|(_, class)| HIGHLIGHT_CLASSES.contains(class)));
        assert_eq!(grammars().scopes.len(), SCOPES.len());
    }

    #[test]
    fn code_is_escaped_with_and_without_colours() {
        for language in ["rust", "html", "", "nonsense"] {
            let out = html("</code><script>alert('1')</script>\n", language);
            assert!(!out.contains("<script") && !out.contains("</code"), "{out}");
        }
        assert_eq!(html("a<b\n", "nonsense"), "a&lt;b\n");
    }

    #[test]
    fn what_takes_too_long_stays_plain() {
        let long = format!("let a = \"{}\";", "x".repeat(MAX_LINE));
        assert!(!html(&long, "rust").contains("<span"));
        let mut spent = Budget { left: Duration::ZERO };
        let mut out = String::new();
        write("fn main() {}", "rust", &mut spent, &mut out);
        assert_eq!(out, "fn main() {}");
    }

    #[test]
    fn a_fence_names_its_language_in_many_ways() {
        assert_eq!(language("Rust,ignore"), "rust");
        assert_eq!(language("{.python .x}"), "python");
        assert_eq!(language("c++ title=\"a\""), "c++");
        assert_eq!(language("\"><script>"), "script");
    }
}

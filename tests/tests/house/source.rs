//! A Rust source as far as the house's rules must understand it: what it imports, which paths it names, which items it defines.

use std::collections::{BTreeMap, BTreeSet};

/// What one `use` binds.
pub(crate) struct Import {
    /// The name in this file; `*` for all names.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// For others, with `pub`.
    pub(crate) passed_on: bool,
}

/// One file without its comments, texts and tests.
pub(crate) struct Source {
    /// Its path below the repository.
    pub(crate) name: String,
    pub(crate) imports: Vec<Import>,
    /// Paths of two names and more in its code.
    pub(crate) paths: Vec<Vec<String>>,
    /// Names of the items that it defines.
    pub(crate) items: BTreeSet<String>,
    words: BTreeMap<String, usize>,
    tests: Vec<String>,
}

const ITEMS: [&str; 9] = ["fn", "struct", "enum", "const", "static", "type", "trait", "mod", "union"];

impl Source {
    pub(crate) fn read(name: String, text: &str) -> Self {
        let mut source = Self {
            name,
            imports: Vec::new(),
            paths: Vec::new(),
            items: BTreeSet::new(),
            words: BTreeMap::new(),
            tests: Vec::new(),
        };
        let tokens = source.without_tests(tokens(text));
        let mut at = 0;
        let mut public = false;
        while let Some(token) = tokens.get(at) {
            match token.as_str() {
                "use" => {
                    let end = tokens[at..].iter().position(|token| token == ";").map_or(tokens.len(), |end| at + end);
                    let mut rest = &tokens[at + 1..end];
                    source.bind(&mut rest, &[], public);
                    at = end;
                }
                item if ITEMS.contains(&item) => {
                    let named =
                        tokens[at + 1..].iter().find(|token| !["fn", "mut", "unsafe"].contains(&token.as_str()));
                    // A module in a file of its own is no item of this one.
                    let elsewhere = item == "mod" && tokens.get(at + 2).is_some_and(|token| token == ";");
                    source.items.extend(named.filter(|_| !elsewhere).cloned());
                    at += 1;
                }
                word if is_name(word) => {
                    let mut path = vec![word.to_owned()];
                    while tokens.get(at + 1).is_some_and(|token| token == "::")
                        && let Some(next) = tokens.get(at + 2).filter(|token| is_name(token))
                    {
                        path.push(next.clone());
                        at += 2;
                    }
                    for word in &path {
                        *source.words.entry(word.clone()).or_default() += 1;
                    }
                    if path.len() > 1 {
                        source.paths.push(path);
                    }
                    at += 1;
                }
                _ => at += 1,
            }
            // `pub`, `pub(crate)` and the like stand right before.
            public = match tokens.get(at.wrapping_sub(1)).map(String::as_str) {
                Some("pub") => true,
                Some("(" | ")" | "crate" | "super" | "in") => public,
                _ => false,
            };
        }
        source
    }

    pub(crate) fn defines(&self, name: &str) -> bool {
        self.items.contains(name)
    }

    /// Whether the code names something besides importing it.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.words.contains_key(name)
    }

    /// Modules for tests alone that this one, at `place`, declares.
    pub(crate) fn tests_below(&self, place: &[String]) -> Vec<Vec<String>> {
        self.tests.iter().map(|name| place.iter().chain([name]).cloned().collect()).collect()
    }

    /// Takes out whatever stands under `#[cfg(test)]`.
    fn without_tests(&mut self, tokens: Vec<String>) -> Vec<String> {
        const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if !tokens[at..].iter().map(String::as_str).take(TEST.len()).eq(TEST) {
                kept.push(tokens[at].clone());
                at += 1;
                continue;
            }
            at += TEST.len();
            let (mut depth, mut module) = (0_usize, false);
            while let Some(token) = tokens.get(at) {
                at += 1;
                match token.as_str() {
                    "mod" if depth == 0 => {
                        module = true;
                        self.tests.extend(tokens.get(at).cloned());
                    }
                    "use" if depth == 0 && !module => {
                        at += tokens[at..].iter().position(|token| token == ";").map_or(tokens.len(), |end| end + 1);
                        break;
                    }
                    ";" if depth == 0 => break,
                    "{" | "(" | "[" => depth += 1,
                    "}" | ")" | "]" => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 && token == "}" {
                            break;
                        }
                    }
                    _ => {}
                }
            }
        }
        kept
    }

    /// Reads one tree of a `use`, up to a comma or the end of its braces.
    fn bind(&mut self, rest: &mut &[String], before: &[String], passed_on: bool) {
        let mut path = before.to_vec();
        while let Some((token, after)) = rest.split_first() {
            if token == "," || token == "}" {
                break;
            }
            *rest = after;
            match token.as_str() {
                "::" => {}
                "{" => {
                    while rest.first().is_some_and(|token| token != "}") {
                        self.bind(rest, &path, passed_on);
                        if rest.first().is_some_and(|token| token == ",") {
                            *rest = &rest[1..];
                        }
                    }
                    *rest = rest.get(1..).unwrap_or_default();
                    return;
                }
                "as" => {
                    if let Some((name, after)) = rest.split_first() {
                        *rest = after;
                        self.imports.push(Import { name: name.clone(), path, passed_on });
                    }
                    return;
                }
                "self" if !before.is_empty() => {}
                name => path.push(name.to_owned()),
            }
        }
        if let Some(name) = path.last().cloned() {
            self.imports.push(Import { name, path, passed_on });
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::` and single signs; without comments, texts and characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = text_length(rest) {
            length
        } else if is_name(rest) || first.is_ascii_digit() {
            let end = |next: char| !(next.is_alphanumeric() || next == '_');
            let length = rest.find(end).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How long the text or the character is that starts here.
fn text_length(rest: &str) -> Option<usize> {
    let raw = rest.trim_start_matches('b').strip_prefix('r').filter(|raw| raw.starts_with(['"', '#']));
    if let Some(raw) = raw
        && let hashes = raw.len() - raw.trim_start_matches('#').len()
        && raw[hashes..].starts_with('"')
    {
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = &raw[hashes + 1..];
        let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
        return Some(rest.len() - inside.len() + length);
    }
    let quoted = rest.strip_prefix('b').unwrap_or(rest);
    let before = rest.len() - quoted.len();
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let mut inside = quoted.char_indices().skip(1);
    while let Some((at, sign)) = inside.next() {
        match sign {
            '\\' => drop(inside.next()),
            // A lifetime has no second quote.
            _ if quote == '\'' && at > 1 && !quoted[1..].starts_with('\\') && sign != quote => return Some(before + 1),
            _ if sign == quote => return Some(before + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

#[test]
fn a_source_is_read_without_texts_comments_and_tests() {
    let text = r##"
        // use crate::no;
        pub(crate) use a::{b::C, self as d, e::*};
        use crate::{f, g::{self}};
        const fn item<'a>(x: &'a str) -> char { 'x'; '\''; "use crate::no;"; r#"crate::no"#; h::i::j(); '"' }
        #[cfg(test)] mod tests;
        #[cfg(test)] pub(crate) use k::{l};
        #[cfg(test)] mod inside { fn no() { "}" } }
        struct Last;
    "##;
    let source = Source::read("x.rs".into(), text);
    let told: Vec<String> = source
        .imports
        .iter()
        .map(|import| format!("{} {} {}", import.name, import.path.join("::"), import.passed_on))
        .collect();
    let expected = ["C a::b::C true", "d a true", "* a::e::* true", "f crate::f false", "g crate::g false"];
    assert_eq!(told, expected);
    assert_eq!(source.paths, [["h", "i", "j"].map(str::to_owned)]);
    assert_eq!(source.items, ["item", "Last"].map(str::to_owned).into());
    assert_eq!(source.tests_below(&[]), [["tests".to_owned()], ["inside".to_owned()]]);
}

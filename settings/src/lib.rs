//! Typed reading of the daemons' TOML files: every fault at once, each with file, key, what was found and what is allowed.

mod fault;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub use fault::{Fault, Faults};

use fault::{shown, whole};

/// The version of a settings file or policy that this release reads: what `version` says where it is there.
pub const VERSION: i64 = 1;

const VERSION_KEY: &str = "version";

/// A settings file that is being read. Every key that is asked for counts as known; [`Document::finish`] refuses the others.
pub struct Document {
    file: PathBuf,
    root: Table,
    known: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or is not TOML; the fault names line and column.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let unreadable = |fault: std::io::Error| whole(path, fault.to_string(), "a readable TOML file");
        // A pipe might keep its reader waiting for ever.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(whole(path, "no ordinary file".into(), "a readable TOML file"));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(path, &text)
    }

    /// Parses a text that was read from this file.
    ///
    /// # Errors
    /// If it is not TOML, where the fault names line and column; if it is of another version, before anything else in it is judged.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        let root: Table =
            text.parse().map_err(|fault: toml::de::Error| whole(path, fault.to_string().trim().into(), "TOML"))?;
        match root.get(VERSION_KEY) {
            None => {}
            Some(Value::Integer(found)) if *found == VERSION => {}
            Some(other) => {
                let allowed = match other {
                    Value::Integer(found) if *found > VERSION => {
                        format!(
                            "{VERSION}; a newer release wrote this file: use the release that wrote it, or a later one"
                        )
                    }
                    _ => format!("{VERSION}, or no such key; write the file anew, as `init` of this release does"),
                };
                let fault = Fault { key: VERSION_KEY.into(), found: describe(other), allowed };
                return Err(Faults { file: path.to_path_buf(), faults: vec![fault] });
            }
        }
        Ok(Self { file: path.to_path_buf(), root, known: BTreeSet::from([VERSION_KEY.into()]), faults: Vec::new() })
    }

    /// A text that `parse` accepts.
    pub fn text<T>(
        &mut self,
        key: &str,
        allowed: &str,
        default: Option<T>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.value(key, allowed, default, |value| value.as_str().and_then(&parse))
    }

    /// A non-empty text.
    pub fn string(&mut self, key: &str) -> Option<String> {
        self.text(key, "a text that is not empty", None, |text| (!text.is_empty()).then(|| text.to_string()))
    }

    /// A file or directory, relative to the settings file.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        let base = self.file.parent().unwrap_or(Path::new("")).to_path_buf();
        self.text(key, "a path", None, |text| (!text.is_empty()).then(|| base.join(text)))
    }

    /// A file that exists, relative to the settings file.
    pub fn existing_file(&mut self, key: &str) -> Option<PathBuf> {
        let path = self.path(key)?;
        if path.is_file() {
            return Some(path);
        }
        self.fault(key, format!("{}, which is no file", shown(&path)), "a file that exists");
        None
    }

    /// An integer in a range.
    pub fn integer<T: TryFrom<i64>>(&mut self, key: &str, range: RangeInclusive<i64>, default: Option<T>) -> Option<T> {
        let allowed = format!("an integer from {} to {}", range.start(), range.end());
        self.value(key, &allowed, default, |value| {
            value.as_integer().filter(|value| range.contains(value)).and_then(|value| T::try_from(value).ok())
        })
    }

    /// A finite number that `accept` admits; an integer counts as one.
    pub fn number(
        &mut self,
        key: &str,
        allowed: &str,
        default: Option<f64>,
        accept: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        self.value(key, allowed, default, |value| number_of(value).filter(|number| accept(*number)))
    }

    /// True or false.
    pub fn boolean(&mut self, key: &str, default: bool) -> Option<bool> {
        self.value(key, "true or false", Some(default), Value::as_bool)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)], default: Option<T>) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.text(key, &names.join(", "), default, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
        })
    }

    /// A date, quoted or as TOML writes it, that `parse` accepts.
    pub fn date<T>(
        &mut self,
        key: &str,
        allowed: &str,
        default: Option<T>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.value(key, allowed, default, |value| match value {
            Value::String(text) => parse(text),
            Value::Datetime(date) => parse(&date.to_string()),
            _ => None,
        })
    }

    /// The tables of a list of tables (`[[key]]`), at most so many, as prefixes of their keys: `key.1`, `key.2`. An absent list has none; what is
    /// no such list is a fault.
    pub fn tables(&mut self, key: &str, most: usize) -> Option<Vec<String>> {
        self.known.insert(key.into());
        let (above, last) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut self.root;
        for name in above.split('.').filter(|name| !name.is_empty()) {
            let Some(next) = table.get_mut(name).and_then(Value::as_table_mut) else { return Some(Vec::new()) };
            table = next;
        }
        let numbered = |items: &Vec<Value>| -> Option<Table> {
            let all = items.iter().all(Value::is_table) && items.len() <= most;
            all.then(|| (1..).zip(items).map(|(number, item): (usize, _)| (number.to_string(), item.clone())).collect())
        };
        match table.get(last) {
            None => Some(Vec::new()),
            Some(found) => match found.as_array().and_then(numbered) {
                Some(items) => {
                    let prefixes = (1..=items.len()).map(|number| format!("{key}.{number}")).collect();
                    table.insert(last.into(), Value::Table(items));
                    Some(prefixes)
                }
                None => {
                    let found = describe(found);
                    self.fault(key, found, format!("tables [[{key}]], {most} at most"));
                    None
                }
            },
        }
    }

    /// A list of texts that `parse` accepts, one at least.
    pub fn texts<T>(&mut self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        self.value(key, allowed, None, |value| {
            let items: Option<Vec<T>> = value.as_array()?.iter().map(|item| item.as_str().and_then(&parse)).collect();
            items.filter(|items| !items.is_empty())
        })
    }

    /// A table of texts, by name; an absent one has none.
    pub fn pairs(&mut self, key: &str) -> Option<Vec<(String, String)>> {
        self.known.insert(key.into());
        let Some(found) = self.find(key) else { return Some(Vec::new()) };
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let pairs: Option<Vec<(String, String)>> = found.as_table().and_then(|table| table.iter().map(text).collect());
        match pairs {
            Some(pairs) => {
                self.known.extend(pairs.iter().map(|(name, _)| format!("{key}.{name}")));
                Some(pairs)
            }
            None => {
                let found = describe(found);
                self.fault(key, found, "a table of texts, such as { \"a\" = \"b\" }");
                None
            }
        }
    }

    /// The text of a table, for whoever reads such tables elsewhere; nothing where it is absent. Its keys count as known here.
    pub fn inner(&mut self, key: &str) -> Option<String> {
        self.known.insert(key.into());
        let table = self.find(key)?;
        let Value::Table(table) = table else {
            let found = describe(table);
            self.fault(key, found, "a table");
            return None;
        };
        let (text, names) = (table.to_string(), table.keys().map(|name| format!("{key}.{name}")).collect::<Vec<_>>());
        self.known.extend(names);
        Some(text)
    }

    /// A list of integers in a range, possibly empty.
    pub fn integers<T: TryFrom<i64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<i64>,
        default: Vec<T>,
    ) -> Option<Vec<T>> {
        let allowed = format!("a list of integers from {} to {}", range.start(), range.end());
        self.value(key, &allowed, Some(default), |value| {
            let in_range = |item: &Value| {
                item.as_integer().filter(|value| range.contains(value)).and_then(|value| T::try_from(value).ok())
            };
            value.as_array()?.iter().map(in_range).collect()
        })
    }

    /// A list of numbers that `fits` accepts, possibly empty; an absent one has none.
    pub fn numbers(&mut self, key: &str, allowed: &str, fits: impl Fn(f64) -> bool) -> Option<Vec<f64>> {
        self.value(key, allowed, Some(Vec::new()), |value| {
            value.as_array()?.iter().map(|item| number_of(item).filter(|number| fits(*number))).collect()
        })
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Records a fault that only the caller can see.
    pub fn fault(&mut self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        self.faults.push(Fault { key: key.into(), found: found.into(), allowed: allowed.into() });
    }

    /// Ends reading: unknown keys are faults as well.
    ///
    /// # Errors
    /// Every fault. Without an error, every value that was asked for is there.
    pub fn finish(mut self) -> Result<(), Faults> {
        let mut unknown = Vec::new();
        collect_unknown(&self.root, "", &self.known, &mut unknown);
        for key in unknown {
            let allowed = nearest(&key, &self.known);
            self.fault(&key, "a key that means nothing here", allowed);
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Faults { file: self.file, faults: self.faults }) }
    }

    fn value<T>(
        &mut self,
        key: &str,
        allowed: &str,
        default: Option<T>,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        self.known.insert(key.into());
        let Some(value) = self.find(key) else {
            if default.is_none() {
                self.fault(key, "nothing", allowed);
            }
            return default;
        };
        let parsed = parse(value);
        if parsed.is_none() {
            let found = describe(value);
            self.fault(key, found, allowed);
        }
        parsed
    }

    fn find(&self, key: &str) -> Option<&Value> {
        let (tables, last) = key.rsplit_once('.').map_or((None, key), |(tables, last)| (Some(tables), last));
        let mut table = &self.root;
        for name in tables.into_iter().flat_map(|tables| tables.split('.')) {
            table = table.get(name)?.as_table()?;
        }
        table.get(last)
    }
}

/// A text as TOML spells it, in the quotes that need the least to be escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A finite number, written as an integer or not.
#[expect(clippy::cast_precision_loss, reason = "settings are small numbers")]
fn number_of(value: &Value) -> Option<f64> {
    let number = value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))?;
    number.is_finite().then_some(number)
}

fn describe(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".into(),
        Value::Array(items) => format!("a list of {} items", items.len()),
        other => other.to_string(),
    }
}

fn collect_unknown(table: &Table, prefix: &str, known: &BTreeSet<String>, unknown: &mut Vec<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) if known.iter().any(|known| known.starts_with(&format!("{key}."))) => {
                collect_unknown(inner, &key, known, unknown);
            }
            _ if known.contains(&key) => {}
            _ => unknown.push(key),
        }
    }
}

/// The known keys of the same table, for whoever mistyped one.
fn nearest(key: &str, known: &BTreeSet<String>) -> String {
    let table = key.rsplit_once('.').map_or("", |(table, _)| table);
    let siblings: Vec<&str> = known
        .iter()
        .filter(|known| known.rsplit_once('.').map_or("", |(table, _)| table) == table)
        .map(|known| known.rsplit_once('.').map_or(known.as_str(), |(_, name)| name))
        .collect();
    if siblings.is_empty() {
        let tables: BTreeSet<&str> = known.iter().filter_map(|known| known.split('.').next()).collect();
        return format!("the tables {}", tables.into_iter().collect::<Vec<_>>().join(", "));
    }
    siblings.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x.toml");
        std::fs::write(&path, text).expect("writes");
        Document::open(&path).expect("is TOML")
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let mut document = document("a.port = 70000\na.colour = 'red'\na.typo = 1\n[b]\nx = 1\n");
        assert_eq!(document.integer::<u16>("a.port", 1..=65535, None), None);
        assert_eq!(document.choice("a.colour", &[("green", 1), ("blue", 2)], None), None);
        assert_eq!(document.string("a.name"), None);
        let faults = document.finish().expect_err("four faults").to_string();
        for part in [
            "a.port: found 70000",
            "1 to 65535",
            "a.colour: found \"red\"",
            "green, blue",
            "a.name: found nothing",
            "a.typo",
            "b: found",
        ] {
            assert!(faults.contains(part), "{part} in {faults}");
        }
    }

    #[test]
    fn good_values_defaults_and_lists_are_read() {
        let mut document = document("n = 3\nf = 1\nlist = [1, 2]\nnames = ['x']\n");
        assert_eq!(document.integer::<u32>("n", 0..=5, None), Some(3));
        assert_eq!(document.integer::<u32>("m", 0..=5, Some(4)), Some(4));
        assert_eq!(document.number("f", "positive", None, |f| f > 0.0), Some(1.0));
        assert_eq!(document.integers::<u32>("list", 0..=5, vec![]), Some(vec![1, 2]));
        assert_eq!(document.texts("names", "names", |name| Some(name.len())), Some(vec![1]));
        document.finish().expect("no fault");
    }

    #[test]
    fn a_quoted_text_is_read_again() {
        for text in ["plain", "column \"age\"", "it's", "both ' and \"", "back\\slash", "a\nb"] {
            let mut document = document(&format!("text = {}\n", quoted(text)));
            assert_eq!(document.string("text").as_deref(), Some(text));
        }
        assert_eq!(quoted("column \"age\""), "'column \"age\"'");
    }

    #[test]
    fn a_version_is_optional_and_another_one_is_refused_before_the_rest() {
        let parse = |text: &str| Document::parse(Path::new("x.toml"), text);
        parse("version = 1\n").expect("current").finish().expect("the key is known");
        parse("").expect("none").finish().expect("none is needed");
        let told = |text: &str| parse(text).err().expect("a fault").to_string();
        let newer = told("version = 2\nunknown = 1\n");
        assert!(
            newer.contains("found 2") && newer.contains("1; a newer release") && !newer.contains("unknown"),
            "{newer}"
        );
        for (older, found) in
            [("version = 0\n", "found 0"), ("version = '1'\n", "found \"1\""), ("version = 1.0\n", "found 1.0")]
        {
            let told = told(older);
            assert!(told.contains(found) && told.contains("write the file anew"), "{told}");
        }
    }

    /// A path, a key and a value with line ends and escapes of a terminal.
    #[test]
    fn nothing_of_the_file_begins_a_line_or_moves_the_cursor() {
        let text =
            "\"a\\nx.toml: 0 faults\" = 1\nfile = \"\"\"b\\u001b[2J\nx.toml: no fault\"\"\"\nport = \"\"\"8\n9\"\"\"\n";
        let mut document = Document::parse(Path::new("x\n.toml"), text).expect("is TOML");
        assert_eq!(document.existing_file("file"), None);
        assert_eq!(document.integer::<u16>("port", 1..=9, None), None);
        let told = document.finish().expect_err("faults").to_string();
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(!told.contains('\u{1b}') && told.contains("\\u{1b}") && told.contains("\\u{a}"), "{told}");
        let broken = Document::parse(Path::new("x.toml"), "a = \u{202e} 1").err().expect("a fault").to_string();
        assert!(!broken.contains('\u{202e}'), "{broken}");
    }

    #[test]
    fn tables_of_a_list_have_numbered_keys_and_dates_two_spellings() {
        let mut document =
            document("[a]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\nd = 3\n[e]\nf = 2026-11-28\ng = '2026-11-28'\n");
        let prefixes = document.tables("a.b", 2).expect("two");
        assert_eq!(prefixes, ["a.b.1", "a.b.2"]);
        let found: Vec<Option<i64>> =
            prefixes.iter().map(|prefix| document.integer(&format!("{prefix}.c"), 1..=9, None)).collect();
        assert_eq!(found, [Some(1), Some(2)]);
        assert_eq!(document.tables("a.none", 2), Some(Vec::new()));
        assert_eq!(document.tables("none.b", 2), Some(Vec::new()));
        for key in ["e.f", "e.g"] {
            assert_eq!(document.date(key, "a date", None, |text| Some(text.to_owned())).as_deref(), Some("2026-11-28"));
        }
        let faults = document.finish().expect_err("an unknown key").faults;
        assert_eq!(faults.iter().map(|fault| fault.key.as_str()).collect::<Vec<_>>(), ["a.b.2.d"]);
        for (text, most) in [("a = 1\n", 2), ("a = [1]\n", 2), ("[[a]]\n[[a]]\n", 1)] {
            let mut document = Document::parse(Path::new("x.toml"), text).expect("is TOML");
            assert_eq!(document.tables("a", most), None);
            assert_eq!(document.finish().expect_err("a fault").faults[0].key, "a");
        }
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x.toml");
        std::fs::write(&path, "a = 1\nb = = 2\n").expect("writes");
        let faults = Document::open(&path).err().expect("a fault").to_string();
        assert!(faults.contains("line 2"), "{faults}");
        assert!(Document::open(&dir.path().join("none")).is_err());
    }
}

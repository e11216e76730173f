//! Two files never import each other: whoever reads one of them would have to read both at once.
//!
//! What a file imports is read from its paths: `use` statements and paths in the code that begin with `crate`, `super`, `self`, a module below
//! or an imported module. Names that a file merely passes on (`pub use`) are followed to where they are from. Tests may import what they test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::source::Source;
use crate::{collect, root};

/// Circles that are left. The list may only shrink: a pair that is no circle any more must leave it.
const LEFT: [(&str, &str); 35] = [
    ("certs/src/enrolment/authority.rs", "certs/src/enrolment/mod.rs"),
    ("certs/src/enrolment/authority.rs", "certs/src/office/lists.rs"),
    ("certs/src/enrolment/lists.rs", "certs/src/enrolment/mod.rs"),
    ("certs/src/enrolment/mod.rs", "certs/src/office/grant.rs"),
    ("certs/src/fault/mod.rs", "certs/src/verify.rs"),
    ("certs/src/office/grant.rs", "certs/src/office/mod.rs"),
    ("certs/src/office/members.rs", "certs/src/office/mod.rs"),
    ("coordinator/src/connections/admission.rs", "coordinator/src/connections/mod.rs"),
    ("coordinator/src/connections/handshakes.rs", "coordinator/src/connections/mod.rs"),
    ("coordinator/src/connections/mod.rs", "coordinator/src/connections/session.rs"),
    ("coordinator/src/settings/mod.rs", "coordinator/src/settings/read.rs"),
    ("model/src/schema/canonical.rs", "model/src/schema/mod.rs"),
    ("model/src/schema/mod.rs", "model/src/schema/parse.rs"),
    ("model/src/schema/mod.rs", "model/src/schema/words.rs"),
    ("model/src/update/chunked.rs", "model/src/update/clipped.rs"),
    ("model/src/update/clipped.rs", "model/src/update/exact.rs"),
    ("protocol/src/budget.rs", "protocol/src/message/upstream.rs"),
    ("protocol/src/round/coordinator/certifying.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/collecting.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/input.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/keying.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/keying.rs", "protocol/src/round/coordinator/wait.rs"),
    ("protocol/src/round/coordinator/links.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/membership.rs", "protocol/src/round/coordinator/mod.rs"),
    ("protocol/src/round/coordinator/mod.rs", "protocol/src/round/coordinator/unmasking.rs"),
    ("protocol/src/round/coordinator/mod.rs", "protocol/src/round/coordinator/updating.rs"),
    ("protocol/src/round/coordinator/proving.rs", "protocol/src/round/coordinator/unmasking.rs"),
    ("protocol/src/round/participant/keying.rs", "protocol/src/round/participant/mod.rs"),
    ("protocol/src/secagg/mask.rs", "protocol/src/secagg/modular.rs"),
    ("protocol/src/secagg/masked_sum.rs", "protocol/src/secagg/permit.rs"),
    ("src/demo/prepare.rs", "src/demo/settings.rs"),
    ("tests/src/world/branch.rs", "tests/src/world/mod.rs"),
    ("tests/src/world/centre.rs", "tests/src/world/mod.rs"),
    ("transport/src/quic/mod.rs", "transport/src/wire.rs"),
    ("transport/src/tcp/mod.rs", "transport/src/wire.rs"),
];

/// The crates' folders of sources, the executable's first.
const FOLDERS: [&str; 15] = [
    "src",
    "protocol/src",
    "storage/src",
    "settings/src",
    "texts/src",
    "model/src",
    "certs/src",
    "evidence/src",
    "planning/src",
    "rehearsal/src",
    "transport/src",
    "daemon/src",
    "coordinator/src",
    "client/src",
    "tests/src",
];

/// Where a module is: the names from the crate's root.
type Place = Vec<String>;

/// One crate's modules that lie in files.
#[derive(Default)]
struct Crate {
    sources: BTreeMap<Place, Source>,
}

impl Crate {
    fn read(folder: &Path) -> Self {
        let mut paths = Vec::new();
        collect(folder, &mut paths);
        let files = paths.iter().map(|path| {
            let inside = path.strip_prefix(folder).expect("below the folder").with_extension("");
            let place: Place = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            (place, name, fs::read_to_string(path).expect("a source is UTF-8"))
        });
        Self::of(files)
    }

    /// Places are those of the files: `mod`, `lib` and `main` stand for the module above.
    fn of(files: impl Iterator<Item = (Place, String, String)>) -> Self {
        let mut found = Self::default();
        for (mut place, name, text) in files {
            if place.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                place.pop();
            }
            found.sources.insert(place, Source::read(name, &text));
        }
        let tests: Vec<Place> = found.sources.iter().flat_map(|(place, source)| source.tests_below(place)).collect();
        let test = |place: &Place| tests.iter().any(|test| place.starts_with(test));
        found.sources.retain(|place, _| !test(place));
        found
    }

    /// Which files a file imports from.
    fn imports(&self, place: &Place, source: &Source) -> BTreeSet<&str> {
        let used = source.imports.iter().filter(|import| !import.passed_on || source.mentions(&import.name));
        let paths = used.map(|import| &import.path).chain(&source.paths);
        let files = paths.filter_map(|path| self.resolve(place, path, 0));
        files.filter(|file| *file != source.name).collect()
    }

    /// The file that a path leads into; `None` for a module as such, and for another crate.
    fn resolve(&self, from: &Place, path: &[String], depth: usize) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(Place::new(), rest, depth),
            "self" => self.walk(from.clone(), rest, depth),
            "super" => {
                let (_, above) = from.split_last()?;
                match rest.first() {
                    Some(next) if next == "super" => self.resolve(&above.to_vec(), rest, depth),
                    _ => self.walk(above.to_vec(), rest, depth),
                }
            }
            _ => {
                let bound = self.sources.get(from)?.imports.iter().any(|import| import.name == *first);
                let below = self.sources.contains_key(&child(from, first));
                if bound || below { self.walk(from.clone(), path, depth) } else { None }
            }
        }
    }

    fn walk(&self, at: Place, rest: &[String], depth: usize) -> Option<&str> {
        let source = self.sources.get(&at).filter(|_| depth < 16)?;
        let (name, after) = rest.split_first()?;
        let below = child(&at, name);
        if self.sources.contains_key(&below) {
            return self.walk(below, after, depth);
        }
        if source.defines(name) {
            return Some(&source.name);
        }
        if let Some(import) = source.imports.iter().find(|import| import.name == *name) {
            let whole: Vec<String> = import.path.iter().chain(after).cloned().collect();
            return self.resolve(&at, &whole, depth + 1);
        }
        let globs = source.imports.iter().filter(|import| import.name == "*");
        let passed = globs.filter_map(|import| {
            let (_, module) = import.path.split_last()?;
            let whole: Vec<String> = module.iter().chain(rest).cloned().collect();
            self.resolve(&at, &whole, depth + 1)
        });
        passed.into_iter().next().or(Some(&source.name)).filter(|_| name != "*" || !source.items.is_empty())
    }

    /// Pairs of files that import each other.
    fn circles(&self) -> BTreeSet<(String, String)> {
        let every = self.sources.iter();
        let imports: BTreeMap<&str, BTreeSet<&str>> =
            every.map(|(place, source)| (source.name.as_str(), self.imports(place, source))).collect();
        let pairs = imports.iter().flat_map(|(one, others)| others.iter().map(move |other| (*one, *other)));
        let circles = pairs.filter(|(one, other)| one < other && imports[other].contains(one));
        circles.map(|(one, other)| (one.to_owned(), other.to_owned())).collect()
    }
}

fn child(place: &Place, name: &str) -> Place {
    place.iter().cloned().chain([name.to_owned()]).collect()
}

#[test]
fn no_two_files_import_each_other() {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        let sources = Crate::read(&root().join(folder));
        assert!(!sources.sources.is_empty(), "{folder} has sources");
        found.extend(sources.circles());
    }
    let left: BTreeSet<(String, String)> = LEFT.map(|(one, other)| (one.to_owned(), other.to_owned())).into();
    let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&left).collect(), left.difference(&found).collect());
    assert!(
        new.is_empty() && gone.is_empty(),
        "files import each other: move what both need into a third file: {new:#?}; no circles any more: take them off the list: {gone:#?}"
    );
}

/// The circles of sources that are given as file and text.
fn circles_of(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let files = files.iter().map(|(name, text)| {
        let place = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        (place, (*name).to_owned(), (*text).to_owned())
    });
    Crate::of(files).circles().into_iter().collect()
}

#[test]
fn a_circle_is_found_by_whatever_way_it_is_imported() {
    let circle = [("a.rs".to_owned(), "b.rs".to_owned())];
    let ways = [
        ("use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"),
        ("use super::b::{self, B}; pub struct A;", "pub struct B; fn f() { crate::a::A::new() }"),
        ("use crate::b; pub struct A; fn f() { b::g() }", "use super::{a::{A}}; pub fn g() {}"),
        ("use crate::Passed; pub struct A;", "use crate::a::A; pub struct B;"),
    ];
    for (a, b) in ways {
        let root = "mod a; mod b; pub use b::B as Passed;";
        assert_eq!(circles_of(&[("lib.rs", root), ("a.rs", a), ("b.rs", b)]), circle, "{a} {b}");
    }
    let found = circles_of(&[
        ("lib.rs", "mod m;"),
        ("m/mod.rs", "mod x; use x::X; pub const N: u8 = 1;"),
        ("m/x.rs", "use super::N; pub struct X;"),
    ]);
    assert_eq!(found, [("m/mod.rs".to_owned(), "m/x.rs".to_owned())]);
}

#[test]
fn what_is_no_circle_is_left_alone() {
    let none: [(&str, &str); 0] = [];
    assert!(circles_of(&none).is_empty());
    let innocent: [&[(&str, &str)]; 4] = [
        // A name that is only passed on.
        &[("lib.rs", "mod a; pub use a::A; pub struct R;"), ("a.rs", "use crate::R; pub struct A;")],
        // By way of a module that passes names on.
        &[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::B; pub struct A;"),
            ("b.rs", "pub struct B; // use crate::a::A;"),
        ],
        // A test imports what it tests.
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; fn f() { \"}\" } }"),
        ],
        &[
            ("lib.rs", "mod a; pub fn f() {} use a::A; #[cfg(test)] mod tests;"),
            ("a.rs", "pub struct A;"),
            ("tests.rs", "use super::f;"),
        ],
    ];
    for files in innocent {
        assert_eq!(circles_of(files), [], "{files:?}");
    }
}

//! What a command prints with `--json`: one object a line, which begins with the version of its form.

use serde::Serialize;

/// The version of every object that a command prints. A field that is added leaves it; one that is removed or means something else raises it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Line<'a, T> {
    version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// Prints an object.
pub(crate) fn print(body: &impl Serialize) {
    println!("{}", line(body));
}

/// Prints an object, or what it says to people.
#[cfg(feature = "people")]
pub(crate) fn print_or_tell<T: Serialize + std::fmt::Display>(body: &T, json: bool) {
    if json { print(body) } else { print!("{body}") }
}

/// An object with its version.
fn line(body: &impl Serialize) -> String {
    serde_json::to_string(&Line { version: VERSION, body }).expect("what commands print is plain data")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_object_begins_with_the_version_of_its_form() {
        assert_eq!(super::line(&serde_json::json!({ "valid": true })), r#"{"version":1,"valid":true}"#);
    }
}

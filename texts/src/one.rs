//! Counts of one in English: "1 run", and not "1 runs". A number that stands in a text says so by a mark, until the text is whole.

/// Follows a 1 until the text is whole. It is for private use, so that no text has it.
const MARK: char = '\u{e000}';

/// What stands right after a count in the table, for several and for one.
pub(crate) const NOUNS: [(&str, &str); 48] = [
    ("branches", "branch"),
    ("bytes", "byte"),
    ("certificates", "certificate"),
    ("changes", "change"),
    ("checkpoints", "checkpoint"),
    ("contacts", "contact"),
    ("customers", "customer"),
    ("days", "day"),
    ("draws", "draw"),
    ("entries", "entry"),
    ("events", "event"),
    ("faults", "fault"),
    ("fields", "field"),
    ("groups", "group"),
    ("hours", "hour"),
    ("layers", "layer"),
    ("lines", "line"),
    ("lists", "list"),
    ("logits", "logit"),
    ("members", "member"),
    ("messages", "message"),
    ("minutes", "minute"),
    ("models", "model"),
    ("months", "month"),
    ("numbers", "number"),
    ("organisations", "organisation"),
    ("outcomes", "outcome"),
    ("packages", "package"),
    ("people", "person"),
    ("points", "point"),
    ("recalls", "recall"),
    ("records", "record"),
    ("retries", "retry"),
    ("rosters", "roster"),
    ("rounds", "round"),
    ("rows", "row"),
    ("runs", "run"),
    ("seconds", "second"),
    ("signatures", "signature"),
    ("sums", "sum"),
    ("things", "thing"),
    ("times", "time"),
    ("trials", "trial"),
    ("units", "unit"),
    ("uploads", "upload"),
    ("values", "value"),
    ("vectors", "vector"),
    ("windows", "window"),
];

/// What says something of them.
const VERBS: [(&str, &str); 4] = [("are", "is"), ("were", "was"), ("have", "has"), ("differ", "differs")];

/// What stands in a text, with a mark after a 1.
pub(crate) fn marked(mut piece: String) -> String {
    if piece == "1" {
        piece.push(MARK);
    }
    piece
}

/// The whole text: what follows a marked 1 is said of one.
pub(crate) fn agreed(text: String) -> String {
    let mut parts = text.split(MARK);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (noun, rest) = of_one(part, &NOUNS);
        let (verb, rest) = if noun.is_empty() { ("", rest) } else { of_one(rest, &VERBS) };
        for word in [noun, verb] {
            if !word.is_empty() {
                whole.push(' ');
                whole.push_str(word);
            }
        }
        whole.push_str(rest);
    }
    whole
}

/// The first word as it is said of one, and what follows it; nothing, and all of it, where the word is another one.
fn of_one<'a>(text: &'a str, words: &[(&str, &'static str)]) -> (&'static str, &'a str) {
    let found = words.iter().find_map(|(several, one)| {
        let rest = text.strip_prefix(' ')?.strip_prefix(several)?;
        (!rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')).then_some((*one, rest))
    });
    found.unwrap_or(("", text))
}

//! What a signer at a terminal is asked: nobody gets past it who only presses keys.

use tributary_protocol::entropy::Entropy;

use crate::office::Fingerprint;

/// What a signer at a terminal is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub text: String,
    /// The only answer that counts.
    pub answer: String,
}

impl Question {
    /// Asks for a group of several that were shown or read aloud; the text is made of its number, from 1. The group is drawn: whoever only presses keys,
    /// or tries keys until one group fits, does not know which.
    #[must_use]
    pub fn of_group(mut groups: Vec<String>, entropy: &mut dyn Entropy, text: impl FnOnce(usize) -> String) -> Self {
        let mut drawn = [0];
        entropy.fill(&mut drawn);
        let place = usize::from(drawn[0]) % groups.len();
        Self { text: text(place + 1), answer: groups.swap_remove(place) }
    }
}

/// Asks for one of the eight groups of a fingerprint.
pub(super) fn about_fingerprint(
    who: &str,
    reader: &str,
    fingerprint: Fingerprint,
    entropy: &mut dyn Entropy,
) -> Question {
    let groups = fingerprint.to_string().split('-').map(str::to_owned).collect();
    Question::of_group(groups, entropy, |group| {
        format!("{who}: group {group} of the eight in the fingerprint that the {reader} read to you")
    })
}

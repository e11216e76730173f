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

/// Asks for one of the eight groups of a fingerprint. The group is drawn: an office that tries keys until one group fits does not know which.
pub(super) fn about_fingerprint(
    who: &str,
    reader: &str,
    fingerprint: Fingerprint,
    entropy: &mut dyn Entropy,
) -> Question {
    let mut drawn = [0];
    entropy.fill(&mut drawn);
    let fingerprint = fingerprint.to_string();
    let groups: Vec<&str> = fingerprint.split('-').collect();
    let place = usize::from(drawn[0]) % groups.len();
    let text = format!("{who}: group {} of the eight in the fingerprint that the {reader} read to you", place + 1);
    Question { text, answer: groups[place].to_owned() }
}

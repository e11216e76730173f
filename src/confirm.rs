//! Nothing is signed that nobody has looked at: a program names the digest of what was shown, and a person at a terminal answers questions about it.

use std::io::{BufRead, IsTerminal as _, Write};

use tributary_certs::ceremony::Question;
use tributary_certs::entropy::OsEntropy;
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;

use crate::exit::Failure;

/// What was shown, and is signed next.
pub(crate) struct Shown<'a> {
    /// What has the digest, such as `this plan`.
    pub(crate) what: &'a str,
    /// What `--confirm` must name.
    pub(crate) digest: Digest,
    /// What is to be done with it first, as a sentence begins.
    pub(crate) first: &'a str,
    /// What is to be done after a wrong answer, as a sentence.
    pub(crate) again: &'a str,
}

/// What is done with it, in the words of the messages.
#[derive(Clone, Copy)]
pub(crate) struct Act {
    /// Where it is not done.
    undone: &'static str,
    /// As a command.
    verb: &'static str,
    /// What whoever answers says with it.
    says: &'static str,
}

impl Act {
    /// A signature.
    const SIGN: Self = Self { undone: "nothing is signed", verb: "sign", says: "have read all of it and sign it" };
    /// The word that data are ready.
    #[cfg(feature = "client")]
    pub(crate) const READY: Self = Self {
        undone: "nothing is said to be ready",
        verb: "say so",
        says: "have read all of it, and the data are right",
    };

    /// Asks for a drawn group of a digest that was shown in its eight groups.
    pub(crate) fn group_of(self, digest: &Digest, of: &str, entropy: &mut dyn Entropy) -> Question {
        let says = self.says;
        Question::of_group(groups(digest), entropy, |group| {
            format!("If you {says}: group {group} of the eight of the {of}'s digest")
        })
    }
}

impl Shown<'_> {
    /// Whether it may be signed: by the digest that was named, else by the answers to these questions.
    ///
    /// # Errors
    /// Why nothing is signed.
    pub(crate) fn confirm(
        &self,
        named: Option<&Digest>,
        questions: impl FnOnce(&mut dyn Entropy) -> Vec<Question>,
    ) -> Result<(), Failure> {
        self.confirm_to(Act::SIGN, named, questions)
    }

    /// As [`Shown::confirm`], where something else than a signature follows.
    ///
    /// # Errors
    /// Why it is not done.
    pub(crate) fn confirm_to(
        &self,
        act: Act,
        named: Option<&Digest>,
        questions: impl FnOnce(&mut dyn Entropy) -> Vec<Question>,
    ) -> Result<(), Failure> {
        let Self { what, digest, first, again } = self;
        let Act { undone, verb, .. } = act;
        if let Some(named) = named {
            let other = || {
                Failure::failed(format!(
                    "{undone}: {named} is not the digest of {what}, {digest}. {first}, then {verb} with --confirm and that digest"
                ))
            };
            return if named == digest { Ok(()) } else { Err(other()) };
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Err(Failure::failed(format!(
                "{undone}: there is no terminal to ask at. {first}, then {verb} with --confirm and the digest of {what}"
            )));
        }
        eprintln!("\n{first}. Then answer.");
        match answered(&questions(&mut OsEntropy), &mut input.lock(), &mut std::io::stderr()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::failed(format!("{undone}: the answer is another one. {again}"))),
            Err(fault) => Err(Failure::failed(format!("{undone}: {fault}"))),
        }
    }
}

/// Asks for a drawn group of a digest that was shown in its eight groups.
pub(crate) fn group_of(digest: &Digest, of: &str, entropy: &mut dyn Entropy) -> Question {
    Act::SIGN.group_of(digest, of, entropy)
}

/// Whether every question was answered as it must be.
fn answered(questions: &[Question], input: &mut impl BufRead, out: &mut impl Write) -> std::io::Result<bool> {
    for Question { text, answer } in questions {
        write!(out, "{text}: ")?;
        out.flush()?;
        let mut line = String::new();
        input.read_line(&mut line)?;
        if line.trim() != answer {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(questions: &[Question], typed: &str) -> (bool, String) {
        let mut out = Vec::new();
        let verdict = answered(questions, &mut typed.as_bytes(), &mut out).unwrap();
        (verdict, String::from_utf8(out).unwrap())
    }

    #[test]
    fn nothing_but_the_right_answers_counts() {
        let question = |text: &str, answer: &str| Question { text: text.to_owned(), answer: answer.to_owned() };
        let questions = [question("digits", "1f3c"), question("number", "9")];
        assert_eq!(ask(&questions, "1f3c\n9\n"), (true, "digits: number: ".to_owned()));
        for typed in ["", "\n\n", "y\ny\n", "yes\nyes\n", "1f3c\n", "1f3c\n8\n", "1f3d\n9\n", "9\n1f3c\n"] {
            assert!(!ask(&questions, typed).0, "{typed:?}");
        }
    }

    struct Drawn(u8);

    impl Entropy for Drawn {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn nothing_but_the_drawn_group_counts() {
        let digest = Digest::of(b"plan");
        let groups = groups(&digest);
        assert_eq!((groups.len(), groups.concat()), (8, digest.to_string()));
        for drawn in [0, 3, 7, 8, 255] {
            let place = usize::from(drawn) % 8;
            let question = [group_of(&digest, "plan", &mut Drawn(drawn))];
            assert!(question[0].text.contains(&format!("group {} of the eight of the plan's", place + 1)));
            assert!(ask(&question, &format!("{}\n", groups[place])).0);
            for typed in ["", "\n", "y\n", "yes\n", &digest.to_string(), &groups[(place + 1) % 8]] {
                assert!(!ask(&question, typed).0, "{typed:?}");
            }
        }
    }

    /// Whoever says that data are ready signs nothing.
    #[cfg(feature = "client")]
    #[test]
    fn the_question_says_what_is_said_with_the_answer() {
        let digest = Digest::of(b"data");
        let asked = |act: Act| act.group_of(&digest, "data set", &mut Drawn(2)).text;
        let group = "group 3 of the eight of the data set's digest";
        assert_eq!(asked(Act::SIGN), format!("If you have read all of it and sign it: {group}"));
        assert_eq!(asked(Act::READY), format!("If you have read all of it, and the data are right: {group}"));
    }

    #[test]
    fn a_digest_is_confirmed_by_itself_alone() {
        let digest = Digest::of(b"plan");
        let shown = Shown { what: "this plan", digest, first: "Read it", again: "Read it again" };
        let confirm = |named: &Digest| shown.confirm(Some(named), |_| Vec::new());
        assert!(confirm(&digest).is_ok());
        let other = Digest::of(b"another plan");
        let message = confirm(&other).unwrap_err().message;
        assert!(message.contains(&format!("nothing is signed: {other} is not the digest of this plan")), "{message}");
    }
}

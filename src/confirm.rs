//! Nothing is signed that nobody has looked at: a program names the digest of what was shown, and a person at a terminal answers questions about it.

use std::io::{BufRead, IsTerminal as _, Write};

use tributary_certs::ceremony::Question;
use tributary_certs::entropy::OsEntropy;
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_texts::{Language, Said, confirm as words};

use crate::exit::Failure;

/// What was shown, and is signed next.
pub(crate) struct Shown {
    /// What has the digest, such as `this plan`.
    pub(crate) what: Said,
    /// What `--confirm` must name.
    pub(crate) digest: Digest,
    /// What is to be done with it first, as a sentence begins.
    pub(crate) first: Said,
    /// What is to be done after a wrong answer, as a sentence.
    pub(crate) again: Said,
}

/// What is done with it.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// A signature.
    Sign,
    /// The word that data are ready.
    #[cfg(feature = "client")]
    Ready,
}

impl Act {
    /// Where it is not done, and as a command.
    fn words(self) -> (Said, Said) {
        match self {
            Self::Sign => (words::nothing_signed(), words::sign()),
            #[cfg(feature = "client")]
            Self::Ready => (words::nothing_ready(), words::say_so()),
        }
    }
}

impl Shown {
    /// For whoever speaks English alone.
    pub(crate) fn english(what: &str, digest: Digest, first: &str, again: &str) -> Self {
        let [what, first, again] = [what, first, again].map(Said::verbatim);
        Self { what, digest, first, again }
    }

    /// Whether it may be signed: by the digest that was named, else by the answers to these questions.
    ///
    /// # Errors
    /// Why nothing is signed.
    pub(crate) fn confirm(
        &self,
        named: Option<&Digest>,
        questions: impl FnOnce(&mut dyn Entropy) -> Vec<Question>,
    ) -> Result<(), Failure> {
        self.confirm_to(Act::Sign, Language::English, named, questions)
    }

    /// As [`Shown::confirm`], in a language, or where something else than a signature follows.
    ///
    /// # Errors
    /// Why it is not done.
    pub(crate) fn confirm_to(
        &self,
        act: Act,
        language: Language,
        named: Option<&Digest>,
        questions: impl FnOnce(&mut dyn Entropy) -> Vec<Question>,
    ) -> Result<(), Failure> {
        let Self { what, digest, first, again } = self;
        let (undone, verb) = act.words();
        let failed = |said: Said| Err(Failure::failed(said.text(language)));
        if let Some(named) = named {
            let other = || words::other_digest(&undone, named, what, digest, first, &verb);
            return if named == digest { Ok(()) } else { failed(other()) };
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            return failed(words::no_terminal(&undone, first, &verb, what));
        }
        eprintln!("\n{}", words::then_answer(first).text(language));
        match answered(&questions(&mut OsEntropy), &mut input.lock(), &mut std::io::stderr()) {
            Ok(true) => Ok(()),
            Ok(false) => failed(words::wrong_answer(&undone, again)),
            Err(fault) => failed(words::not_asked(&undone, fault)),
        }
    }
}

/// Asks for a drawn group of a digest that was shown in its eight groups.
pub(crate) fn group_of(digest: &Digest, of: &str, entropy: &mut dyn Entropy) -> Question {
    drawn_group(digest, Language::English, |number| words::group_to_sign(number, of), entropy)
}

/// As [`group_of`], in a language and by another question, which is given the number of the group.
pub(crate) fn drawn_group(
    digest: &Digest,
    language: Language,
    question: impl FnOnce(usize) -> Said,
    entropy: &mut dyn Entropy,
) -> Question {
    Question::of_group(groups(digest), entropy, |number| question(number).text(language).to_owned())
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

    #[test]
    fn a_digest_is_confirmed_by_itself_alone() {
        let digest = Digest::of(b"plan");
        let shown = Shown::english("this plan", digest, "Read it", "Read it again");
        let confirm = |named: &Digest| shown.confirm(Some(named), |_| Vec::new());
        assert!(confirm(&digest).is_ok());
        let other = Digest::of(b"another plan");
        let message = confirm(&other).unwrap_err().message;
        assert!(message.contains(&format!("nothing is signed: {other} is not the digest of this plan")), "{message}");
    }

    /// What is asked and refused is in the language of whoever typed the command.
    #[cfg(feature = "client")]
    #[test]
    fn a_data_set_is_asked_about_in_both_languages() {
        let digest = Digest::of(b"data");
        let (what, first, again) = (words::data_set(), words::read_asks(), words::look_again());
        let shown = Shown { what, digest, first, again };
        let refused = |language| {
            let refused = shown.confirm_to(Act::Ready, language, Some(&Digest::ZERO), |_| Vec::new());
            refused.unwrap_err().message
        };
        let english = refused(Language::English);
        assert!(english.starts_with("nothing is said to be ready: ") && english.contains("then say so with --confirm"));
        let chinese = refused(Language::Chinese);
        assert!(chinese.starts_with("没有声明任何数据已就绪：") && chinese.contains(&digest.to_string()), "{chinese}");
        let asked = |language| drawn_group(&digest, language, words::group_of_data, &mut Drawn(2));
        assert_eq!(asked(Language::English).answer, asked(Language::Chinese).answer);
        assert!(asked(Language::Chinese).text.contains("第 3 组"));
    }
}

//! A model's way from candidate to champion: its card, the report on its gates, a validator's signature, a pilot, a promotion.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::timeout;
use tributary_certs::gates::ReportFile;
use tributary_protocol::plan::Date;

use super::typist::{Typist, Words};
use crate::demo::events::{CoordinatorLine, parse};
use crate::demo::processes::{COORDINATOR, Notice, Processes};
use crate::demo::workplace::Workplace;

/// Branches of the pilot.
pub(super) const PILOTS: usize = 2;
/// Longest wait until branches keep a model: they hear of it within a second, and fetch a few kilobytes.
const COPIES_MAX: Duration = Duration::from_secs(60);
/// How long the validator answers for the model, in seconds.
const VALID_SECONDS: u64 = 300 * 86_400;

/// Who types what.
const OPERATOR: &str = "the coordinator's operator";
const PEOPLE: [(&str, &str, &str); 2] =
    [("e1", "plan-owner", "the plan's owner"), ("e3", "model-validator", "the model validator")];

/// What became of the model.
pub(super) struct Promoted {
    /// The report on its gates, with the validator's signature.
    pub(super) report: ReportFile,
    /// The same for programs, each gate with its figure.
    pub(super) gates: serde_json::Value,
    /// Members that keep the model; nothing where it does not hold its gates.
    pub(super) copies: Option<usize>,
}

/// The model, and where everything is.
pub(super) struct Desk<'a> {
    /// The directory.
    pub(super) workplace: &'a Workplace,
    /// The month's own folder.
    pub(super) folder: &'a Path,
    /// Digest of the model.
    pub(super) model: &'a str,
    /// Members that may keep a copy.
    pub(super) members: usize,
    /// Now, in seconds of the Unix clock.
    pub(super) now: u64,
}

impl Desk<'_> {
    /// Leads the model through its gates, as far as it comes.
    ///
    /// # Errors
    /// If a command fails, a daemon ends, or branches do not fetch the model.
    pub(super) async fn promote(&self, typist: &mut Typist, processes: &mut Processes) -> anyhow::Result<Promoted> {
        let report = self.folder.join("gates.report");
        for (language, page) in [("en", "card.html"), ("zh", "card.zh.html")] {
            let words = self.registry("card").with("--html", self.folder.join(page)).with("--lang", language);
            typist.types(OPERATOR, &words).await?;
        }
        typist.types(OPERATOR, &self.registry("card").with("--out", self.folder.join("card.json"))).await?;
        let made = self.registry("gates").with("--out", &report);
        let made = typist.asks(OPERATOR, &made).await?;
        let digest = text(&made, "report")?;
        let until = Date::of_second(self.now + VALID_SECONDS).to_string();
        let holds = made["holds"] == true;
        let findings = if holds {
            "the figures were replicated from the run's ledger; every gate holds"
        } else {
            "the figures were replicated from the run's ledger; not every gate holds"
        };
        let signs = Words::new("model validate").word(&report).with("--findings", findings);
        let signs = signs.with("--condition", "looked at again when a field changes").with("--valid-until", until);
        typist.asks(PEOPLE[1].2, &self.signed_by("e3", signs).with("--confirm", digest)).await?;
        let mut promoted = Promoted { report: ReportFile::read(&report)?, gates: made["gates"].clone(), copies: None };
        if holds {
            self.state("pilot", "better than chance in every gate", typist).await?;
            self.kept(PILOTS, processes).await?;
            self.state("promote", "the pilot showed nothing", typist).await?;
            // Those of the pilot say that they follow the promotion as well.
            self.kept(self.members, processes).await?;
            promoted.copies = Some(self.members);
        }
        Ok(promoted)
    }

    /// A statement: made, signed by two people in two roles, and installed.
    async fn state(&self, step: &str, reason: &str, typist: &mut Typist) -> anyhow::Result<()> {
        let file = self.folder.join(format!("{step}.statement"));
        let made = self.registry(step).with("--evidence", self.folder.join("gates.report"));
        let made = typist.asks(OPERATOR, &made.with("--reason", reason).with("--out", &file)).await?;
        let digest = text(&made, "statement")?;
        for (person, role, who) in PEOPLE {
            let signs = self.signed_by(person, Words::new("model sign").word(&file).with("--role", role));
            typist.asks(who, &signs.with("--confirm", &digest)).await?;
        }
        typist.types(OPERATOR, &self.config(Words::new("model install").word(&file))).await?;
        Ok(())
    }

    /// Waits until so many more members keep the model.
    async fn kept(&self, wanted: usize, processes: &mut Processes) -> anyhow::Result<()> {
        let mut kept = 0;
        while kept < wanted {
            let Ok(notice) = timeout(COPIES_MAX, processes.next()).await else {
                let (seconds, words) = (COPIES_MAX.as_secs(), processes.last_words(COORDINATOR));
                bail!(
                    "{kept} of {wanted} branches have fetched the model, and no other one did in {seconds} s; {words}"
                );
            };
            match notice {
                Notice::Line(COORDINATOR, line) => {
                    if let CoordinatorLine::ModelCopy { model, state } = parse("coordinator", &line)? {
                        kept += usize::from(model == self.model && state == "kept");
                    }
                }
                Notice::Line(..) => {}
                Notice::Closed(number) => {
                    bail!("{} ended, and was not asked to; {}", processes.name(number), processes.last_words(number))
                }
            }
        }
        Ok(())
    }

    fn registry(&self, verb: &str) -> Words {
        self.config(Words::new("model").word(verb).word(self.model))
    }

    fn config(&self, words: Words) -> Words {
        words.with("--config", self.workplace.coordinator_settings())
    }

    fn signed_by(&self, person: &str, words: Words) -> Words {
        let person: PathBuf = self.workplace.people().join(person);
        words.with("--person", person).with("--authorities", self.workplace.authority().join("authorities"))
    }
}

/// A text of an object that a command printed.
pub(super) fn text(object: &serde_json::Value, key: &str) -> anyhow::Result<String> {
    let found = object[key].as_str().map(str::to_owned);
    found.with_context(|| format!("a command printed an object without {key:?}: {object}"))
}

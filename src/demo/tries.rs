//! What a user can try while a demo's federation stays up, and who is who in its directory.

use std::fmt;
use std::path::PathBuf;

use super::workplace::Workplace;

/// The words.
pub(super) struct Tries<'a> {
    /// Where everything is.
    pub(super) workplace: &'a Workplace,
    /// The settings of one branch.
    pub(super) branch: PathBuf,
}

impl fmt::Display for Tries<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workplace, branch } = self;
        let root = workplace.root();
        let (coordinator, branch) = (workplace.coordinator_settings(), branch.display());
        let (coordinator, people) = (coordinator.display(), workplace.people());
        writeln!(formatter, "The federation stays up. In another terminal:")?;
        for words in ["coordinator status", "coordinator site list", "model list", "plan list"] {
            writeln!(formatter, "  tributary {words} --config {coordinator}")?;
        }
        for words in ["status", "budget", "authorise list", "pause", "resume"] {
            writeln!(formatter, "  tributary client {words} --config {branch}")?;
        }
        writeln!(formatter, "Who is who:")?;
        for (number, who) in [("e1", "the plan's owner"), ("e2", "the privacy officer"), ("e3", "the model validator")]
        {
            writeln!(formatter, "  {who:<20} {}", people.join(number).display())?;
        }
        writeln!(formatter, "  {:<20} {branch}; the owner's key lies beside it", "a branch")?;
        writeln!(formatter, "  {:<20} {}", "the coordinator", coordinator)?;
        writeln!(formatter, "  {:<20} {}", "roster's keys", workplace.authority().display())?;
        writeln!(formatter, "Another plan: change {}/coordinator/plan.toml, then", root.display())?;
        let plan = root.join("coordinator/next.tributary");
        let (plan, list) = (plan.display(), workplace.authority().join("authorities"));
        let (list, schema) = (list.display(), workplace.schema());
        writeln!(formatter, "  tributary plan build {}/coordinator/plan.toml --out {plan}", root.display())?;
        for (turn, number) in [("propose", "e1"), ("approve", "e2")] {
            let person = people.join(number);
            writeln!(formatter, "  tributary plan {turn} {plan} --person {} --authorities {list}", person.display())?;
        }
        writeln!(formatter, "  tributary plan activate {plan} --schema {} --config {coordinator}", schema.display())?;
        write!(formatter, "Ctrl-C stops everything that was started here.")
    }
}

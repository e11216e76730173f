//! The caps that a budget file has seen: they fall by themselves, and rise by the word of two people.

use super::budget::BudgetRecord;
use super::rule::{OutOfOrder, rule};
use crate::ids::ClientId;
use crate::plan::{Attestation, CapRaise, Caps};
use crate::roster::Roster;

impl BudgetRecord {
    /// Whether a policy with these caps is what the file has seen, or lets less be spent.
    #[must_use]
    pub fn admits_caps(&self, caps: &Caps) -> bool {
        self.caps.as_ref().is_none_or(|known| caps.at_most(known))
    }

    pub(super) fn check_noted(&self, caps: &Caps) -> Result<(), OutOfOrder> {
        rule(caps.is_sound(), "caps are numbers that a policy may have")?;
        rule(self.admits_caps(caps) && self.caps != Some(*caps), "caps that are noted are lower than those before them")
    }

    pub(super) fn check_raised(
        &self,
        (raise, officer): (&CapRaise, &Attestation),
        (roster, client): (&Roster, ClientId),
    ) -> Result<(), OutOfOrder> {
        let owned = self.owner() == Some(&raise.owner) && self.population_digest == Some(raise.population);
        rule(owned, "the owner of the budget raises its caps")?;
        rule(raise.is_whole(), "a raise of caps has a reason and a ticket, and raises something")?;
        rule(self.caps == Some(raise.from), "a raise goes on from the caps that the file has")?;
        rule(
            !self.withdrawn.contains(&raise.digest()),
            "a raise counts once; whoever lowered the caps raises them anew",
        )?;
        rule(self.roster == Some(roster.head()), "a raise has the roster that was accepted last")?;
        let attested = roster.entry(client).is_some_and(|own| raise.judge_role(officer, (roster, own), None).is_ok());
        rule(attested, "a privacy officer of the roster attests a raise, who does not own the data")
    }
}

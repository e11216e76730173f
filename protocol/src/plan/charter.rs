//! Why a plan may be: what its author answers for, in words and references that an approver reads before signing.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::fault::{PlanFault, bounded, out_of_range};
use crate::digest::{Canonical, Digest};
use crate::ids::OrganisationId;
use crate::limits::{AGREEMENTS_MAX, CHARTER_REFERENCE_BYTES_MAX, CHARTER_TEXT_BYTES_MAX, DATA_ASSETS_MAX};
use crate::printable::Untrusted;
use crate::roster::RosterEntry;
use crate::time::Millis;

/// How much depends on the model, by the institution's own scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Materiality {
    /// Little.
    Low,
    /// Something.
    Medium,
    /// Much.
    High,
}

impl Materiality {
    /// Each of them, in ascending order.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word in plans and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
        }
    }
}

/// The assessment of the plan's impact on customers, which lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// Where to find it: a number or a name of the institution's register.
    pub reference: Untrusted,
    /// SHA-256 of the document.
    pub document: Digest,
    /// When it was made, in seconds of the Unix clock.
    pub at: u64,
}

/// The agreement with another organisation whose branches take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The partner's number in the roster.
    pub organisation: OrganisationId,
    /// Where to find it.
    pub reference: Untrusted,
    /// SHA-256 of the document.
    pub document: Digest,
    /// Last second of the Unix clock at which it holds. Afterwards the partner's branches are given no seat, and they refuse the plan.
    pub until: u64,
}

/// The year of spending under which a plan runs: one object that two people signed, and which of its kinds of run the plan's are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearShare {
    /// Digest of the year.
    pub year: Digest,
    /// The kind, by its name there.
    pub kind: Untrusted,
}

/// What the author of a plan answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// The law or the consent on which the learning rests.
    pub legal_basis: Untrusted,
    /// The assessment of its impact.
    pub assessment: Assessment,
    /// The ticket of the institution's own change process.
    pub ticket: Untrusted,
    /// The data assets that are used, by the institution's register; one at least.
    pub data_assets: Vec<Untrusted>,
    /// What the model is for.
    pub intended_use: Untrusted,
    /// What it must not be used for.
    pub prohibited_use: Untrusted,
    /// How much depends on it.
    pub materiality: Materiality,
    /// When the plan is to be reviewed at the latest, in seconds of the Unix clock. No run begins afterwards.
    pub review_by: u64,
    /// The organisation whose plan this is, by its number in the roster. Every other one needs an agreement.
    pub organisation: OrganisationId,
    /// The agreements with the others, strictly ascending by organisation.
    pub agreements: Vec<Agreement>,
    /// The year of spending under which it runs, where there is one. Approvers compare the two; what branches enforce is their own caps.
    pub year: Option<YearShare>,
}

impl Charter {
    pub(super) fn check(&self) -> Result<(), PlanFault> {
        let reference = |field, text: &Untrusted| {
            let most = CHARTER_REFERENCE_BYTES_MAX as u128;
            bounded(field, text.raw().len() as u128, 1, most, "1 to 128")
        };
        let text = |field, text: &Untrusted| {
            bounded(field, text.raw().len() as u128, 1, CHARTER_TEXT_BYTES_MAX as u128, "1 to 600")
        };
        text("charter.legal_basis (bytes)", &self.legal_basis)?;
        reference("charter.assessment (bytes)", &self.assessment.reference)?;
        reference("charter.ticket (bytes)", &self.ticket)?;
        bounded("charter.data_assets", self.data_assets.len() as u128, 1, DATA_ASSETS_MAX as u128, "1 to 32")?;
        self.data_assets.iter().try_for_each(|asset| reference("charter.data_assets (bytes of one)", asset))?;
        text("charter.intended_use (bytes)", &self.intended_use)?;
        text("charter.prohibited_use (bytes)", &self.prohibited_use)?;
        bounded("charter.agreements", self.agreements.len() as u128, 0, AGREEMENTS_MAX as u128, "0 to 1000")?;
        self.agreements.iter().try_for_each(|one| reference("charter.agreements (bytes of one)", &one.reference))?;
        self.year.iter().try_for_each(|share| reference("charter.year_kind (bytes)", &share.kind))?;
        let numbers = self.agreements.iter().map(|one| one.organisation);
        let ascending = numbers.clone().zip(numbers.skip(1)).all(|(one, next)| one < next);
        let own = self.agreements.iter().any(|one| one.organisation == self.organisation);
        if ascending && !own {
            return Ok(());
        }
        let allowed = "one for each other organisation, ascending by its number";
        Err(out_of_range(
            "charter.agreements",
            "out of order, twice for one organisation, or with the plan's own",
            allowed,
        ))
    }

    /// The last second of the Unix clock at which branches of an organisation may take part: without an end for the plan's own, until its agreement's end for
    /// another one's, and nothing where there is none.
    #[must_use]
    pub fn until(&self, organisation: OrganisationId) -> Option<u64> {
        if organisation == self.organisation {
            return Some(u64::MAX);
        }
        self.agreements.iter().find(|agreement| agreement.organisation == organisation).map(|agreement| agreement.until)
    }

    /// Whether branches of an organisation may take part at a second of the Unix clock.
    #[must_use]
    pub fn admits(&self, organisation: OrganisationId, second: u64) -> bool {
        self.until(organisation).is_some_and(|until| second <= until)
    }

    /// The last moment of the Unix clock at which a member of the roster may have a seat: until its entry ends, or its organisation's agreement.
    #[must_use]
    pub fn seat_ends(&self, entry: &RosterEntry) -> Millis {
        let agreed = self.until(entry.organisation).map(|second| Millis(second.saturating_mul(1000)).plus(999));
        entry.ends().min(agreed.unwrap_or(Millis(0)))
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        let text = |body: Canonical, text: &Untrusted| body.bytes(text.raw().as_bytes());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let body = text(body, &self.legal_basis);
        let body = text(body, &self.assessment.reference).digest(&self.assessment.document).u64(self.assessment.at);
        let body = text(body, &self.ticket).u32(count(self.data_assets.len()));
        let body = self.data_assets.iter().fold(body, text);
        let body = text(text(body, &self.intended_use), &self.prohibited_use);
        let body = body.u8(self.materiality.number()).u64(self.review_by).u32(self.organisation.0);
        let body = self.agreements.iter().fold(body.u32(count(self.agreements.len())), |body, agreement| {
            let body = text(body.u32(agreement.organisation.0), &agreement.reference);
            body.digest(&agreement.document).u64(agreement.until)
        });
        match &self.year {
            None => body.u8(0),
            Some(share) => text(body.u8(1).digest(&share.year), &share.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::frozen_fields;
    use crate::plan::Plan;
    use crate::round::cast;

    type Text = (&'static str, usize, fn(&mut Charter) -> &mut Untrusted);

    const TEXTS: [Text; 8] = [
        ("charter.legal_basis (bytes)", CHARTER_TEXT_BYTES_MAX, |charter| &mut charter.legal_basis),
        ("charter.assessment (bytes)", CHARTER_REFERENCE_BYTES_MAX, |charter| &mut charter.assessment.reference),
        ("charter.ticket (bytes)", CHARTER_REFERENCE_BYTES_MAX, |charter| &mut charter.ticket),
        ("charter.data_assets (bytes of one)", CHARTER_REFERENCE_BYTES_MAX, |charter| &mut charter.data_assets[0]),
        ("charter.intended_use (bytes)", CHARTER_TEXT_BYTES_MAX, |charter| &mut charter.intended_use),
        ("charter.prohibited_use (bytes)", CHARTER_TEXT_BYTES_MAX, |charter| &mut charter.prohibited_use),
        ("charter.agreements (bytes of one)", CHARTER_REFERENCE_BYTES_MAX, |charter| {
            &mut charter.agreements[0].reference
        }),
        ("charter.year_kind (bytes)", CHARTER_REFERENCE_BYTES_MAX, |charter| {
            let share = YearShare { year: Digest::ZERO, kind: "monthly".into() };
            &mut charter.year.get_or_insert(share).kind
        }),
    ];

    #[test]
    fn every_text_has_one_byte_at_least_and_no_more_than_it_may() {
        for (field, most, text) in TEXTS {
            for (bytes, holds) in [(0, false), (1, true), (most, true), (most + 1, false)] {
                let mut charter = cast::charter();
                *text(&mut charter) = "a".repeat(bytes).as_str().into();
                match charter.check() {
                    Ok(()) => assert!(holds, "{field} of {bytes} bytes"),
                    Err(fault) => {
                        let told = alloc::format!("{fault}");
                        assert!(!holds && told.contains(field), "{bytes} bytes: {told}");
                    }
                }
            }
        }
    }

    /// Frozen: the words stand in plans.
    #[test]
    fn what_depends_on_a_model_has_a_word() {
        assert_eq!(Materiality::ALL.map(Materiality::name), ["low", "medium", "high"]);
        assert!(Materiality::ALL.is_sorted());
    }

    #[test]
    fn a_plan_names_a_data_asset_at_least_and_no_more_than_it_may() {
        for (count, holds) in [(0, false), (1, true), (DATA_ASSETS_MAX, true), (DATA_ASSETS_MAX + 1, false)] {
            let charter = Charter { data_assets: alloc::vec!["asset".into(); count], ..cast::charter() };
            assert_eq!(charter.check().is_ok(), holds, "{count}");
        }
    }

    #[test]
    fn agreements_are_with_others_in_order_and_no_more_than_there_may_be() {
        let with = |agreements: Vec<Agreement>| Charter { agreements, ..cast::charter() }.check();
        let of = |numbers: &[u32]| numbers.iter().copied().map(cast::agreement).collect();
        let most = u32::try_from(AGREEMENTS_MAX).expect("few");
        let many = |count: u32| with((2..2 + count).map(cast::agreement).collect());
        assert_eq!((many(0), many(1), many(most)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(with(of(&[0, 2, 3])), Ok(()), "the plan's own organisation is number 1");
        let faults = [many(most + 1), with(of(&[3, 2])), with(of(&[2, 2])), with(of(&[1])), with(of(&[0, 1, 2]))];
        for (number, fault) in faults.into_iter().enumerate() {
            let named = matches!(fault, Err(PlanFault::OutOfRange { field: "charter.agreements", .. }));
            assert!(named, "{number}: {fault:?}");
        }
    }

    /// The plan's own organisation for ever, a partner until the end of its agreement's last second, and nobody else.
    #[test]
    fn an_organisation_takes_part_as_long_as_its_agreement_holds() {
        let mut charter = cast::charter();
        (charter.agreements[0].until, charter.agreements[1].until) = (7, 9);
        let until = [1, 2, 3, 65].map(|number| charter.until(OrganisationId(number)));
        assert_eq!(until, [Some(u64::MAX), Some(7), Some(9), None]);
        let admits = |organisation, second| charter.admits(OrganisationId(organisation), second);
        assert!(admits(1, u64::MAX) && admits(2, 7) && !admits(2, 8) && admits(3, 9) && !admits(65, 0));
        let ends = |organisation, not_after| {
            let organisation = OrganisationId(organisation);
            charter.seat_ends(&RosterEntry { organisation, not_after, ..cast::entry(crate::ids::ClientId(4)) }).0
        };
        assert_eq!([ends(1, 5), ends(1, u64::MAX)], [5_999, u64::MAX]);
        assert_eq!([ends(2, 5), ends(2, 7), ends(2, 8)], [5_999, 7_999, 7_999]);
        assert_eq!(ends(65, 5), 0, "nothing was agreed on");
    }

    #[test]
    fn every_part_of_a_charter_is_in_its_plans_digest() {
        let changes: [fn(&mut Charter); 18] = [
            |charter| charter.legal_basis = "law".into(),
            |charter| charter.assessment.reference = "assessment 2".into(),
            |charter| charter.assessment.document.0[0] ^= 1,
            |charter| charter.assessment.at += 1,
            |charter| charter.ticket = "change 2".into(),
            |charter| charter.data_assets[0] = "asset 2".into(),
            |charter| charter.data_assets.push("asset 2".into()),
            |charter| charter.intended_use = "more tests".into(),
            |charter| charter.prohibited_use = "nothing".into(),
            |charter| charter.materiality = Materiality::Medium,
            |charter| charter.review_by -= 1,
            |charter| charter.organisation = OrganisationId(65),
            |charter| charter.agreements[0].reference = "another".into(),
            |charter| charter.agreements[0].document.0[0] ^= 1,
            |charter| charter.agreements[0].until -= 1,
            |charter| charter.year = Some(YearShare { year: Digest::ZERO, kind: "monthly".into() }),
            |charter| charter.year = Some(YearShare { year: Digest::ZERO, kind: "weekly".into() }),
            |charter| charter.materiality = Materiality::High,
        ];
        let digest = |charter: &Charter| Plan { charter: charter.clone(), ..cast::plan() }.digest();
        assert_eq!(frozen_fields(&cast::charter(), &changes, digest), "6ccd195e");
    }
}

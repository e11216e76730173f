//! What a model of a plan must hold before branches use it: limits of its figures, a card, and a pilot before all branches.
//!
//! All numbers are whole, in parts in 10,000: a lift of 2.5 is 25,000. A plan's digest is that of two digests, one of its gates and one of all else. So
//! whoever knows a plan by its digest alone can still be shown which gates it has.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::fault::{PlanFault, bounded, out_of_range};
use crate::digest::{Canonical, Digest};
use crate::limits::{GATES_MAX, PILOT_BRANCHES_MAX, PILOT_SECONDS_MAX, ROSTER_ENTRIES_MAX};
use crate::printable::Untrusted;
use crate::roster::MemberName;

/// One of the parts in which figures are counted.
pub const PARTS: u32 = 10_000;

/// Largest limit of a lift or of a stability index, in parts in 10,000: a thousand.
const LIMIT_MAX: u32 = 1_000 * PARTS;

/// A figure of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Expected calibration error; at most the limit.
    CalibrationError,
    /// Area under the receiver operating characteristic; at least the limit.
    Auc,
    /// Largest distance of the classes' distributions of scores; at least the limit.
    Ks,
    /// How many times more positives than at random a list has; at least the limit.
    Lift {
        /// The list's share of all customers, in parts in 10,000.
        share: u16,
    },
    /// Largest distance of true-positive rates between two of the compared groups; at most the limit.
    FoundGap,
    /// Largest distance of calibration (mean score less share of positives) between two of the compared groups; at most the limit.
    CalibrationGap,
    /// Population stability index of the scores against the champion's; at most the limit.
    Stability,
}

impl Measure {
    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CalibrationError => "calibration-error",
            Self::Auc => "auc",
            Self::Ks => "ks",
            Self::Lift { .. } => "lift",
            Self::FoundGap => "found-gap",
            Self::CalibrationGap => "calibration-gap",
            Self::Stability => "stability",
        }
    }

    /// Whether the figure must be the limit or more; else it must be the limit or less.
    #[must_use]
    pub const fn is_at_least(self) -> bool {
        matches!(self, Self::Auc | Self::Ks | Self::Lift { .. })
    }

    const fn number(self) -> u8 {
        match self {
            Self::CalibrationError => 1,
            Self::Auc => 2,
            Self::Ks => 3,
            Self::Lift { .. } => 4,
            Self::FoundGap => 5,
            Self::CalibrationGap => 6,
            Self::Stability => 7,
        }
    }

    /// The share of a list; 0 where the figure is of none.
    #[must_use]
    pub const fn share(self) -> u16 {
        match self {
            Self::Lift { share } => share,
            _ => 0,
        }
    }

    const fn limit_max(self) -> u32 {
        match self {
            Self::Lift { .. } | Self::Stability => LIMIT_MAX,
            _ => PARTS,
        }
    }
}

/// A limit of one label's figure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gate {
    /// The label, by its name in the schema.
    pub label: Untrusted,
    /// The figure.
    pub measure: Measure,
    /// Its limit, in parts in 10,000.
    pub limit: u32,
}

/// Which branches are the pilot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PilotGroup {
    /// These, strictly ascending.
    Named(Vec<MemberName>),
    /// This share of the plan's group in parts in 10,000, rounded up: those that a hash of the model and their names puts first.
    Share(u16),
}

/// Branches that use a model before all others do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pilot {
    /// Which ones.
    pub group: PilotGroup,
    /// How many of them must have acknowledged that they keep the model before all branches use it.
    pub copies_min: u32,
    /// How many seconds must lie between the signatures that began the pilot and those that end it.
    pub seconds_min: u64,
}

/// The release gates of a plan. Whatever they say, a model becomes champion by a report that a model validator has signed, and by nothing less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// Limits of figures, strictly ascending by label and figure.
    pub limits: Vec<Gate>,
    /// Whether the report must name a model card.
    pub card: bool,
    /// Whether a challenger must hold the limits as well. Without, its report may say that it does not.
    pub challenger: bool,
    /// The pilot before all branches.
    pub pilot: Option<Pilot>,
}

impl Gates {
    /// What a plan says whose author says nothing: no limit of a figure and no pilot, a card, and as always a report that a validator has signed.
    pub const USUAL: Self = Self { limits: Vec::new(), card: true, challenger: true, pilot: None };

    pub(super) fn check(&self) -> Result<(), PlanFault> {
        bounded("gates.limits", self.limits.len() as u128, 0, GATES_MAX as u128, "0 to 128")?;
        for gate in &self.limits {
            bounded("gates.label (bytes)", gate.label.raw().len() as u128, 1, 64, "1 to 64")?;
            let most = gate.measure.limit_max().into();
            bounded("gates.limit", gate.limit.into(), 0, most, "0 to 10000; of a lift or a stability index 10000000")?;
            if let Measure::Lift { share } = gate.measure {
                bounded("gates.lift_share", share.into(), 1, PARTS.into(), "1 to 10000")?;
            }
        }
        let key = |gate: &Gate| (gate.label.clone(), gate.measure);
        let ascending = self.limits.iter().zip(self.limits.iter().skip(1)).all(|(one, next)| key(one) < key(next));
        if !ascending {
            return Err(out_of_range(
                "gates.limits",
                "out of order, or twice of one figure",
                "one for each figure, ascending",
            ));
        }
        self.pilot.as_ref().map_or(Ok(()), Pilot::check)
    }

    /// Digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let body = Canonical::new("tributary/plan gates/1").u32(count(self.limits.len()));
        let body = self.limits.iter().fold(body, |body, gate| {
            let body = body.bytes(gate.label.raw().as_bytes()).u8(gate.measure.number());
            body.u32(gate.measure.share().into()).u32(gate.limit)
        });
        let body = body.u8(self.card.into()).u8(self.challenger.into());
        let body = match &self.pilot {
            None => body.u8(0),
            Some(Pilot { group, copies_min, seconds_min }) => {
                let body = match group {
                    PilotGroup::Named(names) => {
                        let body = body.u8(1).u32(count(names.len()));
                        names.iter().fold(body, |body, name| body.bytes(name.as_str().as_bytes()))
                    }
                    PilotGroup::Share(share) => body.u8(2).u32((*share).into()),
                };
                body.u32(*copies_min).u64(*seconds_min)
            }
        };
        body.finish()
    }

    /// Digest of a plan with these gates, whose other terms have this digest.
    #[must_use]
    pub fn of_plan(&self, terms: &Digest) -> Digest {
        Canonical::new("tributary/plan/7").digest(terms).digest(&self.digest()).finish()
    }

    /// Whether a figure is compared with the champion's.
    #[must_use]
    pub fn compare_with_champion(&self) -> bool {
        self.limits.iter().any(|gate| gate.measure == Measure::Stability)
    }
}

impl Pilot {
    fn check(&self) -> Result<(), PlanFault> {
        let most = match &self.group {
            PilotGroup::Named(names) => {
                let most = PILOT_BRANCHES_MAX as u128;
                bounded("gates.pilot.branches", names.len() as u128, 1, most, "1 to 256")?;
                if !names.is_sorted_by(|one, next| one < next) {
                    return Err(out_of_range(
                        "gates.pilot.branches",
                        "out of order, or twice",
                        "each branch once, ascending",
                    ));
                }
                names.len()
            }
            PilotGroup::Share(share) => {
                bounded("gates.pilot.share", (*share).into(), 1, PARTS.into(), "1 to 10000")?;
                ROSTER_ENTRIES_MAX
            }
        };
        let allowed = "1 to the number of the pilot's branches";
        bounded("gates.pilot.copies_min", self.copies_min.into(), 1, most as u128, allowed)?;
        bounded("gates.pilot.days", self.seconds_min.into(), 0, PILOT_SECONDS_MAX.into(), "0 to 366 days")
    }

    /// The pilot's branches of a model, strictly ascending, out of those of the plan's group.
    #[must_use]
    pub fn branches<'a>(&self, model: &Digest, of_group: impl IntoIterator<Item = &'a MemberName>) -> Vec<MemberName> {
        let share = match &self.group {
            PilotGroup::Named(names) => return names.clone(),
            PilotGroup::Share(share) => usize::from(*share),
        };
        let place = |name: &MemberName| {
            Canonical::new("tributary/pilot/1").digest(model).bytes(name.as_str().as_bytes()).finish()
        };
        let mut all: Vec<(Digest, &MemberName)> = of_group.into_iter().map(|name| (place(name), name)).collect();
        all.sort_unstable();
        let count = all.len().saturating_mul(share).div_ceil(PARTS as usize).min(PILOT_BRANCHES_MAX);
        let mut names: Vec<MemberName> = all.into_iter().take(count).map(|(_, name)| name.clone()).collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::digest::frozen_fields;
    use crate::round::cast;

    fn gate(measure: Measure, limit: u32) -> Gate {
        Gate { label: "churn".into(), measure, limit }
    }

    fn name(number: u32) -> MemberName {
        MemberName::parse(&format!("bank-1/branch-{number:03}")).expect("a name")
    }

    fn gates() -> Gates {
        let limits = [gate(Measure::CalibrationError, 300), gate(Measure::Lift { share: 1_000 }, 20_000)].into();
        let group = PilotGroup::Named([name(1), name(2)].into());
        Gates { limits, pilot: Some(Pilot { group, copies_min: 2, seconds_min: 60 }), ..Gates::USUAL }
    }

    /// Another gate is another plan, whose signatures do not count for this one; and the plan's digest proves which gates it has.
    #[test]
    fn gates_are_in_the_plans_digest() {
        let plan = crate::plan::Plan { gates: gates(), ..cast::plan() };
        assert_eq!(
            plan.gates.of_plan(&plan.terms_digest()),
            plan.clone().validate().expect("within the limits").digest()
        );
        type Change = fn(&mut Gates);
        let changes: [Change; 15] = [
            |it| it.limits.clear(),
            |it| it.limits[0].label = "other".into(),
            |it| it.limits[0].limit += 1,
            |it| it.limits[0].measure = Measure::Auc,
            |it| it.limits[0].measure = Measure::Ks,
            |it| it.limits[0].measure = Measure::FoundGap,
            |it| it.limits[0].measure = Measure::CalibrationGap,
            |it| it.limits[0].measure = Measure::Stability,
            |it| it.limits[1].measure = Measure::Lift { share: 2_000 },
            |it| it.card = false,
            |it| it.challenger = false,
            |it| it.pilot = None,
            |it| it.pilot.as_mut().expect("a pilot").copies_min = 1,
            |it| it.pilot.as_mut().expect("a pilot").seconds_min = 61,
            |it| it.pilot.as_mut().expect("a pilot").group = PilotGroup::Share(10),
        ];
        let digest = |gates: &Gates| gates.of_plan(&plan.terms_digest());
        assert_eq!(frozen_fields(&plan.gates, &changes, digest), "56b97a98");
    }

    /// Frozen: words stand in plans. What a limit means is its figure's.
    #[test]
    fn a_figure_has_a_word_a_side_of_its_limit_and_perhaps_a_share() {
        let of = |measure: Measure| {
            let compares = Gates { limits: [gate(Measure::Auc, 1), gate(measure, 1)].into(), ..Gates::USUAL };
            (measure.name(), measure.is_at_least(), measure.share(), compares.compare_with_champion())
        };
        let found = [
            Measure::CalibrationError,
            Measure::Auc,
            Measure::Ks,
            Measure::Lift { share: 7 },
            Measure::FoundGap,
            Measure::CalibrationGap,
            Measure::Stability,
        ]
        .map(of);
        let expected = [
            ("calibration-error", false, 0, false),
            ("auc", true, 0, false),
            ("ks", true, 0, false),
            ("lift", true, 7, false),
            ("found-gap", false, 0, false),
            ("calibration-gap", false, 0, false),
            ("stability", false, 0, true),
        ];
        assert_eq!(found, expected);
    }

    /// Each limit itself is allowed, and one beyond it is not.
    #[test]
    fn gates_may_be_at_their_limits() {
        let pilot =
            |group, copies_min, seconds_min| Gates { pilot: Some(Pilot { group, copies_min, seconds_min }), ..gates() };
        let named = |count| PilotGroup::Named((0..count).map(name).collect());
        let of = |measure, limit| Gates { limits: [gate(measure, limit)].into(), ..gates() };
        let labelled = |bytes| {
            let label = "x".repeat(bytes).as_str().into();
            Gates { limits: [Gate { label, ..gate(Measure::Auc, 1) }].into(), ..gates() }
        };
        let limits = |count: u16| {
            let shares = 1..=count;
            Gates { limits: shares.map(|share| gate(Measure::Lift { share }, 1)).collect(), ..gates() }
        };
        // By label first, and by figure then.
        let ordered = |labels: [&str; 2], measures: [Measure; 2]| {
            let both = labels.into_iter().zip(measures);
            let limits = both.map(|(label, measure)| Gate { label: label.into(), ..gate(measure, 1) }).collect();
            Gates { limits, ..gates() }
        };
        let everybody = u32::try_from(ROSTER_ENTRIES_MAX).expect("a number");
        let most = u32::try_from(PILOT_BRANCHES_MAX).expect("a number");
        let parts = u16::try_from(PARTS).expect("a number");
        let rows = [
            (pilot(PilotGroup::Share(1), everybody, PILOT_SECONDS_MAX), true),
            (pilot(PilotGroup::Share(1), everybody + 1, 0), false),
            (pilot(PilotGroup::Share(parts), 1, 0), true),
            (pilot(PilotGroup::Share(parts + 1), 1, 0), false),
            (pilot(PilotGroup::Share(1), 0, 0), false),
            (pilot(named(most), most, 0), true),
            (pilot(named(most), most + 1, 0), false),
            (pilot(named(most + 1), 1, 0), false),
            (pilot(named(1), 0, 0), false),
            (pilot(named(1), 1, PILOT_SECONDS_MAX + 1), false),
            (of(Measure::Auc, PARTS), true),
            (of(Measure::Auc, PARTS + 1), false),
            (of(Measure::Lift { share: 1 }, LIMIT_MAX), true),
            (of(Measure::Lift { share: 1 }, LIMIT_MAX + 1), false),
            (of(Measure::Stability, LIMIT_MAX), true),
            (of(Measure::Stability, LIMIT_MAX + 1), false),
            (of(Measure::Ks, 0), true),
            (labelled(64), true),
            (labelled(65), false),
            (limits(128), true),
            (limits(129), false),
            (ordered(["a", "b"], [Measure::Ks, Measure::Auc]), true),
            (ordered(["b", "a"], [Measure::Auc, Measure::Ks]), false),
            (of(Measure::Lift { share: parts }, 1), true),
            (of(Measure::Lift { share: parts + 1 }, 1), false),
        ];
        for (gates, allowed) in rows {
            assert_eq!(gates.check().is_ok(), allowed, "{gates:?}");
        }
    }

    #[test]
    fn limits_of_gates_are_checked() {
        type Change = fn(&mut Gates);
        let changes: [(&str, Change); 13] = [
            ("gates.limits", |it| it.limits.swap(0, 1)),
            ("gates.limits", |it| it.limits[1] = it.limits[0].clone()),
            ("gates.limits", |it| it.limits = (0..=128).map(|_| gate(Measure::Auc, 1)).collect()),
            ("gates.label (bytes)", |it| it.limits[0].label = "".into()),
            ("gates.limit", |it| it.limits[0].limit = 10_001),
            ("gates.limit", |it| it.limits[1].limit = LIMIT_MAX + 1),
            ("gates.lift_share", |it| it.limits[1].measure = Measure::Lift { share: 0 }),
            ("gates.pilot.branches", |it| {
                it.pilot.as_mut().expect("a pilot").group = PilotGroup::Named([name(2), name(2)].into());
            }),
            ("gates.pilot.branches", |it| {
                it.pilot.as_mut().expect("a pilot").group = PilotGroup::Named([name(2), name(1)].into());
            }),
            ("gates.pilot.branches", |it| it.pilot.as_mut().expect("a pilot").group = PilotGroup::Named(Vec::new())),
            ("gates.pilot.share", |it| it.pilot.as_mut().expect("a pilot").group = PilotGroup::Share(0)),
            ("gates.pilot.copies_min", |it| it.pilot.as_mut().expect("a pilot").copies_min = 3),
            ("gates.pilot.days", |it| it.pilot.as_mut().expect("a pilot").seconds_min = PILOT_SECONDS_MAX + 1),
        ];
        assert_eq!(gates().check(), Ok(()));
        assert_eq!(Gates::USUAL.check(), Ok(()));
        for (number, (field, change)) in changes.into_iter().enumerate() {
            let mut it = gates();
            change(&mut it);
            let fault = it.check().expect_err("a fault");
            assert!(
                matches!(&fault, PlanFault::OutOfRange { field: found, .. } if *found == field),
                "{number}: {fault}"
            );
        }
    }

    /// Nobody chooses which branches a share is of: model and names do.
    #[test]
    fn a_share_is_drawn_by_model_and_names() {
        let all: Vec<MemberName> = (1..=40).map(name).collect();
        let pilot = |share| Pilot { group: PilotGroup::Share(share), copies_min: 1, seconds_min: 0 };
        let [one, other] = [b"one".as_slice(), b"other"].map(Digest::of);
        let mut backwards = all.clone();
        backwards.reverse();
        let drawn = pilot(1_000).branches(&one, &all);
        assert_eq!((drawn.len(), &drawn), (4, &pilot(1_000).branches(&one, &backwards)));
        assert!(drawn.is_sorted() && drawn != pilot(1_000).branches(&other, &all));
        assert_eq!(pilot(1).branches(&one, &all).len(), 1, "rounded up");
        assert_eq!(pilot(10_000).branches(&one, &all), all);
        assert_eq!([0, 1, 4, 5].map(|count| pilot(2_500).branches(&one, &all[..count]).len()), [0, 1, 1, 2]);
        // A large group's pilot has no more than a pilot may have.
        let crowd: Vec<MemberName> = (0..300).map(name).collect();
        assert_eq!(pilot(10_000).branches(&one, &crowd).len(), PILOT_BRANCHES_MAX);
        let named = Pilot { group: PilotGroup::Named(drawn.clone()), ..pilot(1) };
        assert_eq!(named.branches(&one, []), drawn);
    }
}

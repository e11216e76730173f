//! Statements that do not count by the roster in force any more, because somebody who signed has left, lost the role, or has another key.
//!
//! Every client that comes is told of every statement. Signatures are verified once for a roster and an hour, and not for each client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{ModelStep, RegistryEvent, StatementGrounds, Told};
use tributary_protocol::roster::{Roster, SignedRoster};

/// Seconds for which an answer counts: roles end by the clock.
const HOUR: u64 = 3_600;

/// What was found last, and of what; and by which roster each statement was taken.
#[derive(Default)]
pub(super) struct Doubted {
    roster: Option<Arc<SignedRoster>>,
    taken: BTreeMap<Digest, Arc<SignedRoster>>,
    asked: Option<(Digest, u64, Vec<Digest>)>,
    found: BTreeSet<Digest>,
}

impl Doubted {
    /// After the events of the registry.
    pub(super) fn after<'a>(events: impl IntoIterator<Item = &'a RegistryEvent>) -> Self {
        let mut own = Self::default();
        events.into_iter().for_each(|event| own.follow(event));
        own
    }

    /// Follows one event.
    pub(super) fn follow(&mut self, event: &RegistryEvent) {
        match (event, &self.roster) {
            (RegistryEvent::RosterAdopted { roster }, _) => self.roster = Some(Arc::new(roster.as_ref().clone())),
            (RegistryEvent::StatementTaken { statement }, Some(roster)) => {
                self.taken.insert(statement.statement.digest(), Arc::clone(roster));
            }
            _ => {}
        }
    }

    /// The roster by which a statement was taken.
    pub(super) fn before(&self, statement: &Digest) -> Option<Arc<SignedRoster>> {
        self.taken.get(statement).cloned()
    }

    /// Digests of the statements that whoever hears them first now does not believe by their signatures.
    pub(super) fn among(
        &mut self,
        told: &[Told],
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> BTreeSet<Digest> {
        let statements: Vec<Digest> = told.iter().map(|told| told.statement.statement.digest()).collect();
        let asked = Some((roster.digest(), now / HOUR, statements));
        if self.asked != asked {
            let doubted = told.iter().filter(|told| {
                let grounds = StatementGrounds { manifest: &told.manifest, roster, federation, now: Some(now) };
                let statement = &told.statement;
                let report = statement.statement.step == ModelStep::RollBack;
                statement.judge::<RealSuite>(grounds).is_err()
                    || report && statement.judge_report::<RealSuite>(grounds).is_err()
            });
            self.found = doubted.map(|told| told.statement.statement.digest()).collect();
            self.asked = asked;
        }
        self.found.clone()
    }
}

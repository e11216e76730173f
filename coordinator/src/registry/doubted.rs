//! Statements that do not count by the roster in force any more, because somebody who signed has left, lost the role, or has another key.
//!
//! Every client that comes is told of every statement. Signatures are verified once for a roster and an hour, and not for each client.

use std::collections::BTreeSet;

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{ModelStep, StatementGrounds, Told};
use tributary_protocol::roster::Roster;

/// Seconds for which an answer counts: roles end by the clock.
const HOUR: u64 = 3_600;

/// What was found last, and of what.
#[derive(Default)]
pub(super) struct Doubted {
    asked: Option<(Digest, u64, Vec<Digest>)>,
    found: BTreeSet<Digest>,
}

impl Doubted {
    /// Digests of the statements that whoever hears them first now does not believe by their signatures.
    pub(super) fn among(
        &mut self,
        told: &[Told],
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> &BTreeSet<Digest> {
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
        &self.found
    }
}

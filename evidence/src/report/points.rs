//! Changes of a scorecard's points in a report: what two people signed, as far as its file is here.

use tributary_certs::points::PointsFile;
use tributary_protocol::digest::Digest;
use tributary_protocol::time::Millis;

use super::parts::{Duty, PointsLine, SetPoints};
use super::shown;
use crate::retained::{Item, Retained};

/// The word of such a decision.
pub(super) const DECIDED: &str = "points";

/// A change as its file says it; number and digest alone where the file is not here.
pub(super) fn line(at: Millis, (model, number, change): (&Digest, u64, &Digest), kept: &dyn Retained) -> PointsLine {
    let bytes = kept.get(&Item::Points(*model, number)).filter(|bytes| Digest::of(bytes) == *change);
    let file = bytes.and_then(|bytes| PointsFile::parse(str::from_utf8(&bytes).ok()?));
    PointsLine { number, at: shown::moment(at), change: change.to_string(), set: file.as_ref().map(set) }
}

fn set(file: &PointsFile) -> SetPoints {
    let own = &file.statement;
    SetPoints {
        label: own.head.to_string(),
        field: own.field.to_string(),
        bin: own.bin,
        values: own.values.to_string(),
        before: own.before,
        after: own.after,
        reason: own.reason.to_string(),
        signers: file.signatures.iter().map(shown::signer).collect(),
    }
}

/// The same as a decision of two people.
pub(super) fn duty(model: &Digest, line: &PointsLine) -> Duty {
    let set = line.set.as_ref();
    Duty {
        at: line.at.clone(),
        what: DECIDED.into(),
        subject: model.to_string(),
        number: Some(line.number),
        signers: set.map(|set| set.signers.clone()).unwrap_or_default(),
        why: set.map(|set| set.reason.clone()),
    }
}

//! What happened in the registry, and to the federation as a whole: the federation's own ledger of the journal is a list of these.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use super::copies::CopyNote;
use super::incident::SignedIncident;
use super::look::SignedLook;
use super::manifest::ModelManifest;
use super::notice::Notice;
use super::papers::SignedAttackReport;
use super::statement::SignedStatement;
use crate::digest::Digest;
use crate::roster::SignedRoster;

/// What happened in the registry, or to the federation as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryEvent {
    /// By which roster the signatures are judged from here on.
    RosterAdopted {
        /// The roster, whole, so that the ledger can be verified alone.
        roster: Box<SignedRoster>,
    },
    /// A run is over, and its model is a candidate.
    ModelRegistered {
        /// What the model is.
        manifest: Box<ModelManifest>,
    },
    /// Two people state what becomes of a model.
    StatementTaken {
        /// As they signed it.
        statement: Box<SignedStatement>,
    },
    /// A branch says what it has of a model.
    CopyNoted {
        /// As the branch signed it.
        note: CopyNote,
    },
    /// Somebody tells of an incident.
    IncidentTold {
        /// As they signed it.
        told: Box<SignedIncident>,
    },
    /// An inspector is shown something.
    Looked {
        /// As the inspector asked for it.
        look: Box<SignedLook>,
    },
    /// Something happened to the journal itself.
    Noticed {
        /// What.
        notice: Notice,
    },
    /// The card of a model was written.
    CardWritten {
        /// The model.
        model: Digest,
        /// SHA-256 of the card's file.
        card: Digest,
    },
    /// Somebody reports what attacks on a model came to.
    AttacksReported {
        /// As a model validator signed it.
        report: Box<SignedAttackReport>,
    },
    /// A model leaves as a file. What is known of it stands in its record.
    Exported {
        /// Which export of the federation it is, from 1.
        number: u64,
        /// The model.
        model: Digest,
        /// SHA-256 of the record.
        record: Digest,
    },
    /// Two people have set points of a scorecard otherwise.
    PointsSet {
        /// Of which model.
        model: Digest,
        /// Which change of this model's points it is, from 1.
        number: u64,
        /// SHA-256 of the file that they signed.
        change: Digest,
    },
}

//! What happened with a branch's lists and customers. The register is a list of these. No id of a customer is in it.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::message::signed_message;
use tributary_protocol::plan::Date;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use super::choose::Counts;
use super::pseudonym::Pseudonym;
use super::restart::{Restart, RestartWord};

/// A list as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltList {
    /// Its number, from 1.
    pub list: u32,
    /// The branch.
    pub branch: String,
    /// The campaign.
    pub campaign: String,
    /// Digest of the rules, and the number of their signature.
    pub rules: (Digest, u64),
    /// The owner who signed them.
    pub owner: VerifyingKey,
    /// Where the rules were.
    pub rules_path: String,
    /// Digest of the scores file, and where it was.
    pub scores: Digest,
    /// Where the scores file was.
    pub scores_path: String,
    /// When the scores were made, in Unix seconds.
    pub scores_made_at: u64,
    /// Digests of the manifests of the models that made the scores: one, or the champion and its challenger.
    pub models: Vec<Digest>,
    /// The label.
    pub label: String,
    /// What the confidential table was, under the branch's key, where there is one.
    pub confidential: Option<Pseudonym>,
    /// How many lines the tables had that the rules read.
    pub tables: TableLines,
    /// Rows of the scores file.
    pub rows: u64,
    /// Lines of the list.
    pub lines: u32,
    /// Who was left out, by rule.
    pub left_out: Counts,
    /// Digest of the list's own file, and of the file of its customers' pseudonyms.
    pub files: ListFiles,
    /// Unix seconds.
    pub made_at: u64,
    /// Last second of the list.
    pub valid_until: u64,
}

/// Digests of a list's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFiles {
    /// Of the lines.
    pub sheet: Digest,
    /// Of the pseudonyms.
    pub members: Digest,
}

/// How many lines tables had when a list was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLines {
    /// Of attributes.
    pub attributes: u64,
    /// Customers whom the table of attributes keeps out: they refuse contacts, or have not agreed.
    pub refusals: u64,
    /// Of contacts, where rules read such a table.
    pub contacts: Option<u64>,
    /// Of confidential suppressions, under the branch's key: the register says nothing of them.
    pub confidential: Option<[u8; 8]>,
}

impl BuiltList {
    /// What is approved: the whole list and its counts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/list/1")
            .u32(self.list)
            .bytes(self.branch.as_bytes())
            .bytes(self.campaign.as_bytes())
            .digest(&self.rules.0)
            .u64(self.rules.1)
            .bytes(self.owner.to_string().as_bytes())
            .digest(&self.scores)
            .bytes(self.label.as_bytes())
            .u64(self.rows)
            .u32(self.lines)
            .digest(&self.files.sheet)
            .digest(&self.files.members)
            .u64(self.made_at)
            .u64(self.valid_until)
            .u64(self.tables.attributes)
            .u64(self.tables.refusals)
            .bytes(self.tables.contacts.map(u64::to_be_bytes).as_ref().map_or(&[], <[u8; 8]>::as_slice))
            .bytes(self.tables.confidential.as_ref().map_or(&[], <[u8; 8]>::as_slice))
            .u32(u32::try_from(self.models.len()).unwrap_or(u32::MAX));
        let body = self.models.iter().fold(body, Canonical::digest);
        let body = body.u32(u32::try_from(self.left_out.len()).unwrap_or(u32::MAX));
        let counts = self.left_out.iter();
        counts.fold(body, |body, (rule, count)| body.bytes(rule.word().as_bytes()).u32(*count)).finish()
    }
}

/// An approval by the branch's risk control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The list.
    pub list: u32,
    /// What was approved: [`BuiltList::digest`].
    pub digest: Digest,
    /// Unix seconds.
    pub at: u64,
    /// By whom.
    pub key: VerifyingKey,
    /// Over [`Approval::message`].
    pub signature: Signature,
}

impl Approval {
    /// What is signed.
    #[must_use]
    pub fn message(digest: &Digest, at: u64) -> Vec<u8> {
        signed_message("LIST", &Canonical::new("tributary/list/approval/1").digest(digest).u64(at).finish())
    }
}

/// A delivery that is about to be made, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The list.
    pub list: u32,
    /// The batch: counted by the branch from 1, never used twice.
    pub batch: u32,
    /// The folder.
    pub folder: String,
    /// The file's name.
    pub name: String,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Unix seconds.
    pub at: u64,
}

/// A recall that is about to be made, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recall {
    /// Its number, counted by the branch from 1.
    pub recall: u32,
    /// The list.
    pub list: u32,
    /// Some of its lines, ascending; all of them where none is named.
    pub lines: Vec<u32>,
    /// Why, in words for the bank's system.
    pub reason: String,
    /// Unix seconds.
    pub at: u64,
}

/// A file of scores as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeScores {
    /// Where it was put, through no link.
    pub(crate) path: String,
    /// SHA-256 of it.
    pub(crate) digest: Digest,
    /// Unix seconds.
    pub(crate) made_at: u64,
}

/// What became of a line, as the bank's system says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The line.
    pub line: u32,
    /// On which day.
    pub day: Date,
    /// Whether the customer was reached.
    pub contacted: bool,
    /// By which channel.
    pub channel: String,
    /// With which result.
    pub result: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ContactEvent {
    /// The register begins, with what its key makes of nothing: another key is noticed.
    Begun {
        /// A tag of the key.
        key: Digest,
    },
    /// Customers were drawn into a hold-out, or not: durable before anything of the list is shown.
    HoldOutDrawn {
        /// The campaign; empty for all campaigns of the branch.
        group: String,
        /// Digest of the file that has the draw.
        draw: Digest,
        /// Last second of it.
        until: u64,
    },
    /// A list was made.
    ListBuilt(Box<BuiltList>),
    /// Risk control approved it.
    ListApproved(Box<Approval>),
    /// A batch has its number, and its file is about to be written.
    DeliveryBegun(Box<Delivery>),
    /// The file is there, and the word that it is whole.
    Delivered {
        /// The batch.
        batch: u32,
    },
    /// The bank's system has answered.
    Answered {
        /// The batch.
        batch: u32,
        /// Whether it took it.
        accepted: bool,
        /// Unix seconds.
        at: u64,
    },
    /// Lines are void, and a recall is about to be written.
    RecallBegun(Box<Recall>),
    /// The recall is there.
    Recalled {
        /// Its number.
        recall: u32,
    },
    /// What became of some lines of a batch.
    Outcomes {
        /// The batch.
        batch: u32,
        /// Of which lines.
        outcomes: Vec<Outcome>,
    },
    /// A customer is in no list from here on.
    Excluded {
        /// The customer.
        customer: Pseudonym,
    },
    /// A customer's line of a list is about to be erased from its files.
    LineErased {
        /// The list.
        list: u32,
        /// The line.
        line: u32,
        /// Digests of the files without it.
        files: ListFiles,
    },
    /// A scores file is about to be written anew, without the lines of a customer who is erased.
    ScoresErased {
        /// Digest of the file as it was.
        before: Digest,
        /// Digest of the file without these lines.
        after: Digest,
    },
    /// A customer was erased from everything that the register keeps.
    Erased {
        /// The customer.
        customer: Pseudonym,
    },
    /// A list's files are past their time, and about to be deleted.
    ListPurged {
        /// The list.
        list: u32,
        /// Unix seconds.
        at: u64,
    },
    /// A draw is past its time, and about to be deleted.
    DrawPurged {
        /// Its digest.
        draw: Digest,
        /// Unix seconds.
        at: u64,
    },
    /// The register was cut, and begins again with what is left, by the words of the owner and of risk control.
    Restarted(Box<(Restart, RestartWord, RestartWord)>),
    /// A certificate says what a purge has deleted.
    Certified {
        /// Its number.
        number: u32,
        /// What names it.
        digest: Digest,
    },
    /// The owner has signed newer rules of a campaign: older ones make no list from here on, and lists of older ones are not delivered.
    RulesNoted {
        /// The campaign.
        campaign: String,
        /// Digest of the rules, and the number of their signature.
        rules: (Digest, u64),
    },
    /// A model was withdrawn of whose scores lists were made, whatever the branch's ledger of models says later.
    ModelWithdrawn {
        /// Its manifest's digest.
        model: Digest,
    },
    /// `client score` is about to write into a folder for the first time: what a crash leaves there is looked for in it.
    ScoresBegun {
        /// The folder, through no link.
        folder: String,
    },
    /// A file of scores is about to get its name.
    ScoresMade(MadeScores),
    /// Other files are past their time, or of a customer who was erased, and about to be deleted.
    FilesPurged {
        /// Which kind.
        kind: String,
        /// How many.
        files: u32,
    },
}

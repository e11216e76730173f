//! What every export says of itself.

use tributary_protocol::digest::Digest;

/// What every export says of itself. The texts are of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its number in the register of exports.
    pub number: u64,
    /// The model.
    pub model: Digest,
    /// The schema.
    pub schema: Digest,
    /// What the model is for.
    pub purpose: String,
    /// Who may use the export.
    pub recipient: String,
    /// Its last day, such as 2027-01-31.
    pub valid_until: String,
}

impl Stamp {
    /// The same as names and values.
    pub(super) fn pairs(&self) -> [(&'static str, String); 6] {
        [
            ("tributary.export", self.number.to_string()),
            ("tributary.model", self.model.to_string()),
            ("tributary.schema", self.schema.to_string()),
            ("tributary.purpose", self.purpose.clone()),
            ("tributary.recipient", self.recipient.clone()),
            ("tributary.valid_until", self.valid_until.clone()),
        ]
    }
}

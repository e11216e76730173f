//! Why a model says nothing of a schema's rows.

/// Why a model says nothing of a schema's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScoreFault {
    /// The network takes other rows.
    #[error("the model takes rows of {expected} numbers, and this schema makes {found}: it belongs to another schema")]
    Inputs {
        /// The network's inputs.
        expected: usize,
        /// The schema's width.
        found: usize,
    },
    /// The network's heads are not the schema's labels.
    #[error("the model predicts other labels than this schema has: it belongs to another schema")]
    Heads,
    /// A table of a pair is not of two fields of the schema.
    #[error("the model's tables of pairs are not of this schema's fields: it belongs to another schema")]
    Pairs,
    /// A network without a layer, which no architecture has.
    #[error("the model has no layer")]
    Shape,
}

//! What a participant hears.

use crate::digest::Digest;
use crate::ids::{RoundId, RunId};
use crate::message::{Downstream, RefusalCode, Start};

/// Something happened outside.
pub enum ParticipantInput {
    /// The connection stands, and this branch wants to take part in the run.
    Connected,
    /// Everything goes on over another connection, at whose other end nobody has proved anything yet.
    Resumed,
    /// The connection is gone.
    Disconnected,
    /// A control message; a start comes as [`ParticipantInput::Started`].
    Message(Downstream),
    /// A round's start with the public state after it.
    Started {
        /// The message.
        start: Start,
        /// Digest of the public state as received, which the shell keeps; or why this branch's policy does not admit such a state.
        model: Result<Digest, RefusalCode>,
    },
    /// The shell judged the run's plan against data, schema and model code.
    RunJudged {
        /// The run.
        run: RunId,
        /// Whether it follows from what the branch has.
        verdict: Result<(), RefusalCode>,
    },
    /// The run that is being judged wants data of a day, and the branch's operator has not said that they are ready. Once they are,
    /// [`ParticipantInput::Connected`] asks again.
    NotReady,
    /// The masked vector of a round is ready.
    Masked {
        /// The round.
        round: RoundId,
        /// Digest of the vector's bytes.
        vector: Digest,
    },
    /// The round's noise is masked, by itself: what leaves in place of the vector where that is not ready in time.
    NoiseMasked {
        /// The round.
        round: RoundId,
        /// Digest of the vector's bytes.
        vector: Digest,
    },
    /// The owner has taken a grant back: [`super::Branch::withdraw`].
    Withdrawn,
    /// A deadline may have passed.
    Timer,
    /// The operator stops the daemon.
    Stop,
}

//! What ends a key set-up at a member.

use crate::ids::ClientId;
use crate::message::RefusalCode;

/// Why a set-up cannot go on.
pub(super) enum Trouble {
    /// The coordinator broke the protocol or asks for less than the policy: nothing of it is to be trusted any more.
    Refuse(RefusalCode),
    /// One member's keys or shares are bad: this set-up is over, another one may stand.
    Accuse(ClientId),
    /// One member's budget counter fell: this set-up is over, another one may stand.
    Fell(ClientId),
}

impl From<RefusalCode> for Trouble {
    fn from(code: RefusalCode) -> Self {
        Self::Refuse(code)
    }
}

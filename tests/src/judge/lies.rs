//! What a machine may make of a lie in one field: nothing but the refusal that it earns.

use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, RejectCode, Upstream};
use tributary_protocol::round::{CoordinatorEffect, CoordinatorEvent, ParticipantEffect, ParticipantEvent};

use super::Judge;
use crate::enemy::{Earned, FieldLie};

impl Judge {
    /// A client's machine answers to a lie. Whether it refused it with its reason, or with another one; nothing where it passed it over, as
    /// what comes out of turn is.
    pub(crate) fn lies_to_branch<'a>(
        &mut self,
        index: usize,
        lie: &FieldLie<Earned>,
        effects: impl Iterator<Item = &'a ParticipantEffect>,
    ) -> Option<bool> {
        use ParticipantEffect as Effect;
        let mut answer = None;
        for effect in effects {
            match effect {
                Effect::Send(Upstream::Refuse { code, .. } | Upstream::Abandon { code, .. }) => {
                    answer = Some(lie.earns == Earned::Refusal(*code));
                }
                Effect::Distrust { .. } => answer = Some(lie.earns == Earned::Distrust),
                // A roster that the authorities signed, and a head that this branch did, count whatever else was wrong.
                Effect::Append(
                    ParticipantEvent::Refused { .. }
                    | ParticipantEvent::RosterAccepted { .. }
                    | ParticipantEvent::HeadAdopted { .. }
                    | ParticipantEvent::RunEnded { .. },
                )
                | Effect::Sync
                | Effect::ForgetVector(_)
                | Effect::RosterAccepted { .. }
                | Effect::HeadAdopted { .. }
                | Effect::Stop { .. } => {}
                _ => self.object("a lie in one field is acted on", format!("client {}: {}", index + 1, lie.what)),
            }
        }
        answer
    }

    /// The coordinator's machine answers to a client's lie. Whether it cut the client off.
    pub(crate) fn lies_to_centre<'a>(
        &mut self,
        liar: ClientId,
        lie: &FieldLie<()>,
        effects: impl Iterator<Item = &'a CoordinatorEffect>,
    ) -> bool {
        use CoordinatorEffect as Effect;
        let mut cut_off = false;
        for effect in effects {
            let taken = match effect {
                Effect::Send(to, Downstream::Rejected { code, .. }) if *to == liar => {
                    use RejectCode::{Evicted, Misbehaved, SchemaDiffers, VersionDiffers};
                    cut_off |= matches!(code, Misbehaved | Evicted | SchemaDiffers | VersionDiffers);
                    false
                }
                // Whoever asks after the end hears of it, whatever it says of itself.
                Effect::Send(_, Downstream::Finished { .. }) => false,
                Effect::Send(to, _) => *to == liar,
                Effect::Admit(ticket) => ticket.client() == liar,
                Effect::Fold { client, .. } => *client == liar,
                Effect::Append(CoordinatorEvent::BudgetShown { head }) => head.client == liar,
                Effect::Append(CoordinatorEvent::BudgetBegun { client, .. }) => *client == liar,
                Effect::Append(CoordinatorEvent::SessionKeyed { .. } | CoordinatorEvent::QuorumReached { .. }) => true,
                _ => false,
            };
            if taken {
                self.object("a lie in one field is acted on", format!("of client {liar}: {}", lie.what));
            }
        }
        cut_off
    }
}

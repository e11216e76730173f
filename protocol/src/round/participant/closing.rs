//! Closing: what a round or a session leaves when the coordinator says that it is over.

use super::Turn;
use crate::ids::SessionId;
use crate::message::{ClosedReason, RoundOutcome};
use crate::plan::{Run, RunRef};
use crate::round::effect::{Outbox, ParticipantEffect};
use crate::round::event::ParticipantEvent;
use crate::secagg::suite::Suite;

impl<S: Suite> Turn<'_, S> {
    pub(super) fn on_outcome(&mut self, outcome: &RoundOutcome, outbox: &mut Outbox<ParticipantEffect>) {
        let (round, model) = match outcome {
            RoundOutcome::Committed { round, model, .. } => (*round, Some(*model)),
            RoundOutcome::Aborted { round, .. } => (*round, None),
        };
        if self.open().is_some_and(|open| open.round == round) {
            self.forget_round(outbox);
        }
        // Of the rounds that were charged, and of each once: nobody else can make the file longer by what it says.
        let run = self.own.run().map(Run::reference);
        let news =
            |run: &RunRef| round.0 <= self.branch.record.last_round(run) && self.branch.record.may_close(run, round);
        let is_news = run.filter(news);
        if let Some(run) = is_news {
            self.commit(ParticipantEvent::RoundClosed { run, round, model }, outbox);
        }
        // People hear of each once, and of no more than the plan can have: a coordinator that counts on for ever fills no screen.
        let (last, told) = self.own.told;
        let may_be = |run: &Run| round > last && told < run.rounds_charged_max();
        if is_news.is_some() || self.own.run().is_some_and(may_be) {
            self.own.told = (last.max(round), told.saturating_add(1));
            outbox.push(ParticipantEffect::RoundClosed { round, committed: model.is_some() });
        }
    }

    pub(super) fn on_session_closed(
        &mut self,
        session: SessionId,
        _reason: ClosedReason,
        outbox: &mut Outbox<ParticipantEffect>,
    ) {
        if self.open().is_some_and(|open| open.session == session) {
            self.forget_round(outbox);
        }
        self.own.keying = self.own.keying.take().filter(|keying| keying.session() != session);
        self.own.sessions.retain(|held| held.id() != session);
    }
}

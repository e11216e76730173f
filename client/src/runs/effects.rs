//! What the machine of a run asks for, carried out in order.

use std::time::Instant;

use tributary_daemon::usage::process_cpu;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{MaskedHeader, RefusalCode, Upstream};
use tributary_protocol::plan::{GrantFault, PrivacyMode, Run};
use tributary_protocol::round::{BudgetRecord, ParticipantEffect};
use tributary_protocol::time::Millis;

use super::at_branch::{End, RunAtBranch, Waits};
use super::muster::Board;
use super::outside::Outside;
use crate::error::ClientError;
use crate::ready::{Step, Watch};
use crate::telemetry::Report;
use crate::worker::Job;

/// After so long a branch that the coordinator has refused for now asks again, in milliseconds.
const NOT_NOW_MS: u64 = 60_000;

/// One run, while its machine's effects are carried out.
pub(super) struct Carrier<'a, O> {
    pub(super) now: Millis,
    pub(super) run: RunId,
    pub(super) own: &'a mut RunAtBranch,
    /// Of the budget that all runs share.
    pub(super) record: &'a BudgetRecord,
    pub(super) board: &'a mut Board,
    /// Which runs wait for the operator's word.
    pub(super) watch: &'a mut Watch,
    pub(super) out: &'a mut O,
}

impl<O: Outside> Carrier<'_, O> {
    pub(super) fn carry_out(&mut self, effect: ParticipantEffect) -> Result<(), ClientError> {
        match effect {
            ParticipantEffect::Append(event) => self.out.append(self.now, event)?,
            ParticipantEffect::Sync => self.out.sync()?,
            ParticipantEffect::Send(message) => self.send(message),
            ParticipantEffect::JudgeRun(run) => self.judge(run),
            ParticipantEffect::Contribute(contribution) => {
                self.own.cpu_before.get_or_insert_with(|| process_cpu().unwrap_or_default());
                self.own.in_round = true;
                self.board.filled(self.run);
                let model = self.own.model.take().expect("a start brings its public state");
                let wanted = self.own.vectors.begin(contribution.descriptor.round);
                let contribution = Box::new(contribution);
                self.out.ask(Job::Contribute { run: self.run, contribution, model, wanted });
            }
            ParticipantEffect::Upload(header) => self.upload(header),
            // One round of a run is open at most, and the effect comes before the next one's beginning.
            ParticipantEffect::ForgetVector(_) => {
                self.own.vectors.forget();
                self.own.in_round = false;
            }
            ParticipantEffect::Keyed { honest_min } => {
                self.own.honest_min = honest_min;
                self.board.filled(self.run);
                self.draw_ahead();
            }
            ParticipantEffect::NoiseAlone(round) => {
                self.own.vectors.noise_alone();
                self.out.tell(Report::late(self.own.name.clone(), round));
            }
            ParticipantEffect::HeadAdopted { own, shown } => self.out.tell(Report::HeadAdopted { file: own, shown }),
            ParticipantEffect::BudgetAnnounced { counter } => self.out.tell(Report::BudgetBegun { counter }),
            ParticipantEffect::RosterAccepted { epoch, missing, changes } => {
                self.out.tell(Report::roster(epoch, missing, changes));
            }
            ParticipantEffect::Muster(muster) => {
                if self.board.lacking(self.run, &muster, Instant::now()) {
                    let of = self.own.name.clone();
                    self.out.tell(Report::muster(of, &muster, self.own.participant.roster()));
                }
            }
            // Of whichever round the coordinator speaks: of the one that is open the machine has let go before.
            ParticipantEffect::RoundClosed { round, committed } => {
                self.out.tell(Report::Round { of: self.own.name.clone(), round: round.0, committed });
            }
            ParticipantEffect::Finished { rounds } => self.own.end = Some(End::Finished { rounds }),
            ParticipantEffect::Distrust { what } => {
                tracing::error!(
                    what,
                    "whoever answered at the coordinator's address did not prove to be the coordinator"
                );
                self.out.abandon(&what);
                self.out.tell(Report::Distrusted { reason: what });
            }
            ParticipantEffect::Stop { explanation, retry } => self.stopped(explanation.into(), retry),
        }
        Ok(())
    }

    /// A run whose data are not ready is not judged: neither is the plan looked at further, nor a row.
    fn judge(&mut self, run: Box<Run>) {
        if let Step::Wait { told, read } = self.watch.asked(&run, self.own.begun.0 / 1000) {
            self.own.waits = Some(Waits { told, read });
            return;
        }
        self.own.offered.judge(&run);
        self.own.state_bytes_judged = run.plan().model_bytes_max();
        self.out.ask(Job::Judge(run));
    }

    fn send(&mut self, message: Upstream) {
        match &message {
            Upstream::Join(_) => self.own.asked = Some(self.now),
            Upstream::Accept { .. } => {
                if let Some((plan, _)) = self.own.shown.as_deref() {
                    self.out.owner_answered(&plan.digest());
                }
                self.out.tell(Report::Accepted { of: self.own.name.clone() });
            }
            Upstream::Refuse { code, .. } => {
                self.own.refuses = true;
                if let RefusalCode::NotGranted(fault) = code {
                    self.await_grant(*fault);
                }
                if self.own.explanation.is_none() {
                    self.own.explanation = self.own.offered.words(*code, (self.record, self.now));
                }
            }
            _ => {}
        }
        self.out.send(self.run, message);
    }

    /// The machine has judged the plan's signatures before it asked for a grant.
    fn await_grant(&mut self, fault: GrantFault) {
        let shown = self.own.shown.as_deref();
        let until = shown.map(|(plan, _)| plan.schedule.not_after);
        if let Some((plan, approvals)) = shown.filter(|_| fault != GrantFault::Withdrawn) {
            self.out.owner_asked(plan, approvals);
        }
        self.out.tell(Report::grant_awaited(self.own.name.clone(), fault, until));
    }

    fn upload(&mut self, header: MaskedHeader) {
        let update = self.own.vectors.take(header.round);
        let update = update.expect("the machine uploads what it was told is masked");
        let noised = self.own.shown.as_deref().is_some_and(|(plan, _)| plan.privacy != PrivacyMode::None);
        self.out.send_masked(self.run, header, (update.into_bytes(), noised));
        self.draw_ahead();
    }

    fn draw_ahead(&mut self) {
        let (run, honest_min) = (self.run, self.own.honest_min);
        self.out.ask(Job::DrawAhead { run, honest_min, charged: self.own.offered.charged(self.record) });
    }

    fn stopped(&mut self, reason: String, retry: bool) {
        if retry {
            // Nothing else on the link is disturbed by it.
            self.own.again = Some(self.now.plus(NOT_NOW_MS));
            return self.out.tell(Report::Refused { of: self.own.name.clone(), reason });
        }
        let explanation = self.own.explanation.take().filter(|_| self.own.refuses);
        let reason = match explanation {
            Some(explanation) => format!("{reason}: {explanation}"),
            None => reason,
        };
        let refused = self.own.refuses;
        self.own.end = Some(if refused { End::Refused { reason } } else { End::Dismissed { reason } });
    }
}

//! Which events of a coordinator people who are elsewhere are told of, and what ends with time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tributary_certs::inspect::validity_of;
use tributary_certs::renewal::Expiry;
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_certs::tls::read_certificates;
use tributary_daemon::notices::{FAREWELL_TIME, Look, Notice, Notices, Over, RunName, plan_in_short};
use tributary_protocol::role::Action;
use tributary_protocol::roster::Roster;

use crate::report::{Event, RefusedFor, Told};
use crate::settings::{IdentityFiles, Settings};

/// Entries and roles that end within so many seconds are told: 30 days.
const SOON_SECONDS: u64 = 30 * 86_400;

/// Between a coordinator's events and its notices.
pub(crate) struct Noticing {
    notices: Notices,
    /// Plans that an order stops, of which people are told already.
    stopped: BTreeSet<String>,
}

impl Noticing {
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(settings: &Settings, unix_seconds: fn() -> u64) -> std::io::Result<Self> {
        let endings = Endings::of(&settings.identity);
        let look: Look = Arc::new(move |now| endings.soon(now));
        let notices = Notices::start(&settings.notices, &settings.state_dir, unix_seconds, &look)?;
        Ok(Self { notices, stopped: BTreeSet::new() })
    }

    /// The daemon ended, well or with an error: what waits is told.
    pub(crate) fn finish(&self, failed: bool) {
        if failed {
            self.notices.tell(&Notice::DaemonFailed);
        }
        self.notices.finish(FAREWELL_TIME);
    }

    /// Something happened.
    pub(crate) fn hear(&mut self, told: &Told) {
        if let Some(over) = over(told) {
            self.notices.over(&over);
        }
        if let Some(notice) = self.notice(told) {
            self.notices.tell(&notice);
        }
    }

    fn notice(&mut self, told: &Told) -> Option<Notice> {
        let plan = plan_of(told);
        let run = || RunName { plan: plan.clone(), number: told.run.as_ref().map(|run| run.run) };
        Some(match &told.event {
            Event::Waiting { reason } => {
                let plan = plan.filter(|plan| !self.stopped.contains(plan))?;
                Notice::PlanHeldBack { plan, reason: reason.clone() }
            }
            Event::Refused { client, cause, .. } => {
                let branch = Some(client.name.clone().unwrap_or_else(|| client.to_string()));
                match cause {
                    RefusedFor::GrantMissing => Notice::grant_awaited((branch, plan), None, 0),
                    RefusedFor::GrantWithdrawn => Notice::GrantWithdrawn { branch, plan },
                    RefusedFor::Other => return None,
                }
            }
            // Told once: the second of the two says the same.
            Event::Ordered { action, staff, role, .. } if action == Action::AbortPlan.name() => {
                self.stopped.extend(plan.clone());
                Notice::PlanAborted { plan, staff: staff.clone(), role: role.clone() }
            }
            Event::PlanAborted { by, role, .. } => {
                Notice::PlanAborted { plan, staff: by.clone(), role: (*role).to_owned() }
            }
            Event::Ordered { action, staff, role, stops } => {
                let (action, staff, role) = (action.clone(), staff.clone(), role.clone());
                if *stops {
                    self.stopped.extend(plan);
                    Notice::Frozen { action, staff, role }
                } else {
                    plan.map(|plan| self.stopped.remove(&plan));
                    Notice::Thawed { action, staff, role }
                }
            }
            Event::Finished(finished) if finished.complete => {
                Notice::RunFinished { run: run(), epsilon: finished.epsilon }
            }
            Event::Finished(_) => Notice::RunFailed { run: run() },
            Event::SinkFailed { target, .. } => Notice::SinkFailed { target: target.clone() },
            Event::LogDisputed { client, .. } => {
                Notice::LogDisputed { branch: Some(client.name.clone().unwrap_or_else(|| client.to_string())) }
            }
            _ => return None,
        })
    }
}

fn plan_of(told: &Told) -> Option<String> {
    told.run.as_ref().map(|run| plan_in_short(&run.plan))
}

fn over(told: &Told) -> Option<Over> {
    match &told.event {
        Event::Listening { .. } => Some(Over::DaemonFailed),
        Event::Session { .. } | Event::Round { .. } | Event::Counted { .. } => {
            Some(Over::HeldBack { plan: plan_of(told)? })
        }
        Event::CertificateRenewed { .. } => Some(Over::CertificateExpires),
        Event::SinkRestored { .. } => Some(Over::SinkFailed),
        _ => None,
    }
}

/// Files whose contents end with time.
struct Endings {
    certificate: PathBuf,
    roster: PathBuf,
    authorities: PathBuf,
}

impl Endings {
    fn of(files: &IdentityFiles) -> Self {
        Self {
            certificate: files.tls.chain.clone(),
            roster: files.roster.clone(),
            authorities: files.authorities.clone(),
        }
    }

    /// What ends soon. A file that cannot be read is the daemon's affair, which says so.
    fn soon(&self, now: u64) -> Vec<Notice> {
        let chain = read_certificates(&self.certificate).ok();
        let validity = chain.and_then(|chain| validity_of(chain.first()?).ok());
        let certificate = validity.and_then(|validity| match Expiry::of(validity, now) {
            Expiry::Fine | Expiry::Due => None,
            level => {
                Some(Notice::CertificateExpires { not_after: validity.not_after, urgent: level > Expiry::Warning })
            }
        });
        let roster = RosterAuthorities::read(&self.authorities).ok();
        let roster = roster.and_then(|authorities| read_roster(&self.roster, &authorities).ok());
        certificate.into_iter().chain(roster.iter().flat_map(|roster| endings_of(&roster.roster, now))).collect()
    }
}

/// Entries and roles of a roster that end soon, or ended not long ago.
fn endings_of(roster: &Roster, now: u64) -> Vec<Notice> {
    let soon = |end: u64| end.saturating_sub(SOON_SECONDS) <= now && now <= end.saturating_add(SOON_SECONDS);
    let entries = roster.entries().iter().filter(|entry| soon(entry.not_after));
    let entries =
        entries.map(|entry| Notice::RosterEntryEnds { branch: entry.name.to_string(), not_after: entry.not_after });
    let roles = roster.people().iter().flat_map(|person| {
        let ending = person.holdings.iter().filter(|holding| soon(holding.until));
        ending.map(|holding| Notice::RoleExpires {
            staff: person.staff.to_string(),
            role: holding.role.to_string(),
            until: holding.until,
        })
    });
    entries.chain(roles).collect()
}

#[cfg(test)]
mod tests {
    use tributary_certs::entropy::OsEntropy;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::ClientId;
    use tributary_protocol::role::Role;
    use tributary_protocol::roster::{MemberName, RosterEntry};

    use super::*;
    use crate::report::tests::finished;
    use crate::report::{Finished, RunName as RunOfPlan, Whom};

    fn noticing() -> Noticing {
        Noticing { notices: Notices::default(), stopped: BTreeSet::new() }
    }

    fn told(event: Event) -> Told {
        let plan = Digest([0xab; 32]).to_string();
        Told { event, run: Some(RunOfPlan { plan, plan_name: "churn".into(), run: 2 }) }
    }

    fn refused(cause: RefusedFor) -> Told {
        let client = Whom { client: 3, name: Some("north-bank/branch-03".into()) };
        told(Event::Refused { client, reason: "x".into(), cause })
    }

    #[test]
    fn people_are_told_of_what_waits_for_them() {
        let mut noticing = noticing();
        let waiting = told(Event::Waiting { reason: "the plan is paused".into() });
        let held = Notice::PlanHeldBack { plan: "abababab".into(), reason: "the plan is paused".into() };
        assert_eq!(noticing.notice(&waiting), Some(held));
        let (branch, plan) = (Some("north-bank/branch-03".to_owned()), Some("abababab".to_owned()));
        let awaited = Notice::grant_awaited((branch.clone(), plan.clone()), None, 0);
        assert_eq!(noticing.notice(&refused(RefusedFor::GrantMissing)), Some(awaited));
        let withdrawn = Notice::GrantWithdrawn { branch, plan };
        assert_eq!(noticing.notice(&refused(RefusedFor::GrantWithdrawn)), Some(withdrawn));
        assert_eq!(noticing.notice(&refused(RefusedFor::Other)), None);
        let session = Event::Session { session: "s".into(), cohort: 8, survivors_min: 6, quorum: 6, honest_min: 5 };
        assert_eq!(over(&told(session.clone())), Some(Over::HeldBack { plan: "abababab".into() }));
        assert_eq!(noticing.notice(&told(session)), None);
        let listening = Event::Listening { address: ([127, 0, 0, 1], 1).into(), enrolled: 8 };
        assert_eq!(over(&listening.into()), Some(Over::DaemonFailed));
    }

    #[test]
    fn an_order_is_told_and_not_once_more_as_a_wait() {
        let mut noticing = noticing();
        let ordered = |action: &str, stops| {
            let (staff, role) = ("north-bank/e1".into(), "privacy-officer".into());
            told(Event::Ordered { action: action.into(), staff, role, stops })
        };
        let waiting = told(Event::Waiting { reason: "north-bank/e1 has ordered freeze".into() });
        assert!(matches!(noticing.notice(&ordered("freeze", true)), Some(Notice::Frozen { .. })));
        assert_eq!(noticing.notice(&waiting), None);
        assert!(matches!(noticing.notice(&ordered("thaw", false)), Some(Notice::Thawed { .. })));
        assert!(noticing.notice(&waiting).is_some());
    }

    /// Nobody lets an aborted plan go on, so nobody is asked to.
    #[test]
    fn a_plan_that_is_aborted_is_told_once_as_ended() {
        let mut noticing = noticing();
        let (staff, role) = ("north-bank/e2", Role::PrivacyOfficer);
        let action = Action::AbortPlan.to_string();
        let ordered = Event::Ordered { action, staff: staff.into(), role: role.to_string(), stops: true };
        let ended = Event::PlanAborted { by: staff.into(), role: role.name(), rounds: 3, charged: 4 };
        let notice =
            Notice::PlanAborted { plan: Some("abababab".into()), staff: staff.into(), role: role.name().into() };
        for event in [ordered, ended] {
            assert_eq!(noticing.notice(&told(event)), Some(notice.clone()));
        }
        assert_eq!(noticing.notice(&told(Event::Waiting { reason: "the plan is aborted".into() })), None);
    }

    #[test]
    fn nothing_of_a_round_leaves() {
        let mut noticing = noticing();
        let round = Event::Round {
            round: 7,
            committed: 6,
            survivors: 9,
            loss: Some(0.5),
            epsilon: Some(0.5),
            milliseconds: 12.5,
        };
        let far = Event::CustomersFar { nominal: 1_000, counted: 3_000.4, noise_stddev: 20.0, factor: Some(3.0) };
        for event in [round, far] {
            assert_eq!(noticing.notice(&told(event.clone())), None, "{event:?}");
        }
    }

    /// What each event is told as, and what it ends; every other one is told to nobody.
    #[test]
    fn each_event_has_its_notice_and_what_it_ends() {
        let (client, unnamed) = (Whom { client: 3, name: Some("bank/b3".into()) }, Whom { client: 4, name: None });
        let finished = |complete| {
            let (epsilon, epsilon_customer) = (Some(0.5), Some(0.25));
            Event::Finished(Box::new(Finished { complete, epsilon, epsilon_customer, ..finished() }))
        };
        let refused = |client: &Whom| Event::Refused {
            client: client.clone(),
            reason: "x".into(),
            cause: RefusedFor::GrantWithdrawn,
        };
        let disputed = |client: &Whom| Event::LogDisputed { client: client.clone(), entries: 7 };
        let withdrawn = |branch: &str| Notice::GrantWithdrawn { branch: Some(branch.into()), plan: plan() };
        let of_log = |branch: &str| Notice::LogDisputed { branch: Some(branch.into()) };
        let failed = Event::SinkFailed { target: "file a".into(), reason: "full".into(), lag_entries: 9 };
        let restored = Event::SinkRestored { target: "file a".into(), entries: 9 };
        let run = RunName { plan: plan(), number: Some(2) };
        let held = Over::HeldBack { plan: "abababab".into() };
        let counted = Event::Counted { round: 1, stage: 1, kind: "count".into(), survivors: 8, epsilon: None };
        let rows = [
            (finished(true), Some(Notice::RunFinished { run: run.clone(), epsilon: Some(0.5) }), None),
            (finished(false), Some(Notice::RunFailed { run }), None),
            (refused(&client), Some(withdrawn("bank/b3")), None),
            (refused(&unnamed), Some(withdrawn("client 4")), None),
            (disputed(&client), Some(of_log("bank/b3")), None),
            (disputed(&unnamed), Some(of_log("client 4")), None),
            (failed, Some(Notice::SinkFailed { target: "file a".into() }), None),
            (restored, None, Some(Over::SinkFailed)),
            (Event::CertificateRenewed { not_after: 5 }, None, Some(Over::CertificateExpires)),
            (counted, None, Some(held)),
            (Event::Joined { client }, None, None),
            (Event::Stopped { rounds: 3 }, None, None),
        ];
        for (event, notice, ends) in rows {
            assert_eq!(
                (noticing().notice(&told(event.clone())), over(&told(event.clone()))),
                (notice, ends),
                "{event}"
            );
        }
        // Of no run there is no plan that goes on.
        let round = Event::Round { round: 1, committed: 1, survivors: 8, loss: None, epsilon: None, milliseconds: 1.0 };
        assert_eq!(over(&round.into()), None);
    }

    fn plan() -> Option<String> {
        Some("abababab".to_owned())
    }

    /// An order about one plan says nothing of another one's wait.
    #[test]
    fn a_plan_that_is_stopped_holds_no_other_ones_word_back() {
        let mut noticing = noticing();
        let other = |event| {
            let plan = Digest([0xcd; 32]).to_string();
            Told { event, run: Some(RunOfPlan { plan, plan_name: "deposit".into(), run: 1 }) }
        };
        let pause = Event::Ordered { action: "pause".into(), staff: "a".into(), role: "b".into(), stops: true };
        let frozen = Notice::Frozen { action: "pause".into(), staff: "a".into(), role: "b".into() };
        assert_eq!(noticing.notice(&told(pause)), Some(frozen));
        let waiting = || Event::Waiting { reason: "more".into() };
        assert_eq!(noticing.notice(&told(waiting())), None);
        let held = Notice::PlanHeldBack { plan: "cdcdcdcd".into(), reason: "more".into() };
        assert_eq!(noticing.notice(&other(waiting())), Some(held));
        let resume = Event::Ordered { action: "resume".into(), staff: "a".into(), role: "b".into(), stops: false };
        assert!(matches!(noticing.notice(&other(resume)), Some(Notice::Thawed { .. })));
        assert_eq!(noticing.notice(&told(waiting())), None, "the other plan was resumed");
        // Of no plan nobody waits.
        assert_eq!(noticing.notice(&waiting().into()), None);
    }

    /// The certificate by its level, and the roster's ends; what cannot be read is not told of here.
    #[test]
    fn what_ends_is_read_from_the_files() {
        let federation = crate::enrolled::Federation::new(2);
        let config = federation.settings(|text| text);
        let files = || Settings::load(&config).unwrap().identity;
        let chain = read_certificates(&files().tls.chain).unwrap();
        let (validity, life) = (validity_of(&chain[0]).unwrap(), |validity: &tributary_certs::issue::Validity| {
            validity.not_after - validity.not_before
        });
        let quarter = validity.not_after - life(&validity) / 4;
        let told = |now: u64| -> Vec<(u64, bool)> {
            let found = Endings::of(&files()).soon(now);
            let certificate = found.into_iter().filter_map(|notice| match notice {
                Notice::CertificateExpires { not_after, urgent } => Some((not_after, urgent)),
                _ => None,
            });
            certificate.collect()
        };
        assert_eq!(told(quarter - 1), []);
        assert_eq!(told(quarter + 1), [(validity.not_after, false)]);
        let tenth = validity.not_after - life(&validity) / 10;
        assert_eq!(told(tenth + 1), [(validity.not_after, true)]);
        assert_eq!(told(validity.not_after + 1), [(validity.not_after, true)]);
        let entry = federation.members[0].entry.not_after;
        let ends = |now: u64| Endings::of(&files()).soon(now).len();
        let (first, last) = (entry - SOON_SECONDS, entry + SOON_SECONDS);
        // Both entries end in the same second, long after the certificate.
        let roles = |now: u64| {
            Endings::of(&files()).soon(now).iter().filter(|one| matches!(one, Notice::RosterEntryEnds { .. })).count()
        };
        assert_eq!([first - 1, first, last, last + 1].map(roles), [0, 2, 2, 0]);
        std::fs::write(files().roster, "nothing").unwrap();
        std::fs::write(files().tls.chain, "nothing").unwrap();
        assert_eq!(ends(entry), 0);
    }

    /// Each end counts up to its thirtieth day, on both sides.
    #[test]
    fn entries_and_roles_are_told_of_from_thirty_days_before_until_thirty_days_after() {
        use tributary_protocol::roster::{Holding, Person, Scope, StaffNumber};
        const END: u64 = 1_900_000_000;
        let person = Person {
            staff: StaffNumber::parse("north-bank/e1").unwrap(),
            signing_key: SigningKey::generate(&mut OsEntropy).verifying_key(),
            holdings: vec![Holding {
                role: Role::PlanOwner,
                deputy_of: None,
                scope: Scope::Federation,
                from: END - 1_000,
                until: END,
            }],
        };
        let roster = Roster::new(1, Digest::ZERO, vec![], vec![], vec![person]).unwrap();
        let expected =
            Notice::RoleExpires { staff: "north-bank/e1".into(), role: Role::PlanOwner.to_string(), until: END };
        let (first, last) = (END - SOON_SECONDS, END + SOON_SECONDS);
        for (now, told) in [(first - 1, false), (first, true), (last, true), (last + 1, false)] {
            assert_eq!(endings_of(&roster, now), if told { vec![expected.clone()] } else { vec![] }, "{now}");
        }
    }

    #[test]
    fn entries_that_end_soon_are_told() {
        const NOW: u64 = 1_900_000_000;
        let entry = |number: u32, not_after| RosterEntry {
            client: ClientId(number),
            name: MemberName::parse(&format!("north-bank/branch-{number}")).unwrap(),
            organisation: tributary_protocol::ids::OrganisationId(1),
            signing_key: SigningKey::generate(&mut OsEntropy).verifying_key(),
            tls_spki_sha256: Digest([u8::try_from(number).unwrap(); 32]),
            not_after,
        };
        let ends = [NOW + 31 * 86_400, NOW + 29 * 86_400, NOW - 86_400, NOW - 31 * 86_400];
        let entries = (1..).zip(ends).map(|(number, end)| entry(number, end)).collect();
        let told = endings_of(&Roster::new(1, Digest::ZERO, entries, Vec::new(), Vec::new()).unwrap(), NOW);
        let branch = |number: u32, not_after| Notice::RosterEntryEnds {
            branch: format!("north-bank/branch-{number}"),
            not_after,
        };
        assert_eq!(told, [branch(2, ends[1]), branch(3, ends[2])]);
    }
}

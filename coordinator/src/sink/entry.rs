//! One entry of the journal as a line of syslog (RFC 5424): what it is, where it stands, its leaf, and whom it is of. No more than that, and nothing that
//! `audit.log` does not hold.

use std::fmt::Write as _;

use tributary_daemon::syslog::{parameter, timestamp};
use tributary_protocol::codec;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{LedgerId, LogEntry};
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{Notice, RegistryEvent};
use tributary_protocol::round::{CoordinatorEvent, Recorded};

/// Facility 13, log audit; severity 6, informational.
const PRIORITY: u8 = 13 * 8 + 6;

/// So many of whom an entry is are named; of the others there is the number.
const NAMED_MAX: usize = 20;

/// An entry, ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its place in the journal.
    pub(super) position: u64,
    /// When it was recorded, in Unix milliseconds.
    pub(super) at: u64,
    /// Without a line end.
    pub(super) text: String,
}

/// Lines in one text.
pub(super) fn whole(lines: &[Line], form: impl Fn(&str) -> String) -> String {
    lines.iter().map(|line| form(&line.text)).collect()
}

/// What an entry says: its time, its name, and whom it is of.
type Said = (u64, &'static str, Vec<String>);

/// An entry as a line. `enterprise` is the number that makes the names of its data this bank's own.
pub(super) fn line(entry: &LogEntry<'_>, enterprise: u32) -> Line {
    let said = match entry.ledger {
        LedgerId::ADMINISTRATION => decode::<RegistryEvent>(entry.event).map(of_registry),
        _ => decode::<CoordinatorEvent>(entry.event).map(of_run),
    };
    // Of a later release's.
    let (at, kind, who) = said.unwrap_or((0, "unknown", Vec::new()));
    let mut data = format!("[tributary@{enterprise}");
    let facts = [
        ("kind", kind.to_owned()),
        ("ledger", entry.ledger.to_string()),
        ("sequence", entry.sequence.to_string()),
        ("entry", entry.position.to_string()),
        ("leaf", entry.leaf.to_string()),
    ];
    facts.iter().for_each(|(name, value)| data.push_str(&parameter(name, value)));
    who.iter().take(NAMED_MAX).for_each(|who| data.push_str(&parameter("who", who)));
    if let more @ 1.. = who.len().saturating_sub(NAMED_MAX) {
        data.push_str(&parameter("more", &more.to_string()));
    }
    let mut text = String::with_capacity(data.len() + 80);
    // The same entry is the same line, whenever it is sent.
    write!(text, "<{PRIORITY}>1 {} - tributary - {kind} {data}]", timestamp(at)).expect("a string takes everything");
    Line { position: entry.position, at, text }
}

fn decode<E: serde::de::DeserializeOwned>(event: &[u8]) -> Option<Recorded<E>> {
    codec::decode(event, LEDGER_ENTRY_BYTES_MAX).ok()
}

fn coordinator() -> Vec<String> {
    vec!["coordinator".to_owned()]
}

fn client(client: ClientId) -> Vec<String> {
    vec![format!("client {client}")]
}

fn person(signed: &Attestation) -> String {
    format!("{} ({})", signed.staff, signed.role)
}

/// Whom an entry of a run is of: who has signed it or is meant by it, and the coordinator where it is its own decision.
fn of_run(Recorded { at, event }: Recorded<CoordinatorEvent>) -> Said {
    let (kind, who) = match event {
        CoordinatorEvent::RunOpened { approvals, .. } => {
            ("run_opened", vec![person(&approvals.proposal), person(&approvals.approval)])
        }
        CoordinatorEvent::OrdersCarried { .. } => ("orders_carried", coordinator()),
        CoordinatorEvent::ApprovalsShown { approvals } => {
            ("approvals_shown", vec![person(&approvals.proposal), person(&approvals.approval)])
        }
        CoordinatorEvent::RosterAdopted { .. } => ("roster_adopted", coordinator()),
        CoordinatorEvent::SessionOpened { .. } => ("session_opened", coordinator()),
        CoordinatorEvent::SessionKeyed { .. } => ("session_keyed", coordinator()),
        CoordinatorEvent::SessionClosed { .. } => ("session_closed", coordinator()),
        CoordinatorEvent::RoundStarted { .. } => ("round_started", coordinator()),
        CoordinatorEvent::UpdateAdmitted { client: of, .. } => ("update_admitted", client(of)),
        CoordinatorEvent::SurvivorsFrozen { .. } => ("survivors_frozen", coordinator()),
        CoordinatorEvent::QuorumReached { signatures, .. } => {
            ("quorum_reached", signatures.iter().map(|(signer, _)| format!("client {signer}")).collect())
        }
        CoordinatorEvent::RoundCommitted { .. } => ("round_committed", coordinator()),
        CoordinatorEvent::RoundAborted { .. } => ("round_aborted", coordinator()),
        CoordinatorEvent::ClientRefused { client: of, .. } => ("client_refused", client(of)),
        CoordinatorEvent::BudgetBegun { client: of, .. } => ("budget_begun", client(of)),
        CoordinatorEvent::BudgetShown { head } => ("budget_shown", client(head.client)),
        CoordinatorEvent::ClientChargedMore { client: of, .. } => ("client_charged_more", client(of)),
        CoordinatorEvent::StageConcluded { .. } => ("stage_concluded", coordinator()),
        CoordinatorEvent::ClientEvicted { client: of, .. } => ("client_evicted", client(of)),
        CoordinatorEvent::OrderTaken { order } => ("order_taken", vec![person(&order)]),
        CoordinatorEvent::RunFinished { .. } => ("run_finished", coordinator()),
    };
    (at.0, kind, who)
}

fn of_registry(Recorded { at, event }: Recorded<RegistryEvent>) -> Said {
    let (kind, who) = match event {
        RegistryEvent::RosterAdopted { .. } => ("roster_adopted", coordinator()),
        RegistryEvent::ModelRegistered { .. } => ("model_registered", coordinator()),
        RegistryEvent::StatementTaken { statement } => {
            ("statement_taken", vec![person(&statement.first), person(&statement.second)])
        }
        RegistryEvent::CopyNoted { note } => ("copy_noted", client(note.client)),
        RegistryEvent::CardWritten { .. } => ("card_written", coordinator()),
        RegistryEvent::Exported { .. } => ("exported", coordinator()),
        RegistryEvent::PointsSet { .. } => ("points_set", coordinator()),
        RegistryEvent::AttacksReported { report } => ("attacks_reported", vec![person(&report.signed)]),
        RegistryEvent::IncidentTold { told } => ("incident_told", vec![person(&told.signed)]),
        RegistryEvent::Looked { look } => ("looked", vec![person(&look.signed)]),
        RegistryEvent::Noticed { notice: Notice::LogDisputed { client: of, .. } } => ("log_disputed", client(of)),
        RegistryEvent::Noticed { notice: Notice::SinkFailed } => ("sink_failed", coordinator()),
        RegistryEvent::Noticed { notice: Notice::SinkBack } => ("sink_back", coordinator()),
    };
    (at.0, kind, who)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::RoundId;
    use tributary_protocol::message::ClosedReason;
    use tributary_protocol::secagg::suite::Signature;
    use tributary_protocol::time::Millis;

    use super::*;

    fn entry(event: &[u8], each: impl FnOnce(Line)) {
        let (ledger, leaf) = (LedgerId([7; 32]), Digest([8; 32]));
        let entry = LogEntry { position: 12, offset: 99, ledger, sequence: 3, event, leaf };
        each(line(&entry, 32_473));
    }

    fn recorded(event: CoordinatorEvent) -> Vec<u8> {
        codec::encode(&Recorded { at: Millis(1_893_456_061_007), event })
    }

    #[test]
    fn a_line_says_what_stands_where_and_of_whom() {
        let event = CoordinatorEvent::RoundAborted { round: RoundId(4), reason: ClosedReason::Stopped };
        entry(&recorded(event), |line| {
            let (ledger, leaf) = ("07".repeat(32), "08".repeat(32));
            let expected = format!(
                "<110>1 2030-01-01T00:01:01.007Z - tributary - round_aborted [tributary@32473 kind=\"round_aborted\" ledger=\"{ledger}\" \
                 sequence=\"3\" entry=\"12\" leaf=\"{leaf}\" who=\"coordinator\"]"
            );
            assert_eq!((line.text, line.position, line.at), (expected, 12, 1_893_456_061_007));
        });
    }

    #[test]
    fn a_line_of_many_stays_short() {
        let signatures = (0..1_000).map(|client| (ClientId(client), Signature::none())).collect();
        entry(&recorded(CoordinatorEvent::QuorumReached { round: RoundId(4), signatures }), |line| {
            assert!(
                line.text.ends_with(" who=\"client 19\" more=\"980\"]") && line.text.len() <= 2_048,
                "{}",
                line.text
            );
        });
    }

    /// Whatever a later release writes, its place and its leaf are copied.
    #[test]
    fn an_entry_that_nobody_understands_is_a_line_all_the_same() {
        entry(&[255; 40], |line| {
            assert!(line.text.contains("- unknown [") && line.text.contains("leaf=\"0808"), "{}", line.text);
        });
    }
}

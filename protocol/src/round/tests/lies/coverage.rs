//! Every message in both directions, and every event of both ledgers, has rows in a table of lies: a new one without any does not compile, or fails
//! here.

use super::{
    budget_record as file, caps, ends, from_coordinator, from_members as up, from_members_keying as up_keying,
    from_members_rounds as up_rounds, joining, keying, large, owners, proofs, rounds, run_record as ledger, signals,
};
use crate::message::{Downstream, Upstream};
use crate::round::tests::readiness::NOT_READY;
use crate::round::{CoordinatorEvent, ParticipantEvent};

/// Names every variant of a type, and how many rows it has.
macro_rules! covered {
    ($type:ident { $($variant:ident => $rows:expr,)+ }) => {{
        #[allow(dead_code, reason = "for the compiler, which demands every variant")]
        fn exhaustive(value: &$type) {
            match value {
                $($type::$variant { .. } => {})+
            }
        }
        for (variant, rows) in [$((stringify!($variant), $rows.len())),+] {
            assert!(rows > 0, "{}::{variant} has no row", stringify!($type));
        }
    }};
}

#[test]
fn every_message_and_every_event_has_its_lies() {
    covered!(Upstream {
        Join => up::JOIN,
        Accept => up::ACCEPT,
        NotReady => NOT_READY,
        Refuse => up::REFUSE,
        Keys => up_keying::KEYS,
        Contribution => large::CONTRIBUTION,
        Encapsulations => up_keying::ENCAPSULATIONS,
        Deal => up_keying::DEAL,
        SetupAck => up_keying::SETUP_ACK,
        Masked => up_rounds::MASKED,
        SurvivorsAck => up_rounds::SURVIVORS_ACK,
        Unmask => up_rounds::UNMASK,
        Proofs => proofs::PROOFS,
        Abandon => up_keying::ABANDON,
        Leave => up::LEAVE,
    });
    covered!(Downstream {
        Welcome => joining::WELCOME,
        Rejected => from_coordinator::REJECTED,
        Offer => keying::OFFER,
        Freeze => keying::FREEZE,
        Neighbourhood => large::NEIGHBOURHOOD,
        Encapsulations => keying::ENCAPSULATIONS,
        Shares => keying::SHARES,
        SetupAcks => keying::SETUP_ACKS,
        Start => rounds::START,
        Survivors => rounds::SURVIVORS,
        Quorum => rounds::QUORUM,
        Prove => from_coordinator::PROVE,
        Outcome => signals::OUTCOME,
        SessionClosed => from_coordinator::SESSION_CLOSED,
        Finished => from_coordinator::FINISHED,
        Muster => from_coordinator::MUSTER,
        Invite => from_coordinator::INVITE,
    });
    covered!(CoordinatorEvent {
        RunOpened => ledger::RUN_OPENED,
        RosterAdopted => ledger::ROSTER_ADOPTED,
        SessionOpened => ledger::SESSION_OPENED,
        SessionKeyed => ledger::SESSION_KEYED,
        SessionClosed => ledger::SESSION_CLOSED,
        RoundStarted => ledger::ROUND_STARTED,
        UpdateAdmitted => ledger::UPDATE_ADMITTED,
        SurvivorsFrozen => ledger::SURVIVORS_FROZEN,
        QuorumReached => ledger::QUORUM_REACHED,
        RoundCommitted => ledger::ROUND_COMMITTED,
        RoundAborted => ledger::ROUND_ABORTED,
        ClientRefused => ledger::CLIENT_REFUSED,
        BudgetBegun => ledger::BUDGET_BEGUN,
        BudgetShown => ledger::BUDGET_SHOWN,
        ClientChargedMore => ledger::CLIENT_CHARGED_MORE,
        StageConcluded => ledger::STAGE_CONCLUDED,
        ClientEvicted => ledger::CLIENT_EVICTED,
        OrderTaken => ledger::ORDER_TAKEN,
        OrdersCarried => ledger::ORDERS_CARRIED,
        ApprovalsShown => ledger::APPROVALS_SHOWN,
        RunFinished => ledger::RUN_FINISHED,
    });
    covered!(ParticipantEvent {
        RosterAccepted => file::ROSTER_ACCEPTED,
        BudgetBegun => file::BUDGET_BEGUN,
        OwnerChanged => owners::OWNER_CHANGED,
        HeadSigned => file::HEAD_SIGNED,
        HeadAdopted => file::HEAD_ADOPTED,
        CountersSeen => file::COUNTERS_SEEN,
        RunAccepted => file::RUN_ACCEPTED,
        CapsNoted => caps::CAPS_NOTED,
        CapRaised => caps::CAP_RAISED,
        RunEnded => ends::RUN_ENDED,
        GrantWithdrawn => file::GRANT_WITHDRAWN,
        BudgetCharged => file::BUDGET_CHARGED,
        Uploaded => file::UPLOADED,
        SurvivorsAcknowledged => file::SURVIVORS_ACKNOWLEDGED,
        SharesRevealed => file::SHARES_REVEALED,
        RoundClosed => file::ROUND_CLOSED,
        Refused => file::REFUSED,
    });
}

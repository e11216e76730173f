//! What passes between the journal's witnesses and the clients, apart from every round.

use tributary_certs::clock::unix_seconds;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{ToClient, WitnessWord};
use tributary_protocol::registry::Notice;
use tributary_protocol::roster::SignedRoster;

use super::hands::Hands;
use crate::control::{DisputeStatus, LateWitness, LogStatus};
use crate::error::CoordinatorError;
use crate::report::Event;
use crate::witness::Heard;

/// Makes a checkpoint where one is due, shows it to everybody who is here, and writes down what has come of the others.
///
/// # Errors
/// If the journal cannot be synced, or is not the one of which this coordinator has signed a checkpoint.
pub(super) fn look(hands: &mut Hands<'_>, roster: &SignedRoster, at_an_end: bool) -> Result<(), CoordinatorError> {
    let leaves = hands.journal.take_leaves();
    hands.witnesses.add(leaves);
    let now = unix_seconds();
    if !hands.witnesses.is_due(now, at_an_end) {
        hands.witnesses.write();
        return Ok(());
    }
    // What others are shown stays.
    hands.sync()?;
    hands.witnesses.make(now, &roster.roster, at_an_end)?;
    for client in hands.here() {
        show(hands, client);
    }
    hands.send_all();
    Ok(())
}

/// Takes a client's word as a witness.
///
/// # Errors
/// If the journal cannot be written.
pub(super) fn hear(
    hands: &mut Hands<'_>,
    roster: &SignedRoster,
    client: ClientId,
    word: WitnessWord,
) -> Result<(), CoordinatorError> {
    match hands.witnesses.hear((client, roster.roster.entry(client)), word) {
        Heard::Fine => {}
        Heard::Shows => {
            show(hands, client);
            hands.send_all();
        }
        Heard::Disputed { entries, root } => {
            // The journal says once what speaks against it.
            hands.registry.notice(&mut hands.journal, Notice::LogDisputed { client, entries, root })?;
            let client = hands.whom(client);
            hands.tell(None, Event::LogDisputed { client, entries });
        }
        Heard::Wrong(why) => {
            tracing::warn!(%client, why, "a client's word as a witness of the journal proves nothing and is not counted");
        }
    }
    Ok(())
}

/// How the witnesses stand, for the operator.
pub(super) fn status(hands: &Hands<'_>, roster: &SignedRoster) -> Option<LogStatus> {
    let overview = hands.witnesses.overview(&roster.roster, unix_seconds())?;
    let late = overview.late.iter().map(|behind| {
        let (client, here) = (behind.client, hands.is_here(behind.client));
        let reason = if here { HERE_AND_LATE.to_owned() } else { format!("it is away: {}", hands.trouble(client)) };
        LateWitness { client: hands.whom(client), since: behind.since, entries: behind.size, reason }
    });
    let disputes = overview.disputes.iter().map(|(client, entries)| {
        let client = hands.whom(*client);
        DisputeStatus { client, entries: *entries }
    });
    Some(LogStatus {
        entries: overview.entries,
        made: overview.made,
        cosigned: overview.cosigned,
        late: late.collect(),
        disputes: disputes.collect(),
    })
}

/// What is said of a member that is here and does not cosign.
const HERE_AND_LATE: &str = "it is here and does not answer; its own screen says why (`tributary client status`)";

fn show(hands: &mut Hands<'_>, client: ClientId) {
    if let Some(shown) = hands.is_here(client).then(|| hands.witnesses.show(client)).flatten() {
        hands.send_beside(client, &ToClient::Checkpoint(shown));
    }
}

//! What passes between the registry of models and the clients.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{FOLLOWERS_TOLD_MAX, MODELS_TOLD_MAX};
use tributary_protocol::message::ToClient;
use tributary_protocol::registry::{CopyNote, SignedStatement, Told};
use tributary_protocol::roster::SignedRoster;

use super::hands::Hands;
use crate::error::CoordinatorError;
use crate::registry::RegistryError;
use crate::report::Event;

/// Tells a client that has come what was stated about models, and by which roster it can judge that. Before a statement whose signers have left go the
/// words of the branches that follow it.
pub(super) fn tell(hands: &mut Hands<'_>, roster: &SignedRoster, client: ClientId) {
    let told = hands.registry.told_under(&roster.roster);
    if told.is_empty() {
        return;
    }
    hands.send_beside(client, &ToClient::Roster(Box::new(roster.clone())));
    let mut plain = Vec::new();
    for (told, followers) in told {
        if !followers.is_empty() {
            // In the order of the statements, and words and statement together.
            tell_models(hands, client, std::mem::take(&mut plain));
            for notes in followers.chunks(FOLLOWERS_TOLD_MAX) {
                hands.send_beside(client, &ToClient::Followers(notes.to_vec()));
            }
        }
        plain.push(told);
    }
    tell_models(hands, client, plain);
}

fn tell_models(hands: &mut Hands<'_>, client: ClientId, told: Vec<Told>) {
    for told in told.chunks(MODELS_TOLD_MAX) {
        hands.send_beside(client, &ToClient::Models(told.to_vec()));
    }
}

/// Gives a client the piece of a model that it asks for; an empty one where there is none.
pub(super) fn give(hands: &mut Hands<'_>, client: ClientId, (model, from): (Digest, u64)) {
    let piece = hands.registry.piece(&model, from).unwrap_or_else(|fault| {
        tracing::error!(%client, %fault, "a model's parameters could not be read, so that no branch is given them");
        None
    });
    let bytes = piece.unwrap_or_default();
    hands.send_beside(client, &ToClient::ModelPiece { model, from, bytes });
    hands.send_all();
}

/// Takes a client's word about its copy of a model.
///
/// # Errors
/// If the journal cannot be written.
pub(super) fn note(
    hands: &mut Hands<'_>,
    roster: &SignedRoster,
    client: ClientId,
    note: CopyNote,
) -> Result<(), CoordinatorError> {
    let (model, state) = (note.model.to_string(), note.state.name());
    if hands.registry.note(&mut hands.journal, roster, (client, note))? {
        let client = hands.whom(client);
        hands.tell(None, Event::ModelCopy { client, model, state });
    }
    Ok(())
}

/// Takes a statement that two people have signed, and tells every client that is here; whether the roster in force lets it count.
///
/// # Errors
/// If the journal cannot be written.
pub(super) fn stated(
    hands: &mut Hands<'_>,
    roster: &SignedRoster,
    signed: SignedStatement,
) -> Result<bool, CoordinatorError> {
    let (model, step, words) =
        (signed.statement.model.to_string(), signed.statement.step.name(), signed.statement.in_words());
    match hands.registry.take(&mut hands.journal, roster, signed) {
        Ok(true) => {
            hands.tell(None, Event::ModelStated { model, step, words });
            hands.here().into_iter().for_each(|client| tell(hands, roster, client));
            hands.send_all();
        }
        Ok(false) => {}
        Err(RegistryError::Refused(fault)) => {
            tracing::warn!(
                model, step, %fault,
                "a statement among the coordinator's files does not count under this roster; it is judged again under the next one"
            );
            return Ok(false);
        }
        Err(fault) => return Err(fault.into()),
    }
    Ok(true)
}

//! What passes between the registry of models and the clients.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{FOLLOWERS_TOLD_MAX, MODELS_TOLD_MAX};
use tributary_protocol::message::ToClient;
use tributary_protocol::registry::{CopyNote, SignedAttackReport, SignedStatement, Told};
use tributary_protocol::roster::SignedRoster;

use super::hands::Hands;
use crate::error::CoordinatorError;
use crate::registry::RegistryError;
use crate::report::Event;

/// Tells a client that has come what was stated about models, and by which roster it can judge that. Before a statement whose signers have left go the
/// roster by which it was taken, and the words of the branches that follow it.
pub(super) fn tell(hands: &mut Hands<'_>, roster: &SignedRoster, client: ClientId) {
    let told = hands.registry.told_under(&roster.roster);
    if told.is_empty() {
        return;
    }
    hands.send_beside(client, &ToClient::Roster(Box::new(roster.clone())));
    let mut plain = Vec::new();
    for (told, before, followers) in told {
        if let Some(before) = before {
            // In the order of the statements, and words and statement together.
            tell_models(hands, client, std::mem::take(&mut plain));
            hands.send_beside(client, &ToClient::RosterBefore(Box::new(before.as_ref().clone())));
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

/// What people have signed about a model.
#[derive(Clone)]
pub(crate) enum Word {
    /// Two people state what becomes of it.
    Statement(Box<SignedStatement>),
    /// A model validator reports attacks on it.
    Attacks(Box<SignedAttackReport>),
}

impl From<SignedStatement> for Word {
    fn from(signed: SignedStatement) -> Self {
        Self::Statement(Box::new(signed))
    }
}

impl From<SignedAttackReport> for Word {
    fn from(signed: SignedAttackReport) -> Self {
        Self::Attacks(Box::new(signed))
    }
}

/// Takes what people have signed; whether the roster in force lets it count.
///
/// # Errors
/// If the journal cannot be written.
pub(super) fn stated(hands: &mut Hands<'_>, roster: &SignedRoster, word: Word) -> Result<bool, CoordinatorError> {
    let taken = match word {
        Word::Statement(signed) => statement(hands, roster, *signed),
        Word::Attacks(signed) => attacks(hands, roster, *signed),
    };
    match taken {
        Ok(()) => Ok(true),
        Err(
            fault @ (RegistryError::Refused(_)
            | RegistryError::RefusedAttacks(_)
            | RegistryError::OtherClaim { .. }
            | RegistryError::Attacks(_)),
        ) => {
            tracing::warn!(
                %fault,
                "what people have signed about a model does not count under this roster; it is judged again under the next one"
            );
            Ok(false)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Takes a statement of two people, and tells every client that is here.
fn statement(hands: &mut Hands<'_>, roster: &SignedRoster, signed: SignedStatement) -> Result<(), RegistryError> {
    let (model, step, words) =
        (signed.statement.model.to_string(), signed.statement.step.name(), signed.statement.in_words());
    if hands.registry.take(&mut hands.journal, roster, signed)? {
        hands.tell(None, Event::ModelStated { model, step, words });
        hands.here().into_iter().for_each(|client| tell(hands, roster, client));
        hands.send_all();
    }
    Ok(())
}

/// Takes a report of attacks.
fn attacks(hands: &mut Hands<'_>, roster: &SignedRoster, signed: SignedAttackReport) -> Result<(), RegistryError> {
    let (model, alarm) = (signed.report.model.to_string(), signed.report.alarm);
    if hands.registry.take_attacks(&mut hands.journal, roster, signed)? {
        hands.tell(None, Event::ModelAttacked { model, alarm });
    }
    Ok(())
}

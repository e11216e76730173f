//! Whose turn a customer is: the champion's, or that of a challenger that scores a stated share of the customers beside it.

use tributary_certs::pseudonym::PseudonymKey;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_storage::files::FileError;
use tributary_texts::{Said, score as words};
use zeroize::Zeroizing;

use crate::data::plainest;
use crate::error::ClientError;
use crate::models::used::{Use, UsedModels};
use crate::models::{ChosenModel, choose};
use crate::settings::Settings;

/// The key by which customers are drawn, in the state folder. With another key others are drawn, and nothing else follows.
const KEY: &str = "turns.key";

/// Which customers are the challenger's.
pub(super) struct Turns {
    models: UsedModels,
    purpose: String,
    challenger: Digest,
    /// Its share, in parts in 10,000.
    pub(super) share: u16,
    key: Zeroizing<[u8; 32]>,
}

/// Who scores beside the champion.
pub(super) enum Beside {
    /// Nobody: there is no challenger.
    Nobody,
    /// This challenger, in its turns.
    Challenger(Box<(Turns, ChosenModel)>),
    /// A challenger that cannot score here now, and why. The champion scores its customers.
    Absent(Said),
}

impl Beside {
    /// Beside this champion, by the same reading of the ledger.
    ///
    /// # Errors
    /// If the key cannot be used.
    pub(super) fn of(
        models: UsedModels,
        (settings, schema): (&Settings, &Schema),
        champion: &ChosenModel,
        now: u64,
    ) -> Result<Self, ClientError> {
        let purpose = champion.manifest.lineage.purpose.raw().to_owned();
        let Some(found) = models.challenger(&purpose) else { return Ok(Self::Nobody) };
        let Use::Challenger(share) = found.used else { return Ok(Self::Nobody) };
        if schema.customer_column().is_none() {
            return Ok(Self::Absent(words::no_turns()));
        }
        let challenger = match choose(&models, (settings, schema), &found.model.to_string(), now) {
            Ok(challenger) => challenger,
            Err(fault) => return Ok(Self::Absent(words::challenger_absent(fault.said()))),
        };
        let key = Zeroizing::new(key(settings)?.of("tributary/challenger/key", b""));
        let turns = Turns { models, purpose, challenger: challenger.digest, share, key };
        Ok(Self::Challenger(Box::new((turns, challenger))))
    }
}

impl Turns {
    /// Whether a customer is the challenger's, however two tables write the customer's key.
    pub(super) fn is_challengers(&self, customer: &str) -> bool {
        self.models.model_of_customer(&self.purpose, &self.key, &plainest(customer)) == Some(self.challenger)
    }
}

/// The key; made by whoever needs it first.
fn key(settings: &Settings) -> Result<PseudonymKey, ClientError> {
    let path = settings.state_dir.join(KEY);
    if !path.exists() {
        match PseudonymKey::make(&path) {
            // Another command was faster.
            Err(FileError::Exists { .. }) => {}
            made => return made.map_err(ClientError::file),
        }
    }
    PseudonymKey::read(&path).map_err(ClientError::file)
}

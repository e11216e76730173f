//! What the owner of a branch's data has granted: a folder of signed files beside the budget, which the daemon follows.
//!
//! ```text
//! STATE/grants/9f86...grant         what was granted
//! STATE/grants/9f86...withdrawal    what was taken back
//! ```
//!
//! A grant is made where the owner's key is, and carried here, by hand or by the coordinator; the daemon has no such key. Whoever writes into the folder grants nothing: the round
//! machine verifies the owner's signature by the key that the budget's first entry anchors.

mod carried;
mod held;
mod inbox;
mod judged;
mod keeping;
mod owner;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use tributary_certs::clock::unix_seconds;
use tributary_model::privacy::cap_allowed;
use tributary_model::schema::Schema;
use tributary_protocol::plan::{Grant, OwnersWord, Withdrawal};
use tributary_protocol::round::Granted;
use tributary_storage::files::FileError;

use self::carried::{Carried, Untaken};
pub(crate) use self::held::{Held, folder_of};
use self::held::{names, read};
pub(crate) use self::inbox::OwnersInbox;
pub use self::inbox::{AskedLine, asked_plan, waiting};
#[cfg(test)]
pub(crate) use self::keeping::federation_of;
pub(crate) use self::keeping::keeps;
pub use owner::{GrantLine, GrantRequest, KEEP_MODELS, TRAIN, grant, grant_here, install, list, withdraw};

use crate::settings::Settings;
use crate::telemetry::Report;

/// Words that are not taken, of one connection, beyond which the log is told of no more: whoever sends them for ever fills no disk.
const REFUSED_TOLD_MAX: u32 = 64;

/// Words that could not be written, of which so many are tried again. The coordinator carries the others again at the next connection.
const AGAIN_MAX: usize = 64;

/// The folder, as it was when anybody last looked.
pub(crate) struct Grants {
    folder: PathBuf,
    carried: Carried,
    /// By which a grant's fields are judged.
    schema: Schema,
    seen: BTreeSet<OsString>,
    /// Why it could not be read at the last look.
    fault: Option<String>,
    /// Words of the coordinator's that were not taken since it was connected.
    refused: u32,
    /// Words that could not be written.
    again: Vec<OwnersWord>,
}

impl Grants {
    pub(crate) fn of(settings: &Settings, schema: Schema) -> Self {
        let (folder, carried) = (folder_of(settings), Carried::of(settings));
        Self { folder, carried, schema, seen: BTreeSet::new(), fault: None, refused: 0, again: Vec::new() }
    }

    /// A new connection: the coordinator carries what it has once more.
    pub(crate) fn connected(&mut self) {
        self.refused = 0;
    }

    /// The coordinator has carried here what an owner signed. What is for this branch is seen at the next look, and told of.
    pub(crate) fn hear(&mut self, word: &OwnersWord) -> Option<Report> {
        match self.carried.take(word, unix_seconds()) {
            Ok(is_new) => {
                let withdrawn = matches!(word, OwnersWord::TakenBack(_));
                is_new.then(|| Report::GrantCarried { grant: word.grant().to_string(), withdrawn })
            }
            Err(fault) => {
                self.refused = self.refused.saturating_add(1);
                if self.refused <= REFUSED_TOLD_MAX {
                    tracing::error!(grant = %word.grant(), %fault, "what the coordinator carried as an owner's word is not taken");
                }
                if self.refused == REFUSED_TOLD_MAX {
                    tracing::error!("of more such words on this connection the log is not told");
                }
                if matches!(fault, Untaken::Again(_)) && self.again.len() < AGAIN_MAX && !self.again.contains(word) {
                    self.again.push(word.clone());
                }
                None
            }
        }
    }

    /// Tries again what could not be written: nobody carries a withdrawal here once more for as long as this connection stands.
    fn try_again(&mut self) {
        for word in std::mem::take(&mut self.again) {
            match self.carried.take(&word, unix_seconds()) {
                Ok(_) => {
                    tracing::info!(grant = %word.grant(), "an owner's word that could not be written is in the folder now")
                }
                Err(Untaken::Again(_)) => self.again.push(word),
                Err(Untaken::Refused(why)) => {
                    tracing::error!(grant = %word.grant(), why, "an owner's word is not taken")
                }
            }
        }
    }

    /// What was granted and taken back, where a file has come or gone since the last look. A folder that cannot be read grants nothing, because
    /// the file at fault may be a withdrawal; that is said once.
    pub(crate) fn look(&mut self) -> Option<(Vec<Granted>, Vec<Withdrawal>)> {
        self.try_again();
        let held = match self.changed() {
            Ok(held) => {
                self.fault = None;
                held?
            }
            Err(fault) => {
                let fault = fault.to_string();
                let known = self.fault.replace(fault.clone());
                if known.as_ref() != Some(&fault) {
                    tracing::error!(fault, "the owner's grants cannot be read, so nothing is granted");
                }
                // Whoever hears of a change asks about every run again: one fault is one change.
                if known.is_some() {
                    return None;
                }
                Held::default()
            }
        };
        let granted = held.grants.into_iter().map(|grant| granted(grant, &self.schema));
        Some((granted.collect(), held.withdrawals))
    }

    fn changed(&mut self) -> Result<Option<Held>, FileError> {
        let names = names(&self.folder)?;
        if names == self.seen && self.fault.is_none() {
            return Ok(None);
        }
        let held = read(&self.folder, &names)?;
        self.seen = names;
        Ok(Some(held))
    }
}

/// A grant with what its epsilons come to, for a branch with this schema.
fn granted(grant: Grant, schema: &Schema) -> Granted {
    let delta = f64::from_bits(grant.delta_bits);
    let most = |epsilon_bits| cap_allowed(f64::from_bits(epsilon_bits), delta);
    Granted {
        run: most(grant.epsilon_run_bits),
        year: most(grant.epsilon_year_bits),
        names_fields: names_fields(&grant, schema),
        grant,
    }
}

/// Whether a grant names every input and label of a schema, or leaves that to the policy, which pins them. A level that is granted by name alone
/// leaves it to nobody. An audit column is in no sum, and needs no name.
fn names_fields(grant: &Grant, schema: &Schema) -> bool {
    let granted: BTreeSet<&str> = grant.fields.iter().map(|field| field.raw()).collect();
    let fields = schema.fields().iter().map(|field| field.name.as_str());
    let mut used = fields.chain(schema.labels().iter().map(|label| label.name.as_str()));
    let may_be_silent = !schema.fields().iter().any(|field| field.level.is_granted_by_name());
    (granted.is_empty() && may_be_silent) || used.all(|name| granted.contains(name))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    use tributary_certs::grant::{sign_grant, sign_withdrawal, write_grant, write_withdrawal};
    use tributary_certs::keys::write_verifying_key;
    use tributary_certs::provider::KeyExchange;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::printable::Untrusted;
    use tributary_protocol::round::cast;
    use tributary_storage::files::{Draft, create_private_folder};

    use super::*;
    use crate::identity::IdentitySettings;
    use crate::judge::tests::SCHEMA;
    use crate::log::logged;

    fn opened(folder: &Path) -> Grants {
        let state = folder.parent().unwrap();
        let identity = IdentitySettings {
            folder: state.join("identity"),
            token: None,
            key_exchange: KeyExchange::DEFAULT,
            renew: true,
        };
        Grants {
            folder: folder.to_path_buf(),
            carried: Carried::new(folder.to_path_buf(), state.join("owner.pub"), identity),
            schema: Schema::parse(SCHEMA).unwrap(),
            seen: BTreeSet::new(),
            fault: None,
            refused: 0,
            again: Vec::new(),
        }
    }

    /// Whoever installs a grant or a withdrawal is killed before the file has its name: the daemon takes nothing for either, nor what it has from before.
    #[test]
    fn what_was_cut_short_on_its_way_here_is_nothing() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("grants");
        create_private_folder(&folder).unwrap();
        let owner = SigningKey::from_seed(&[1; 32]);
        let grant = sign_grant(&owner, Grant { owner: owner.verifying_key(), ..cast::grant(&cast::plan()) });
        let withdrawal = sign_withdrawal(&owner, grant.digest(), 7);
        let mut grants = opened(&folder);
        let cut = |path: &Path| {
            let text = fs::read(path).unwrap();
            for written in [0, 1, text.len() / 2, text.len()] {
                let mut draft = Draft::private(&folder).unwrap();
                draft.write_all(&text[..written]).unwrap();
                // As if the process were gone.
                std::mem::forget(draft);
            }
        };
        let (one, other) = (state.path().join("a.grant"), state.path().join("a.withdrawal"));
        write_grant(&grant, &one).unwrap();
        write_withdrawal(&withdrawal, &other).unwrap();
        let mut held = |names: &[&str]| {
            let looked = grants.look().map(|(granted, withdrawals)| (granted.len(), withdrawals.len()));
            assert_eq!(grants.fault, None, "{names:?}");
            looked
        };
        cut(&one);
        assert_eq!(held(&[]), None, "nothing has come");
        write_grant(&grant, &folder.join("a.grant")).unwrap();
        assert_eq!(held(&["grant"]), Some((1, 0)));
        cut(&other);
        assert_eq!(held(&["grant"]), None, "and nothing was taken back");
        write_withdrawal(&withdrawal, &folder.join("a.withdrawal")).unwrap();
        assert_eq!(held(&["grant", "withdrawal"]), Some((1, 1)));
    }

    /// Whoever carries what is signed by nobody, for ever, fills no log.
    #[test]
    fn a_connection_that_carries_nothing_but_forgeries_is_told_of_a_few_times() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("grants");
        let mut grants = opened(&folder);
        let (owner, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        write_verifying_key(&owner.verifying_key(), &state.path().join("owner.pub")).unwrap();
        let mut heard = |words: u32| {
            let (_, log) = logged(|| {
                for number in 0..words {
                    let grant = Digest::of(&number.to_le_bytes());
                    let word = OwnersWord::TakenBack(sign_withdrawal(&thief, grant, 7));
                    assert!(grants.hear(&word).is_none());
                }
            });
            log.lines().count()
        };
        assert_eq!((heard(3), heard(200), heard(9)), (3, 62, 0));
        assert!(!folder.exists());
    }

    /// A disk was full when the coordinator carried a withdrawal here. It is carried once on a connection, and that may stand for weeks.
    #[test]
    fn a_withdrawal_that_could_not_be_written_is_tried_again_on_the_same_connection() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("grants");
        let mut grants = opened(&folder);
        let owner = SigningKey::from_seed(&[1; 32]);
        write_verifying_key(&owner.verifying_key(), &state.path().join("owner.pub")).unwrap();
        // In the place of the folder, so that nothing can be written there.
        fs::write(&folder, "").unwrap();
        let word = OwnersWord::TakenBack(sign_withdrawal(&owner, Digest([1; 32]), 7));
        let (heard, log) = logged(|| grants.hear(&word));
        assert!(heard.is_none() && log.contains("it is tried again every second"), "{log}");
        assert!(grants.hear(&word).is_none());
        assert_eq!(grants.again.len(), 1);
        grants.look();
        fs::remove_file(&folder).unwrap();
        let looked = grants.look().map(|(granted, withdrawals)| (granted.len(), withdrawals.len()));
        assert_eq!((looked, grants.again.len()), (Some((0, 1)), 0));
    }

    /// One file that is no grant would otherwise have every run asked about again at each look, which is once a second.
    #[test]
    fn a_folder_that_cannot_be_read_takes_every_grant_back_once() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("grants");
        create_private_folder(&folder).unwrap();
        let owner = SigningKey::from_seed(&[1; 32]);
        let grant = sign_grant(&owner, Grant { owner: owner.verifying_key(), ..cast::grant(&cast::plan()) });
        write_grant(&grant, &folder.join("a.grant")).unwrap();
        let mut grants = opened(&folder);
        let mut granted = || grants.look().map(|(granted, _)| granted.len());
        assert_eq!((granted(), granted()), (Some(1), None));
        fs::write(folder.join("b.grant"), "half").unwrap();
        assert_eq!((granted(), granted(), granted()), (Some(0), None, None));
        fs::write(folder.join("a.withdrawal"), "another fault, of another file").unwrap();
        assert_eq!(granted(), None, "nothing was granted before either");
        fs::remove_file(folder.join("a.withdrawal")).unwrap();
        fs::remove_file(folder.join("b.grant")).unwrap();
        assert_eq!((granted(), granted()), (Some(1), None), "it counts again");
    }

    /// A general grant leaves the fields to the policy, but for data of the highest level; an audit column is in no sum.
    #[test]
    fn a_grant_names_all_fields_or_leaves_them_to_the_policy_unless_one_is_of_level_4() {
        let usual = Schema::parse(SCHEMA).unwrap();
        let severe = SCHEMA.replacen("level = \"L3\"", "level = \"L4\"\nnecessity = \"income\"", 1);
        let severe = Schema::parse(&severe).unwrap();
        let inputs = usual.fields().iter().map(|field| field.name.as_str());
        let mut all: Vec<&str> = inputs.chain(usual.labels().iter().map(|label| label.name.as_str())).collect();
        all.sort_unstable();
        let grant = |fields: &[&str]| {
            let fields = fields.iter().map(|name| Untrusted::from(*name)).collect();
            Grant { fields, ..cast::grant(&cast::plan()) }
        };
        let named = |fields: &[&str]| [&usual, &severe].map(|schema| granted(grant(fields), schema).names_fields);
        assert!(!all.contains(&"gender") && usual.audits()[0].name == "gender");
        assert_eq!(named(&all), [true, true]);
        assert_eq!(named(&all[1..]), [false, false]);
        assert_eq!(named(&[]), [true, false]);
        let audited = SCHEMA.replacen("level = \"L2\"\n\n[[labels]]", "level = \"L4\"\n\n[[labels]]", 1);
        assert_ne!(audited, SCHEMA);
        assert!(granted(grant(&[]), &Schema::parse(&audited).unwrap()).names_fields, "nothing is learned from it");
    }
}

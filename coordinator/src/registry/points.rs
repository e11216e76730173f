//! The register of points that people have set: `STATE/registry/DIGEST/points/NUMBER.points`, each signed by two people. Changes are added and never
//! taken back; a later change of the same bin counts. Each names the digest of the one before, so that none can be left out in the middle.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::points::{PointsFile, PointsStatement};
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_model::scorecard::{BinPoints, FieldPoints, PointChange, Scale, Scorecard};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::Roster;
use tributary_settings::{Fault, Faults};
use tributary_storage::files::create_private_folder;
use tributary_storage::journal::read_view;

use super::RegistryError;
use super::folder::REGISTRY;
use super::loaded::{LoadedModel, load};
use crate::settings::Settings;
use crate::store::ledger_of;

const FOLDER: &str = "points";
const EXTENSION: &str = "points";

/// Most changes of one model.
const CHANGES_MAX: u64 = 10_000;

/// A change that is to be made.
#[derive(Clone, Debug)]
pub struct NewPoints<'a> {
    /// Of which label.
    pub head: &'a str,
    /// On which scale.
    pub scale: Scale,
    /// Which field.
    pub field: &'a str,
    /// Which bin of it, from 1.
    pub bin: u32,
    /// The points that it has from then on.
    pub after: i64,
    /// Why.
    pub reason: &'a str,
}

/// Every change of a model's points, the first one at the front.
///
/// # Errors
/// If a change cannot be read, is of another model, is not signed by two people of a roster that was in force here, or does not follow the one before.
pub fn points(config: &Path, model: &LoadedModel) -> Result<Vec<PointsFile>, RegistryError> {
    let folder = folder_of(model);
    let mut all: Vec<PointsFile> = Vec::new();
    let mut signers = None;
    for number in 1..=CHANGES_MAX {
        let path = path_of(&folder, number);
        if !path.exists() {
            break;
        }
        let file = PointsFile::read(&path)?;
        let previous = all.last().map_or(Digest::ZERO, |last| last.statement.digest());
        let PointsStatement { sequence, previous: named, model: of, .. } = &file.statement;
        let signers = match &mut signers {
            Some(known) => known,
            none => none.insert(Signers::read(config)?),
        };
        let signed = signers.signed(&file);
        if (*sequence, *named, *of) != (number, previous, model.manifest.digest()) || !signed {
            return Err(RegistryError::Points {
                path,
                fault: "it does not follow the change before it, or two people of a roster of this federation have not signed it",
            });
        }
        all.push(file);
    }
    let files = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
    let found = files.filter(|file| file.path().extension().is_some_and(|ending| ending == EXTENSION)).count();
    match found == all.len() {
        true => Ok(all),
        false => Err(RegistryError::Points { path: folder, fault: "one of its changes was taken out" }),
    }
}

/// By whom changes may be signed: the people of every roster that was in force here. Whoever has left since signed all the same.
struct Signers {
    federation: Digest,
    rosters: Vec<Roster>,
}

impl Signers {
    fn read(config: &Path) -> Result<Self, RegistryError> {
        let settings = Settings::load(config)?;
        let authorities = authorities(config, &settings)?;
        let events = read_view::<RegistryEvent>(&ledger_of(&settings.state_dir), LedgerId::ADMINISTRATION)?;
        let adopted = events.into_iter().filter_map(|recorded| match recorded.event {
            RegistryEvent::RosterAdopted { roster } => Some(*roster),
            _ => None,
        });
        // The one that the daemon takes up next is not in the journal yet.
        let next = read_roster(&settings.identity.roster, &authorities).ok();
        let known = adopted.chain(next).filter(|roster| authorities.verify(roster).is_ok());
        let rosters = known.map(|signed| signed.roster).collect();
        Ok(Self { federation: authorities.digest(), rosters })
    }

    /// Whether two of them have signed a change, in the roles that it needs.
    fn signed(&self, file: &PointsFile) -> bool {
        self.rosters.iter().rev().any(|roster| file.judge(roster, &self.federation, None).is_ok())
    }
}

/// The scorecard of a label with what people have set on this scale.
///
/// # Errors
/// If the model is not additive or has no such label, or a change does not fit the card.
pub fn carded(
    model: &LoadedModel,
    head: &str,
    scale: Scale,
    changes: &[PointsFile],
) -> Result<Scorecard, RegistryError> {
    let card = Scorecard::of(&model.parameters, &model.schema, head, scale)?;
    let own: Vec<PointChange> = changes.iter().filter(|file| is_of(file, head, scale)).map(change_of).collect();
    Ok(card.changed(&own)?)
}

/// Whether a change is of a label's card on this scale.
#[must_use]
pub fn is_of(file: &PointsFile, head: &str, scale: Scale) -> bool {
    let PointsStatement { head: own, base_points, base_odds, double, .. } = &file.statement;
    let scales = (*base_points, *base_odds, *double);
    own.raw() == head
        && scales == (scale.base_points(), scale.base_odds().to_bits(), scale.points_to_double_the_odds().to_bits())
}

fn change_of(file: &PointsFile) -> PointChange {
    let PointsStatement { field, bin, before, after, .. } = &file.statement;
    PointChange { field: field.raw().to_owned(), bin: *bin, before: *before, after: *after }
}

/// A change that nobody has signed, for whoever does.
///
/// # Errors
/// If the model was withdrawn, there is no such bin, or the words cannot be shown.
pub fn draft_points(config: &Path, model: &LoadedModel, new: &NewPoints<'_>) -> Result<PointsFile, RegistryError> {
    if model.withdrawn {
        return Err(RegistryError::Withdrawn { model: model.line.model.clone() });
    }
    let changes = points(config, model)?;
    let card = carded(model, new.head, new.scale, &changes)?;
    let before = bin_of(&card, new.field, new.bin).map_or(0, |(_, bin)| bin.points);
    let values = words_of(&card, new.field, new.bin);
    let change = PointChange { field: new.field.to_owned(), bin: new.bin, before, after: new.after };
    card.changed(&[change])?;
    let settings = Settings::load(config)?;
    let statement = PointsStatement {
        federation: authorities(config, &settings)?.digest(),
        model: model.manifest.digest(),
        head: new.head.into(),
        base_points: new.scale.base_points(),
        base_odds: new.scale.base_odds().to_bits(),
        double: new.scale.points_to_double_the_odds().to_bits(),
        field: new.field.into(),
        bin: new.bin,
        values: values.as_str().into(),
        before,
        after: new.after,
        sequence: changes.len() as u64 + 1,
        previous: changes.last().map_or(Digest::ZERO, |last| last.statement.digest()),
        reason: new.reason.into(),
    };
    let file = PointsFile::new(model.manifest.clone(), statement);
    file.check()?;
    Ok(file)
}

/// Puts a change that two people signed into the register.
///
/// # Errors
/// If it does not count, does not follow the last one, or does not fit the card; then nothing has changed.
pub fn install_points(config: &Path, path: &Path, schema: Option<&Path>) -> Result<PathBuf, RegistryError> {
    let file = PointsFile::read(path)?;
    let settings = Settings::load(config)?;
    let authorities = authorities(config, &settings)?;
    let roster = read_roster(&settings.identity.roster, &authorities)
        .map_err(|error| fault(config, "identity.roster", &error))?;
    let model = load(config, &file.statement.model.to_string(), schema)?;
    if model.withdrawn {
        return Err(RegistryError::Withdrawn { model: model.line.model });
    }
    file.judge(&roster.roster, &authorities.digest(), Some(unix_seconds()))?;
    let mut changes = points(config, &model)?;
    let number = changes.len() as u64 + 1;
    let previous = changes.last().map_or(Digest::ZERO, |last| last.statement.digest());
    if (file.statement.sequence, file.statement.previous) != (number, previous) || number > CHANGES_MAX {
        return Err(RegistryError::PointsOrder { found: file.statement.sequence, expected: number });
    }
    let PointsStatement { head, base_points, base_odds, double, .. } = &file.statement;
    let scale = Scale::new(*base_points, f64::from_bits(*base_odds), f64::from_bits(*double))?;
    let head = head.raw().to_owned();
    let values = words_of(&carded(&model, &head, scale, &changes)?, file.statement.field.raw(), file.statement.bin);
    if values != file.statement.values.raw() {
        return Err(RegistryError::Points {
            path: path.to_path_buf(),
            fault: "whoever signed it read the values of another bin than the one that it changes; have it made again",
        });
    }
    changes.push(file.clone());
    carded(&model, &head, scale, &changes)?;
    let folder = folder_of(&model);
    create_private_folder(&folder)?;
    let path = path_of(&folder, number);
    // Somebody else may have taken the number since: then nothing is replaced.
    file.write(&path)?;
    Ok(path)
}

/// A bin of a card in words; none where there is no such bin.
fn words_of(card: &Scorecard, field: &str, bin: u32) -> String {
    bin_of(card, field, bin).map(|(field, bin)| words(field, bin)).unwrap_or_default()
}

fn bin_of<'a>(card: &'a Scorecard, field: &str, bin: u32) -> Option<(&'a FieldPoints, &'a BinPoints)> {
    let field = card.fields.iter().find(|own| own.field == field)?;
    field.bins().find(|own| own.number == bin).map(|bin| (field, bin))
}

/// A bin in words, as whoever signs reads them.
fn words(field: &FieldPoints, bin: &BinPoints) -> String {
    let values = match &bin.values {
        tributary_model::scorecard::Values::Cell(cell) => cell.to_string(),
        tributary_model::scorecard::Values::Unlisted => "not listed".to_owned(),
    };
    format!("{}: {values}", field.code)
}

fn folder_of(model: &LoadedModel) -> PathBuf {
    model.state_dir.join(REGISTRY).join(model.manifest.digest().to_string()).join(FOLDER)
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.{EXTENSION}"))
}

fn authorities(config: &Path, settings: &Settings) -> Result<RosterAuthorities, RegistryError> {
    RosterAuthorities::read(&settings.identity.authorities)
        .map_err(|error| fault(config, "identity.authorities", &error))
}

fn fault(config: &Path, key: &str, error: &dyn std::fmt::Display) -> RegistryError {
    let allowed = "a file of this federation".into();
    Faults { file: config.to_path_buf(), faults: vec![Fault { key: key.into(), found: error.to_string(), allowed }] }
        .into()
}

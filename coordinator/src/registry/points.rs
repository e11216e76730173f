//! The register of points that people have set: `STATE/registry/DIGEST/points/NUMBER.points`, each signed by two people. Changes are added and never
//! taken back; a later change of the same bin counts. Each names the digest of the one before, and the journal names all of them, so that none can be left
//! out.

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
use tributary_storage::journal::read_view;

use super::RegistryError;
use super::loaded::{LoadedModel, load};
use super::registers::Register;
use crate::settings::Settings;
use crate::store::ledger_of;

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
/// If a change is not the one that the journal names, is of another model, is not signed by two people of a roster that was in force here, or does not
/// follow the one before.
pub fn points(config: &Path, model: &LoadedModel) -> Result<Vec<PointsFile>, RegistryError> {
    let (state, digest) = (&model.state_dir, model.manifest.digest());
    let register = Register::Points(digest);
    let (_, files) = register.read(config, state)?;
    let mut all: Vec<PointsFile> = Vec::new();
    let mut signers = None;
    for (number, bytes) in (1..).zip(&files) {
        let fault = |fault: &'static str| RegistryError::Points { path: register.path(state, number), fault };
        let found = str::from_utf8(bytes).ok().and_then(PointsFile::parse);
        let file = found.ok_or_else(|| fault("it is no change of points of this release"))?;
        let previous = all.last().map_or(Digest::ZERO, |last| last.statement.digest());
        let signers = match &mut signers {
            Some(known) => known,
            none => none.insert(Signers::read(config)?),
        };
        if !file.stands(number, &digest, Some(&previous)) || !signers.signed(&file) {
            return Err(fault(
                "it does not follow the change before it, or two people of a roster of this federation have not signed it",
            ));
        }
        all.push(file);
    }
    Ok(all)
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
    model.check_usable()?;
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

/// Puts a change that two people signed into the register, and then on record in the journal. One that is there already is left as it is.
///
/// # Errors
/// If it does not count, does not follow the last one, or does not fit the card; then nothing has changed. Nor has anything where the journal does not take
/// it: the file is removed again.
pub fn install_points(config: &Path, path: &Path, schema: Option<&Path>) -> Result<PathBuf, RegistryError> {
    let file = PointsFile::read(path)?;
    let settings = Settings::load(config)?;
    let authorities = authorities(config, &settings)?;
    let roster = read_roster(&settings.identity.roster, &authorities)
        .map_err(|error| fault(config, "identity.roster", &error))?;
    let model = load(config, &file.statement.model.to_string(), schema)?;
    model.check_usable()?;
    file.judge(&roster.roster, &authorities.digest(), Some(unix_seconds()))?;
    let mut changes = points(config, &model)?;
    let register = Register::Points(model.manifest.digest());
    if let Some(place) = changes.iter().position(|change| change.statement == file.statement) {
        // A command that could not end before, or somebody else, has brought it.
        return Ok(register.path(&model.state_dir, place as u64 + 1));
    }
    let number = changes.len() as u64 + 1;
    let previous = changes.last().map_or(Digest::ZERO, |last| last.statement.digest());
    if (file.statement.sequence, file.statement.previous) != (number, previous) {
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
    let path = register.place(&model.state_dir, number)?;
    let _turn = register.turn(&model.state_dir)?;
    file.write(&path).map_err(register.unwritten(&model.state_dir, number))?;
    register.put_on_record(config, &model.state_dir, number)?;
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

fn authorities(config: &Path, settings: &Settings) -> Result<RosterAuthorities, RegistryError> {
    RosterAuthorities::read(&settings.identity.authorities)
        .map_err(|error| fault(config, "identity.authorities", &error))
}

fn fault(config: &Path, key: &str, error: &dyn std::fmt::Display) -> RegistryError {
    let allowed = "a file of this federation".into();
    Faults { file: config.to_path_buf(), faults: vec![Fault { key: key.into(), found: error.to_string(), allowed }] }
        .into()
}

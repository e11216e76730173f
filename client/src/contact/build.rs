//! A list is made: scores, tables and the register are read, the rules applied, the hold-out drawn and recorded, the list written and recorded.
//! Nothing of it is shown before it is on the disk.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_certs::entropy::OsEntropy;
use tributary_protocol::digest::Digest;
use tributary_storage::files::create_private_folder;
use tributary_texts::contact as words;

use super::choose::{Candidate, Counts, Grounds, LeftOut, choose};
use super::event::{BuiltList, ContactEvent};
use super::grounds::Facts;
use super::handed::is_unused;
use super::holdout::{Assigned, draw};
use super::pseudonym::Pseudonym;
use super::rules::{Measure, Rules};
use super::scores::{ScoreRow, Wanted, read_note, read_scores};
use super::sheet::{Line, Sheet, write_private_file};
use super::signed::SignedRules;
use super::store::{Store, noted};
use super::withdrawn::{not_withdrawn, void_withdrawn};
use crate::data::RowFault;
use crate::error::ClientError;
use crate::identity::own_signing_key;
use crate::score::ScoresNote;
use crate::settings::Settings;

/// A list that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Built {
    /// Its number.
    pub list: u32,
    /// What is approved.
    #[serde(serialize_with = "super::hex::one")]
    pub digest: Digest,
    /// The campaign.
    pub campaign: String,
    /// Rows of the scores file.
    pub rows: u64,
    /// Lines.
    pub lines: u32,
    /// Who was left out, by rule.
    pub left_out: Counts,
    /// Last second of the list.
    pub valid_until: u64,
    /// Where a copy was written, if one was asked for.
    pub copy: Option<PathBuf>,
}

impl Built {
    pub(super) fn of(built: &BuiltList, copy: Option<PathBuf>) -> Self {
        Self {
            list: built.list,
            digest: built.digest(),
            campaign: built.campaign.clone(),
            rows: built.rows,
            lines: built.lines,
            left_out: built.left_out.clone(),
            valid_until: built.valid_until,
            copy,
        }
    }
}

/// Makes a list. `output`: a folder for a copy of its lines and of its counts. `now` is in Unix seconds.
///
/// # Errors
/// If settings, rules, scores or a table cannot be used. Then there is no list.
pub fn build(
    config: &Path,
    rules: &Path,
    scores: &Path,
    output: Option<&Path>,
    now: u64,
) -> Result<Built, ClientError> {
    let settings = Settings::load(config)?;
    let signed = SignedRules::of(&settings, rules)?;
    if let Some(folder) = output {
        create_private_folder(folder).map_err(ClientError::file)?;
    }
    let mut store = Store::open(&settings, now)?;
    store.clock_stands(now)?;
    signed.is_in_force(rules, store.register(), now)?;
    void_withdrawn(&settings, &mut store, now)?;
    let copied = output.map(|folder| folder.join(format!("list-{:06}.csv", store.register().next_list())));
    if let Some(path) = &copied {
        is_unused(path).and_then(|()| is_unused(&path.with_extension("json")))?;
    }
    let built = make(&settings, &mut store, (&signed, rules), scores, now)?;
    let sheet = store.sheet(built.list)?;
    if let Some(path) = &copied {
        store.note_copy(built.list, path)?;
    }
    let copy = copied.map(|path| copy(path, &built, &sheet)).transpose()?;
    Ok(Built::of(&built, copy))
}

fn make(
    settings: &Settings,
    store: &mut Store,
    (signed, rules_path): (&SignedRules, &Path),
    scores: &Path,
    now: u64,
) -> Result<BuiltList, ClientError> {
    let rules = &signed.rules;
    let (rules_at, scores_at) = (noted(rules_path)?, noted(scores)?);
    let note = read_note(scores, &own_signing_key(&settings.identity.folder)?.verifying_key())?;
    let branch = signed.branch.to_string();
    let wanted = Wanted {
        branch: &branch,
        purpose: &rules.purpose,
        label: &rules.label,
        states: &rules.states,
        days_max: rules.scores_days_max,
        now,
    };
    note.judge(scores, &wanted)?;
    let valid_until = rules.last_second_of_list(now, note.valid_until);
    let valid_until = valid_until.ok_or_else(|| ClientError::Said(words::scores_end_today(scores.display())))?;
    let models = note.digests(scores)?;
    not_withdrawn(settings, store, (&models, scores), now)?;
    let facts = Facts::read(settings, rules, store, (now, None))?;
    let mut counts = Counts::new();
    let chosen = chosen(store, rules, &facts, (scores, &note), &mut counts)?;
    let chosen = without_held_out(store, rules, &facts, chosen, (now, &mut counts))?;
    let lines = lines(&facts, rules, (scores, &note), &chosen)?;
    let members: Vec<Pseudonym> = chosen.iter().map(|candidate| candidate.customer).collect();
    let list = store.register().next_list();
    let files = store.write_list(list, &Sheet { lines }, &members, &signed.text)?;
    let built = BuiltList {
        list,
        branch,
        campaign: rules.campaign.clone(),
        rules: (rules.digest, signed.sequence),
        owner: signed.owner.clone(),
        rules_path: rules_at,
        scores: Digest::from_hex(&note.digest).unwrap_or(Digest::ZERO),
        scores_path: scores_at,
        scores_made_at: note.made_at,
        models,
        label: rules.label.clone(),
        confidential: facts.confidential,
        tables: facts.lines.noted(store.key(), list),
        rows: note.rows,
        lines: u32::try_from(members.len()).map_err(ClientError::file)?,
        left_out: counts,
        files,
        made_at: now,
        valid_until,
    };
    store.record(now, ContactEvent::ListBuilt(Box::new(built.clone())))?;
    Ok(built)
}

/// Everybody whom the rules choose, the best first.
fn chosen(
    store: &Store,
    rules: &Rules,
    facts: &Facts,
    (scores, note): (&Path, &ScoresNote),
    counts: &mut Counts,
) -> Result<Vec<Candidate>, ClientError> {
    let grounds = Grounds {
        rules,
        attributes: &facts.attributes,
        excluded: &store.register().excluded,
        contacts: &facts.contacts,
        open: &facts.open,
    };
    let (mut candidates, mut ids) = (Vec::new(), HashSet::new());
    read_scores(scores, note, &rules.label, &mut |row, scored| {
        // The very same id twice: nobody knows which scores are the customer's.
        if !ids.insert(Digest::of(scored.customer.as_bytes())) {
            return Err(RowFault::of("customer", "a customer who is in the file twice; score each customer once"));
        }
        let customer = Pseudonym::of(store.key(), &scored.customer);
        let mut left = |why| *counts.entry(why).or_default() += 1;
        if let Some(why) = grounds.bar(&scored.customer, customer) {
            left(why);
            return Ok(());
        }
        let taken = note.state_of(&scored.model).is_some_and(|state| rules.states.iter().any(|own| own == state));
        if !taken {
            left(LeftOut::OtherModel);
            return Ok(());
        }
        let Some((value, score)) = numbers(&scored, rules.choice.by)? else {
            left(LeftOut::NoValue);
            return Ok(());
        };
        match grounds.team(&scored.customer) {
            Some(team) => candidates.push(Candidate { row, customer, value, score, team }),
            None => left(LeftOut::NoTeam),
        }
        Ok(())
    })?;
    Ok(choose(candidates, rules, counts))
}

/// The number by which a customer is chosen, and the logit; nothing where the file has none.
fn numbers(row: &ScoreRow, by: Measure) -> Result<Option<(f64, f64)>, RowFault> {
    let number = |text: &str, what: &str| match text {
        "" => Ok(None),
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(RowFault::of(what, "no finite number")),
        },
    };
    let score = number(&row.score, "score")?;
    let text = match by {
        Measure::Score => &row.score,
        Measure::Probability => &row.probability,
        Measure::Decile => &row.decile,
        Measure::Points => &row.points,
    };
    Ok(number(text, by.word())?.zip(score))
}

/// Draws the hold-out, and records it, before anybody sees who is chosen.
fn without_held_out(
    store: &mut Store,
    rules: &Rules,
    facts: &Facts,
    chosen: Vec<Candidate>,
    (now, counts): (u64, &mut Counts),
) -> Result<Vec<Candidate>, ClientError> {
    let mut before = store.assigned_by(rules, now)?;
    let Some(rule) = rules.hold_out else { return Ok(without(chosen, &before, counts)) };
    let group = rule.group(&rules.campaign);
    let customers: Vec<Pseudonym> = chosen.iter().map(|candidate| candidate.customer).collect();
    let is_hidden = |customer: &Pseudonym| facts.hidden.contains(customer);
    let renewed = rules.confidential.as_ref().map(|confidential| confidential.renewed_permille);
    let hidden = renewed.map(|permille| (&is_hidden as &dyn Fn(&Pseudonym) -> bool, permille));
    let drawn = draw(&customers, &before, rule, hidden, &mut OsEntropy);
    let until = now.saturating_add(u64::from(rule.days).saturating_mul(86_400));
    if !drawn.held.is_empty() || !drawn.first.is_empty() {
        store.record_draw(now, (group, until), &drawn)?;
    }
    before.held.extend(drawn.held);
    Ok(without(chosen, &before, counts))
}

/// The chosen ones who are not held out; the others are counted.
fn without(chosen: Vec<Candidate>, assigned: &Assigned, counts: &mut Counts) -> Vec<Candidate> {
    let (held, stays): (Vec<Candidate>, Vec<Candidate>) =
        chosen.into_iter().partition(|candidate| assigned.held.contains(&candidate.customer));
    held.iter().for_each(|_| *counts.entry(LeftOut::HeldOut).or_default() += 1);
    stays
}

/// The texts of the chosen rows. The file is read once more, so that no more than these are kept in memory.
fn lines(
    facts: &Facts,
    rules: &Rules,
    (scores, note): (&Path, &ScoresNote),
    chosen: &[Candidate],
) -> Result<Vec<Line>, ClientError> {
    let places: HashMap<u64, u32> = (1..).zip(chosen).map(|(line, candidate)| (candidate.row, line)).collect();
    let mut lines = Vec::with_capacity(chosen.len());
    read_scores(scores, note, &rules.label, &mut |row, scored| {
        if let Some(line) = places.get(&row) {
            let ScoreRow { customer, score, probability, decile, points, reasons, ends, model } = scored;
            let team = facts.attributes.team(&customer).to_owned();
            let line = *line;
            lines.push(Line { line, customer, team, score, probability, decile, points, reasons, ends, model });
        }
        Ok(())
    })?;
    lines.sort_unstable_by_key(|line| line.line);
    Ok(lines)
}

/// Writes the lines and the counts for people.
fn copy(path: PathBuf, built: &BuiltList, sheet: &Sheet) -> Result<PathBuf, ClientError> {
    write_private_file(&path, &sheet.to_bytes()).map_err(ClientError::file)?;
    let mut counts = serde_json::to_vec_pretty(&Built::of(built, None)).map_err(ClientError::file)?;
    counts.push(b'\n');
    write_private_file(&path.with_extension("json"), &counts).map_err(ClientError::file)?;
    Ok(path)
}

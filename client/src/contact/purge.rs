//! Files about customers that are past their time are deleted. That is recorded first, and certified afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_certs::clock::since_1970;
use tributary_certs::deletion::Removed;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;
use tributary_storage::files::shown;
use tributary_storage::unfinished::is_begun_draft;
use tributary_texts::{Said, customer as words};

use super::certificates::{Certifying, Going};
use super::event::ContactEvent;
use super::itself::{digest_of, is_gone};
use super::kept_scores::{KeptScores, delete_each, kept_scores};
use super::made::{INTERRUPTED, UNFINISHED, delete_unfinished, left_behind};
use super::recall::finish;
use super::settings::Retention;
use super::store::Store;
use super::undone::Undone;
use crate::error::ClientError;
use crate::models::old;
use crate::settings::Settings;

/// What is past its time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Whether it was only looked at.
    pub dry_run: bool,
    /// Lists, by their numbers.
    pub lists: Vec<u32>,
    /// Draws of hold-outs.
    #[serde(serialize_with = "super::hex::all")]
    pub draws: Vec<Digest>,
    /// Scores files.
    pub scores: Vec<PathBuf>,
    /// Models that are no champion any more.
    #[serde(serialize_with = "super::hex::all")]
    pub models: Vec<Digest>,
    /// Counts of data sets, and old drafts in the state folder.
    pub caches: Vec<PathBuf>,
    /// Drafts beside scores, copies and handed-over files that an interruption left. They go at once, and not by their age.
    pub unfinished: Vec<PathBuf>,
    /// The certificate's number, if something was deleted.
    pub certificate: Option<u32>,
    /// Why models stay, if they do.
    #[serde(serialize_with = "crate::english::one")]
    pub models_stay: Option<Said>,
    /// Each file or folder that is there still or could not be looked at, with the cause.
    #[serde(serialize_with = "crate::english::all")]
    pub left: Vec<Said>,
    /// Why the note of an earlier recall could not be written, if it could not.
    #[serde(serialize_with = "crate::english::one")]
    pub recalls_wait: Option<Said>,
}

impl Purged {
    /// Whether all was done.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && self.recalls_wait.is_none()
    }

    /// For people.
    ///
    /// # Errors
    /// If something was not done: what is left, and what was done.
    pub fn said(&self) -> Result<Vec<Said>, ClientError> {
        if self.is_whole() {
            return Ok(self.lines(words::nothing_past()));
        }
        let mut lines: Vec<Said> = self.recalls_wait.clone().into_iter().collect();
        if !self.left.is_empty() {
            lines.push(words::purge_left());
            lines.extend(self.left.iter().cloned());
            lines.push(words::purge_left_then());
        }
        lines.extend(self.lines(words::nothing_else_past()));
        Err(ClientError::Said(Said::joined(&lines, "\n")))
    }

    fn lines(&self, nothing: Said) -> Vec<Said> {
        let [past, left] = match self.dry_run {
            true => [words::would_be_purged(), words::unfinished_would_be_purged()],
            false => [words::purged(), words::unfinished_purged()],
        };
        let mut lines: Vec<Said> = self.lists.iter().map(words::purged_list).collect();
        if !self.draws.is_empty() {
            lines.push(words::purged_draws(self.draws.len()));
        }
        lines.extend(self.scores.iter().map(|path| words::purged_scores(shown(path))));
        lines.extend(self.models.iter().map(|model| words::purged_model(model.short())));
        lines.extend(self.caches.iter().map(|path| words::purged_cache(shown(path))));
        if !lines.is_empty() {
            lines.insert(0, past);
        }
        if !self.unfinished.is_empty() {
            lines.push(left);
            lines.extend(self.unfinished.iter().map(|path| words::purged_unfinished(shown(path))));
        }
        if lines.is_empty() {
            lines.push(nothing);
        }
        lines.extend(self.certificate.map(words::certified));
        lines.extend(self.models_stay.clone());
        lines
    }
}

/// Deletes what is past its time by the settings, and what interruptions have left; with `dry_run` it is only named.
///
/// # Errors
/// If settings, register or the register's own files cannot be used. A file elsewhere that cannot be looked at or deleted holds no other up: it is named in
/// [`Purged::left`], and is deleted by the same command again.
pub fn purge(config: &Path, dry_run: bool, now: u64) -> Result<Purged, ClientError> {
    let settings = Settings::load(config)?;
    let mut store = Store::open(&settings, now)?;
    let kept = settings.retention;
    let models = Millis(before(now, kept.models_days).saturating_mul(1000));
    let mut recalls = Ok(Vec::new());
    if !dry_run {
        // The folder of the bank's system may be away, and what is past its time goes all the same.
        recalls = finish(&mut store, now);
        // What the last purge deleted before it was interrupted.
        if let Some(left) = Certifying::left(&settings, &store)? {
            left.end(&mut store, is_deleted)?;
        }
    }
    let mut undone = Undone::default();
    let mut found = past(&store, &settings, (kept, now), &mut undone);
    found.dry_run = dry_run;
    found.models = old::past(&settings, models)?;
    let going = going(&store, &settings, &mut found, &mut undone)?;
    if !dry_run {
        let certifying = Certifying::begin(&settings, &mut store, (going, now))?;
        delete(&mut store, &mut found, now, &mut undone)?;
        match old::delete(&settings, models, Millis(now.saturating_mul(1000))) {
            Ok(models) => found.models = models,
            Err(fault) => {
                found.models.clear();
                found.models_stay = Some(words::models_stay(fault.said()));
            }
        }
        store.record_purged("models", found.models.len(), now)?;
        found.certificate = certifying.end(&mut store, is_deleted)?;
    }
    found.left = undone.into_lines();
    found.recalls_wait = recalls.err().map(|fault| fault.said());
    Ok(found)
}

/// Deletes all but models. Of what was found, that stays which is gone now.
fn delete(store: &mut Store, found: &mut Purged, now: u64, undone: &mut Undone) -> Result<(), ClientError> {
    for list in &found.lists {
        store.record(now, ContactEvent::ListPurged { list: *list, at: now })?;
        store.delete_list(*list)?;
    }
    for draw in &found.draws {
        store.record(now, ContactEvent::DrawPurged { draw: *draw, at: now })?;
        store.delete_draw(draw)?;
    }
    // A file that was exchanged since the first look is another one now.
    let scores = kept_scores(store).kept.into_iter().filter(|scores| found.scores.contains(&scores.path));
    let scores: Vec<KeptScores> = scores.collect();
    store.record_purged(KeptScores::KIND, scores.len(), now)?;
    scores.iter().for_each(|scores| scores.delete(undone));
    store.record_purged(CACHES, found.caches.len(), now)?;
    delete_each(&found.caches, undone);
    found.unfinished = delete_unfinished(store, std::mem::take(&mut found.unfinished), now, undone)?.0;
    for paths in [&mut found.scores, &mut found.caches] {
        paths.retain(|path| is_gone(path));
    }
    Ok(())
}

/// What is about to be deleted, with digests and rules. A file that cannot be looked at stays, and is named: nobody could certify what it was.
fn going(
    store: &Store,
    settings: &Settings,
    found: &mut Purged,
    undone: &mut Undone,
) -> Result<Vec<Going>, ClientError> {
    let kept = settings.retention;
    let rule = |key: &str, days: u16| format!("retention.{key} = {days}");
    let [lists, scores, models, caches] = [
        rule("lists_days", kept.lists_days),
        rule("scores_days", kept.scores_days),
        rule("models_days", kept.models_days),
        rule("caches_days", kept.caches_days),
    ];
    let of = |kind: &str, name: String, digest: Digest, rule: &str, path: Option<PathBuf>| {
        let removed = Removed { kind: kind.to_owned(), name, digest: digest.to_string(), rule: rule.to_owned() };
        Going { removed, path }
    };
    let mut going = Vec::new();
    for list in &found.lists {
        let files = store.list(*list)?.files;
        // Both of its files, under one name.
        let digest = Digest::of_parts(&[files.sheet.as_bytes(), files.members.as_bytes()]);
        going.push(of(LIST, format!("{list:06}"), digest, &lists, None));
    }
    going.extend(found.draws.iter().map(|draw| of(DRAW, draw.short(), *draw, &lists, None)));
    let Purged { scores: files, caches: old, unfinished, .. } = found;
    for (kind, paths, rule) in [
        (KeptScores::KIND, files, scores.as_str()),
        ("cache", old, caches.as_str()),
        (UNFINISHED, unfinished, INTERRUPTED),
    ] {
        paths.retain(|path| match digest_of(path) {
            Ok(digest) => {
                let name = path.file_name().map(|name| shown(Path::new(name)).to_string()).unwrap_or_default();
                // A text of a certificate neither begins nor ends with a space.
                going.push(of(kind, name.trim().to_owned(), digest, rule, Some(path.clone())));
                true
            }
            Err(_) if is_gone(path) => false,
            Err(fault) => {
                undone.file(&fault);
                false
            }
        });
    }
    for model in &found.models {
        let path = old::folder(&settings.state_dir, model);
        // One that is gone was certified when it went, and the ledger of models could not be written.
        if !is_gone(&path) {
            going.push(of("model", model.to_string(), *model, &models, Some(path)));
        }
    }
    Ok(going)
}

/// Most drafts and counts of one purge: the next one goes on. A certificate is a file of bounded length.
const CACHES_MAX: usize = 10_000;

const LIST: &str = "list";
const DRAW: &str = "draw";
/// The kind of counts and old drafts, as the register calls it.
const CACHES: &str = "caches";

/// Whether something is not there any more.
fn is_deleted(store: &Store, going: &Going) -> bool {
    let Removed { kind, name, digest, .. } = &going.removed;
    match kind.as_str() {
        LIST => name.parse().is_ok_and(|list| store.list(list).is_ok_and(|list| list.purged)),
        DRAW => Digest::from_hex(digest).is_some_and(|draw| !store.register().draws.contains_key(&draw)),
        _ => going.path.as_deref().is_some_and(is_gone),
    }
}

/// The second before which something is past its time.
fn before(now: u64, days: u16) -> u64 {
    now.saturating_sub(u64::from(days).saturating_mul(86_400))
}

fn past(store: &Store, settings: &Settings, (kept, now): (Retention, u64), undone: &mut Undone) -> Purged {
    let register = store.register();
    let (lists, scores, caches) =
        (before(now, kept.lists_days), before(now, kept.scores_days), before(now, kept.caches_days));
    let over = register.lists.iter().filter(|(_, list)| !list.purged && list.built.valid_until < lists);
    let files = kept_scores(store);
    undone.also(files.undone);
    let caches = old_caches(&settings.state_dir, caches);
    let mut unfinished = left_behind(store, undone);
    // Scores may lie in the state folder: what is past its time there is that, and is named once.
    unfinished.retain(|path| !caches.contains(path));
    unfinished.truncate(CACHES_MAX.saturating_sub(caches.len()));
    Purged {
        lists: over.map(|(number, _)| *number).collect(),
        draws: register.draws.iter().filter(|(_, (_, until))| *until < lists).map(|(draw, _)| *draw).collect(),
        scores: files.kept.into_iter().filter(|file| file.made_at < scores).map(|file| file.path).collect(),
        caches,
        unfinished,
        ..Purged::default()
    }
}

/// Counts of data sets of days before this second, and drafts that were left before it.
fn old_caches(state_dir: &Path, second: u64) -> Vec<PathBuf> {
    let inside = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let day = Date::of_second(second);
    let folders = ["", "readiness", "models", "grants", "inbox", "contact"].map(|name| state_dir.join(name));
    let mut found: Vec<PathBuf> = folders
        .into_iter()
        .flat_map(inside)
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let counts = name.strip_suffix(".counts").and_then(Date::parse).is_some_and(|of| of < day);
            let draft = (name.starts_with('.') && name.ends_with(".tmp")) || is_begun_draft(path);
            counts || (draft && is_older(path, second))
        })
        .collect();
    found.sort();
    found.truncate(CACHES_MAX);
    found
}

fn is_older(path: &Path, second: u64) -> bool {
    let changed = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).and_then(|found| found.modified().ok());
    changed.and_then(|changed| since_1970(changed).ok()).is_some_and(|changed| changed.as_secs() < second)
}

#[cfg(test)]
mod tests {
    use tributary_texts::Language;

    use super::*;
    use crate::contact::tests::{NOW, RULES, World};

    /// Only what is gone is called deleted.
    #[test]
    fn what_cannot_be_deleted_is_named_and_not_called_deleted() {
        let world = World::new(RULES);
        let paths = ["a", "b", "c", "d"].map(|name| world.at(name));
        [&paths[0], &paths[2]].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        [&paths[1], &paths[3]].into_iter().for_each(|file| fs::write(file, "").unwrap());
        let [caches, unfinished] = [paths[..2].to_vec(), paths[2..].to_vec()];
        let mut found = Purged { caches, unfinished, ..Purged::default() };
        let (mut store, mut undone) = (Store::open(&world.settings(), NOW).unwrap(), Undone::default());
        delete(&mut store, &mut found, NOW, &mut undone).unwrap();
        assert_eq!((found.caches, found.unfinished), (vec![paths[1].clone()], vec![paths[3].clone()]));
        let told = Said::joined(&undone.into_lines(), "\n").text(Language::English).to_owned();
        assert!(told.contains("/a: ") && told.contains("/c: ") && !told.contains("/b"), "{told}");
    }
}

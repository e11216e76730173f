//! The audit of a bundle: every part against its digest, every ledger against the rule book, every signature against the roster, every roster against its
//! authorities, every kept sum and model against what it follows from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;

use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::budget::Kept;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use super::checked::{Audited, Standing};
use super::checkpoints::{Checkpoints, CheckpointsReport, Disagrees, Held, is_part};
use super::contents::Contents;
use super::days::Days;
use super::fault::Fault;
use super::format::{AUTHORITIES, CONTENTS, HEADS, JOURNAL, PART};
use super::grants::Grants;
use super::part::Piece;
use super::reader::{Bundle, Source};
use crate::entries::{Bad, Entry, decode, whole};
use crate::heads::{self, HeadsReport};
use crate::journal::JournalAudit;
use crate::journal_report::{JournalReport, of_run};
use crate::retained::{Item, Retained};
use crate::run::{NotVerified, RunReport};
use crate::trust::Federation;

/// Whose bundle it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// These roster authorities.
    List(RosterAuthorities),
    /// Those of this fingerprint.
    Fingerprint(Digest),
}

impl Authority {
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::List(list) => list.digest(),
            Self::Fingerprint(digest) => *digest,
        }
    }
}

/// How a bundle is judged.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose it must be. Without it a bundle is never intact: it says itself whose it is.
    pub authority: Option<Authority>,
    /// Whatever was not verified of its days counts as missing.
    pub strict: bool,
    /// The days for which whoever verifies it asks: of runs of other days nothing that is kept is wanted. Without them it is wanted of every run.
    pub days: Option<(Date, Date)>,
    /// The verifier's clock. A bundle that says a later time was made now.
    pub now: Millis,
    /// A checkpoint that somebody else holds: the journal must have its root.
    pub checkpoint: Option<Held>,
}

/// Folders whose every part is named by the journal.
const NAMED: [&str; 8] = ["rounds/", "sums/", "registry/", "cards/", "attacks/", "exports/", "models/", "plans/"];

/// What is kept in a bundle, and what of it was looked at.
struct Looked<'a, S> {
    bundle: &'a Bundle<S>,
    names: RefCell<BTreeSet<String>>,
}

impl<S: Source> Retained for Looked<'_, S> {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        let name = item.name();
        let found = self.bundle.part(&name);
        if found.is_some() {
            self.names.borrow_mut().insert(name);
        }
        found
    }
}

/// Audits a bundle.
///
/// # Errors
/// If the file cannot be read any more.
pub fn audit<S: Source>(bundle: &Bundle<S>, options: &Options) -> io::Result<Audited> {
    let mut found = Findings::default();
    for part in bundle.changed()? {
        found.wrong(&part, "its bytes are not those that the table of contents names");
    }
    let contents = bundle.part(CONTENTS).map(|bytes| Contents::read(&bytes));
    let contents = match contents {
        Some(None) => {
            found.wrong(CONTENTS, "it does not say for which days the bundle was made");
            None
        }
        Some(contents) => contents,
        None => {
            found.missing.push("for which days the bundle was made".into());
            None
        }
    };
    let labelled = contents.as_ref().map(|contents| contents.part.is_some());
    if labelled.is_some_and(|labelled| labelled != bundle.is_partial()) {
        let why = match bundle.is_partial() {
            true => "it does not call the bundle a part, and entries of the journal are left out",
            false => "it calls the bundle a part, and the bundle has the whole journal",
        };
        found.wrong(CONTENTS, why);
    }
    let (authorities, wrong_key) = authorities(bundle, options, &mut found);
    let federation = authorities.as_ref().map(RosterAuthorities::digest);
    let looked = Looked { bundle, names: RefCell::default() };
    let partial = bundle.is_partial();
    let mut journal = JournalAudit::new(&looked, authorities, partial);
    let mut checkpoints = Checkpoints::read(bundle, options.checkpoint.as_ref());
    let walked = bundle.journal(|piece| match piece {
        Piece::Entry(entry) => {
            checkpoints.follow(entry);
            journal.follow(entry)
        }
        Piece::LeftOut { height, root } => {
            checkpoints.skip(*height, *root);
            Ok(())
        }
    });
    let days = Days::of(contents.as_ref(), options.now, options.days);
    let report = match walked {
        None => {
            found.missing.push("the coordinator's journal".into());
            None
        }
        Some(walked) => found.take(
            if partial { PART } else { JOURNAL },
            walked.and_then(|extent| journal.report(&extent, Some(days.made))),
        ),
    };
    found.faults.extend(days.fault(journal.last()));
    found.missing.extend(days.missing());
    let kept = budget_heads(bundle, journal.federation(), &mut found);
    if report.is_some() && !partial {
        match &kept {
            Some((_, heads)) => journal.budgets().missed(heads).iter().for_each(|why| found.wrong(HEADS, why)),
            None if bundle.names().all(|name| name != HEADS) && !journal.budgets().is_empty() => {
                found
                    .missing
                    .push("the newest budget heads of the branches, which a coordinator keeps for good".into());
            }
            None => {}
        }
    }
    let heads = kept.map(|(heads, _)| heads);
    let mut grants = Grants::read(bundle, journal.federation(), &mut found.faults);
    found.missing.extend(grants.count(journal.runs(), &mut found.faults, &mut found.not_verified));
    let mut witnessed = CheckpointsReport::default();
    if report.is_some() {
        unnamed(bundle, &looked, &mut found);
        witnessed = checkpoints.judge(bundle, federation, journal.federation(), &mut found.faults);
        let goes_on = contents.as_ref().is_some_and(|contents| contents.goes_on);
        if let Some(held) = &options.checkpoint {
            match checkpoints.against(held, federation, goes_on) {
                Ok(entries) => witnessed.held_entries = Some(entries),
                Err(Disagrees::Wrong(why)) => found.wrong(&held.name, &why),
                Err(Disagrees::Open(why)) => found.missing.push(why),
            }
        }
        found.not_verified.extend(witnessed.after());
        let cosigned = witnessed.witnessed_at.map(|second| Millis(second.saturating_mul(1000)));
        found.missing.extend(days.stale(journal.last(), cosigned));
        if witnessed.witnessed_entries == 0 {
            found.missing.push(
                "a checkpoint that more than half of the roster's branches have cosigned: nobody but the coordinator vouches for the journal"
                    .into(),
            );
        }
    }
    let spans: Vec<Option<(Millis, Millis)>> = journal.runs().map(|run| run.span()).collect();
    let rosters = journal.federation().verified;
    let mut elsewhere = journal.elsewhere();
    let journal = report;
    if let Some(left_out) = journal.as_ref().map(|journal| journal.left_out).filter(|left_out| *left_out > 0) {
        let count = u32::try_from(left_out).unwrap_or(u32::MAX);
        elsewhere.insert(0, NotVerified { count, reason: "entries of the journal".into() });
        if options.days.is_some() {
            let reason =
                "entries are left out, and nothing shows whether a run of the days that you ask for is among them";
            found.not_verified.push(NotVerified { count, reason: reason.into() });
        }
    }
    let mut outside = Vec::new();
    for (run, span) in journal.iter().flat_map(|journal| &journal.runs).zip(&spans) {
        let inside = days.has(*span);
        if inside && !run.retained {
            found.missing.push(format!(
                "uploads or sums of run {} of the plan {} that its plan has kept at this time; if you do not ask for its days, name yours with --from and --to",
                run.run, run.plan
            ));
        }
        let list = if inside { &mut found.not_verified } else { &mut outside };
        of_run(run).into_iter().for_each(|one| one.join(list));
    }
    let registry = journal.iter().filter_map(|journal| journal.registry.as_ref());
    let disputed = registry.clone().flat_map(|registry| &registry.disputed);
    found.missing.extend(disputed.map(|report| format!("a report of attacks that fits its model: {report}")));
    found.missing.extend(registry.clone().flat_map(|registry| &registry.missing).cloned());
    registry.flat_map(|registry| &registry.not_verified).for_each(|one| one.clone().join(&mut found.not_verified));
    if federation.is_some() && options.authority.is_none() {
        found
            .missing
            .push("a word of yours whose bundle this must be: name the roster authorities with --authority".into());
    }
    let strict = options.strict && !found.not_verified.is_empty();
    let standing = match (found.faults.is_empty(), wrong_key, found.missing.is_empty() && !strict) {
        (false, ..) => Standing::Tampered,
        (true, true, _) => Standing::WrongKey,
        (true, false, false) => Standing::Incomplete,
        (true, false, true) => Standing::Intact,
    };
    let sum = |of: fn(&RunReport) -> u32| {
        journal.iter().flat_map(|journal| &journal.runs).map(of).fold(0, u32::saturating_add)
    };
    let signatures = journal.as_ref().map_or(0, JournalReport::signatures);
    Ok(Audited {
        standing,
        bundle: bundle.digest().to_string(),
        bytes: bundle.length(),
        parts: bundle.names().count(),
        part: contents.as_ref().and_then(|contents| contents.part.clone()),
        asked: options.days.map(|(from, to)| (from.to_string(), to.to_string())),
        made: contents.as_ref().map(|contents| contents.made),
        now: options.now.0,
        days: contents.map(|contents| (contents.from, contents.to)),
        federation: federation.map(|federation| federation.to_string()),
        authority_given: options.authority.is_some(),
        signatures: signatures.saturating_add(rosters).saturating_add(witnessed.checkpoints + witnessed.cosignatures),
        sums_verified: sum(|run| run.sums_verified),
        models_verified: sum(|run| run.models_verified),
        checkpoints: witnessed,
        heads,
        grants: grants.report,
        faults: found.faults,
        missing: found.missing,
        not_verified: found.not_verified,
        outside,
        elsewhere,
        journal,
    })
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    faults: Vec<Fault>,
    missing: Vec<String>,
    not_verified: Vec<NotVerified>,
}

impl Findings {
    fn wrong(&mut self, part: &str, reason: &str) {
        self.faults.push(Fault { part: part.to_owned(), reason: reason.to_owned() });
    }

    fn take<T>(&mut self, part: &str, found: Result<T, Bad>) -> Option<T> {
        found.map_err(|bad| self.wrong(part, bad.to_string().trim())).ok()
    }
}

/// The authorities by whom rosters are judged, and whether they are others than those that were named.
fn authorities<S: Source>(
    bundle: &Bundle<S>,
    options: &Options,
    found: &mut Findings,
) -> (Option<RosterAuthorities>, bool) {
    let part = bundle.part(AUTHORITIES);
    let own = part.as_ref().map(|bytes| str::from_utf8(bytes).ok().and_then(RosterAuthorities::parse));
    let wanted = options.authority.as_ref();
    match own {
        None => {
            found.missing.push("the list of roster authorities".into());
            match wanted {
                Some(Authority::List(list)) => (Some(list.clone()), false),
                _ => (None, false),
            }
        }
        Some(None) => {
            found.wrong(AUTHORITIES, "it is no list of roster authorities");
            (None, false)
        }
        Some(Some(own)) => {
            let other = wanted.is_some_and(|wanted| wanted.digest() != own.digest());
            (Some(own), other)
        }
    }
}

/// The branches' budget heads, where they are here, and every entry of their file.
fn budget_heads<S: Source>(
    bundle: &Bundle<S>,
    federation: &mut Federation,
    found: &mut Findings,
) -> Option<(HeadsReport, Vec<Entry<Kept>>)> {
    let bytes = bundle.part(HEADS)?;
    let judged = whole(&bytes).and_then(|scan| {
        let entries = decode::<Kept>(&scan, LedgerId::ADMINISTRATION)?;
        federation.of_heads(&entries)?;
        let report = heads::audit(&entries, scan.log.head().to_string())?;
        Ok((report, entries))
    });
    found.take(HEADS, judged)
}

/// Parts that nothing names: they would be believed for lying beside what was verified.
fn unnamed<S: Source>(bundle: &Bundle<S>, looked: &Looked<'_, S>, found: &mut Findings) {
    let looked = looked.names.borrow();
    let whole = [if bundle.is_partial() { PART } else { JOURNAL }, AUTHORITIES, CONTENTS, HEADS];
    for name in bundle.names() {
        if NAMED.iter().any(|folder| name.starts_with(folder)) {
            if !looked.contains(name) {
                found.wrong(name, "nothing in the journal names it");
            }
        } else if !whole.contains(&name) && !name.starts_with("grants/") && !is_part(name) {
            found.wrong(name, "a bundle of this release has no such part");
        }
    }
}

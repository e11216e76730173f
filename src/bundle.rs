//! `tributary verify audit` and `verify model`: what an auditor runs on a bundle. No network, and no key of the coordinator.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tributary_certs::clock::unix_millis;
use tributary_certs::roster::RosterAuthorities;
use tributary_evidence::Item;
use tributary_evidence::RegisteredModel;
#[cfg(all(feature = "rehearsal", feature = "coordinator"))]
use tributary_evidence::attacks::claimed;
use tributary_evidence::bundle::{Audited, Authority, Bundle, BundleFault, Fault, Held, Options, Standing, audit};
#[cfg(all(feature = "rehearsal", feature = "coordinator"))]
use tributary_evidence::bundle::{BundledModel, bundled_model};
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::NOTE_BYTES_MAX;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::Printable;
use tributary_protocol::registry::ModelState;
use tributary_protocol::time::Millis;
use tributary_storage::files::{open_file, read_at_most};

use crate::day::date;
use crate::exit::{Exit, Failure};
use crate::{given, json};

/// A bundle, opened.
pub(crate) type Opened = Bundle<BufReader<File>>;

/// Which bundle, and whose it must be.
#[derive(Args)]
pub(crate) struct BundleOptions {
    /// The bundle
    file: PathBuf,
    /// The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    authority: Option<String>,
    /// Count as missing whatever could not be verified: sums, models or figures that are not kept
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    days: DaysOptions,
    /// A checkpoint that somebody else holds, such as the file `newest` of a branch: the journal must be the one of which it was signed
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// For which days somebody verifies a bundle.
#[derive(Args)]
pub(crate) struct DaysOptions {
    /// First day of yours, YYYY-MM-DD, in UTC: of runs of other days nothing that is kept is wanted. Without days it is wanted of every run
    #[arg(long, value_name = "DATE", value_parser = date, requires = "to")]
    from: Option<Date>,
    /// Last day of yours, YYYY-MM-DD, in UTC
    #[arg(long, value_name = "DATE", value_parser = date, requires = "from")]
    to: Option<Date>,
}

impl DaysOptions {
    /// How a bundle is judged for these days, by the clock of this machine.
    ///
    /// # Errors
    /// If the last day is before the first.
    pub(crate) fn judging(&self, authority: Option<Authority>, strict: bool) -> Result<Options, Failure> {
        let days = self.from.zip(self.to);
        if days.is_some_and(|(from, to)| from > to) {
            return Err(Failure::usage("--from is after --to; name the first day first"));
        }
        Ok(Options { authority, strict, days, now: Millis(unix_millis()), checkpoint: None })
    }
}

/// A model in a bundle.
#[derive(Args)]
pub(crate) struct ModelOptions {
    #[command(flatten)]
    bundle: BundleOptions,
    /// The model: its digest, or the first 8 or more digits of it; without it, every champion
    #[arg(long, value_name = "DIGEST")]
    model: Option<String>,
    /// Parameters as a branch or a program has them: they must be the model's
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// A model card that somebody has: it must be the model's own, as the registry names it
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
}

/// Why nothing was verified.
#[derive(Serialize)]
struct Unreadable {
    standing: &'static str,
    file: PathBuf,
    reason: String,
}

/// Verifies a bundle and prints what was found.
///
/// # Errors
/// If `--authority` names nothing.
pub(crate) fn verify(options: &BundleOptions) -> Result<Exit, Failure> {
    let Some((_, audited)) = opened(options)? else { return Ok(Exit::Unreadable) };
    print(&audited, options);
    Ok(exit(audited.standing))
}

/// Verifies a bundle, and the models in it.
///
/// # Errors
/// If `--authority` or `--model` names nothing.
pub(crate) fn verify_model(options: &ModelOptions) -> Result<Exit, Failure> {
    let Some((bundle, mut audited)) = opened(&options.bundle)? else { return Ok(Exit::Unreadable) };
    let registered = audited.journal.iter().filter_map(|journal| journal.registry.as_ref());
    let all: Vec<RegisteredModel> = registered.flat_map(|registry| registry.each.iter().cloned()).collect();
    let asked: Vec<&RegisteredModel> = match &options.model {
        Some(digits) => all.iter().filter(|one| digits.len() >= 8 && one.model.starts_with(digits)).collect(),
        None => all.iter().filter(|one| one.state == "champion").collect(),
    };
    if asked.is_empty() && audited.faults.is_empty() {
        audited.missing.push(match &options.model {
            Some(digits) => format!("a model {digits} in the registry"),
            None => "a champion in the registry; name a model with --model".into(),
        });
    }
    if bundle.is_partial() && !asked.is_empty() {
        audited.missing.push(
            "the end of the federation's own ledger, which a part of a journal does not show: a model may have been withdrawn since; verify it with a bundle of all runs"
                .into(),
        );
    }
    for model in &asked {
        if model.alarmed {
            audited.missing.push(format!(
                "a model that may be used: a report of attacks shows that {} has a larger epsilon than its plan claims",
                model.model
            ));
        }
        if model.state == ModelState::Withdrawn.name() {
            audited.missing.push(format!("a model that may be used: {} is withdrawn", model.model));
        }
        if !model.follows {
            audited.missing.push(format!("what shows that the model {} follows from its sums", model.model));
        }
    }
    if let (Some(path), [model]) = (&options.parameters, asked.as_slice()) {
        let own = Digest::from_hex(&model.model).and_then(|digest| bundle.part(&Item::Parameters(digest).name()));
        let given = given::evidence(path).map_err(Failure::failed)?;
        match own {
            None => audited.missing.push("the model's parameters, to compare the file with".into()),
            Some(own) if own == given => {}
            Some(_) => audited.faults.push(Fault {
                part: path.display().to_string(),
                reason: format!("these are not the parameters of the model {}", model.model),
            }),
        }
    } else if options.parameters.is_some() {
        return Err(Failure::usage("--parameters compares with one model; name it with --model"));
    }
    match (&options.card, asked.as_slice()) {
        (None, _) => {}
        (Some(path), [model]) => {
            let given = given::paper(path).map_err(Failure::failed)?;
            if model.card != Some(Digest::of(&given).to_string()) {
                let reason = format!("this is not the card of the model {}, or was changed", model.model);
                audited.faults.push(Fault { part: path.display().to_string(), reason });
            }
        }
        _ => return Err(Failure::usage("--card compares with one model; name it with --model")),
    }
    audited.standing = match audited.standing {
        _ if !audited.faults.is_empty() => Standing::Tampered,
        Standing::Intact if !audited.missing.is_empty() => Standing::Incomplete,
        other => other,
    };
    print(&audited, &options.bundle);
    if !options.bundle.json {
        asked.iter().for_each(|model| println!("{model}"));
    }
    Ok(exit(audited.standing))
}

/// The bundle and what its audit came to; nothing where it cannot be read, which is said here.
///
/// # Errors
/// If `--authority` names nothing, or the days are in the wrong order.
fn opened(options: &BundleOptions) -> Result<Option<(Opened, Audited)>, Failure> {
    let authority = options.authority.as_deref().map(authority).transpose()?;
    let checkpoint = options.checkpoint.as_deref().map(held).transpose()?;
    let judging = Options { checkpoint, ..options.days.judging(authority, options.strict)? };
    match audited(&options.file, &judging) {
        Ok(both) => Ok(Some(both)),
        Err(BundleFault::OtherTable) => {
            // It is a bundle, and not as it was made.
            tell(options, "tampered", &BundleFault::OtherTable);
            Err(Failure { exit: Exit::Failed, message: "the bundle was changed".into() })
        }
        Err(fault) => {
            tell(options, "unreadable", &fault);
            Ok(None)
        }
    }
}

/// A checkpoint that somebody holds.
///
/// # Errors
/// If the file cannot be read, or is longer than any checkpoint.
fn held(path: &Path) -> Result<Held, Failure> {
    let note = read_at_most(path, NOTE_BYTES_MAX as u64).map_err(Failure::failed)?;
    Ok(Held { name: path.display().to_string(), note })
}

/// A registered model of a bundle that is in order, with its plan.
#[cfg(all(feature = "rehearsal", feature = "coordinator"))]
pub(crate) struct Registered {
    /// The model's digest.
    pub(crate) model: Digest,
    /// The plan, read with its schema where that is there.
    pub(crate) planned: tributary_model::planned::Planned,
    /// The model's parameters.
    pub(crate) parameters: tributary_model::parameters::Parameters,
    /// What the registry says.
    pub(crate) line: RegisteredModel,
    /// The epsilon of one customer that the plan claims for a run.
    pub(crate) claimed: Option<String>,
    /// At which delta.
    pub(crate) delta: Option<String>,
}

/// A model of a bundle, whose evidence contradicts in nothing.
///
/// # Errors
/// If the bundle cannot be read, was changed, is another federation's, or does not hold the model with its plan.
#[cfg(all(feature = "rehearsal", feature = "coordinator"))]
pub(crate) fn registered_in(file: &Path, whose: &str, model: &str) -> Result<(Opened, Audited, Registered), Failure> {
    let days = DaysOptions { from: None, to: None };
    let (bundle, audited) = audited(file, &days.judging(Some(authority(whose)?), false)?)
        .map_err(|fault| Failure::failed(format!("{}: {fault}", file.display())))?;
    if matches!(audited.standing, Standing::Tampered | Standing::WrongKey) {
        let why = audited.standing.words();
        return Err(Failure::failed(format!(
            "{}: {why}, so nothing is tested; `tributary verify audit` says what is wrong",
            file.display()
        )));
    }
    let registered = audited.journal.iter().filter_map(|journal| journal.registry.as_ref());
    let found: Vec<&RegisteredModel> = registered
        .flat_map(|registry| &registry.each)
        .filter(|one| model.len() >= 8 && one.model.starts_with(model))
        .collect();
    let [line] = found.as_slice() else {
        let count = found.len();
        return Err(Failure::failed(format!(
            "{count} models of the bundle begin with these digits; name one by 8 digits or more"
        )));
    };
    let model = Digest::from_hex(&line.model).ok_or_else(|| Failure::failed("the model is no digest"))?;
    let BundledModel { planned, parameters, .. } = bundled_model(&bundle, &model).map_err(Failure::failed)?;
    let claimed = claimed(planned.plan());
    let delta = claimed.as_ref().map(|_| format!("{:e}", planned.plan().delta()));
    let registered = Registered { model, line: (*line).clone(), claimed, delta, planned, parameters };
    Ok((bundle, audited, registered))
}

/// Opens and audits a bundle. A file beside it that names another digest contradicts it.
///
/// # Errors
/// [`BundleFault`].
pub(crate) fn audited(file: &Path, options: &Options) -> Result<(Opened, Audited), BundleFault> {
    let opened = open_file(file).map_err(|fault| BundleFault::Io(std::io::Error::other(fault)))?;
    let bundle = Bundle::open(BufReader::with_capacity(1 << 18, opened))?;
    let mut audited = audit(&bundle, options)?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".digest");
    let beside = Path::new(&beside);
    let reason = match given::beside(beside) {
        Ok(None) => None,
        Ok(Some(named)) if named.trim_ascii() == audited.bundle.as_bytes() => None,
        Ok(Some(named)) => {
            let named = Printable::of_bytes(&named);
            Some(format!("it names the bundle {named}, and this one is another"))
        }
        Err(fault) => Some(format!("it does not name this bundle: {fault}")),
    };
    if let Some(reason) = reason {
        audited.faults.push(Fault { part: beside.display().to_string(), reason });
        audited.standing = Standing::Tampered;
    }
    Ok((bundle, audited))
}

/// The roster authorities of a fingerprint, or of a file with their list.
///
/// # Errors
/// If it is neither.
pub(crate) fn authority(text: &str) -> Result<Authority, Failure> {
    if let Some(digest) = Digest::from_hex(text) {
        return Ok(Authority::Fingerprint(digest));
    }
    let list = RosterAuthorities::read(Path::new(text));
    list.map(Authority::List).map_err(|fault| {
        Failure::usage(format!("--authority takes the list of roster authorities or its 64 digits: {fault}"))
    })
}

fn tell(options: &BundleOptions, standing: &'static str, fault: &BundleFault) {
    let (file, reason) = (options.file.clone(), fault.to_string());
    if options.json {
        json::print(&Unreadable { standing, file, reason });
    } else {
        println!("{}  {}\n  {reason}", standing.to_uppercase(), file.display());
    }
}

fn print(audited: &Audited, options: &BundleOptions) {
    if options.json {
        let mut object = serde_json::to_value(audited).expect("an audit is plain data");
        object["file"] = serde_json::json!(options.file);
        json::print(&object);
    } else {
        println!("{}  {}\n{audited}", audited.standing.words(), options.file.display());
    }
}

fn exit(standing: Standing) -> Exit {
    match standing {
        Standing::Intact => Exit::Done,
        Standing::Tampered => Exit::Failed,
        Standing::Incomplete => Exit::Incomplete,
        Standing::WrongKey => Exit::WrongKey,
    }
}

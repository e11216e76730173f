//! `tributary inspect`: what a supervisor's inspector asks to see, and how a command that shows it records the look first.

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::told::{read_look, sign_look, write_look};
use tributary_coordinator::registry::{Recordable, put_on_record};
use tributary_protocol::plan::Date;
use tributary_protocol::registry::{Look, Sight};
use tributary_storage::files::shown;

use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};
use crate::{json, typed};

/// What an inspector asks to see.
#[derive(Args)]
pub(crate) struct InspectOptions {
    /// What: the command that shows it
    #[arg(value_parser = typed::word(Sight::ALL, Sight::name))]
    what: Sight,
    /// The inspector's folder (`tributary certs person request`)
    #[arg(long, value_name = "DIR")]
    person: PathBuf,
    /// The list of roster authorities: it names the federation
    #[arg(long, value_name = "FILE")]
    authorities: PathBuf,
    /// The first day, YYYY-MM-DD of UTC, where it is of days
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    from: Option<Date>,
    /// The last day, YYYY-MM-DD of UTC, where it is of days
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    to: Option<Date>,
    /// Of which plans, or which incident, as the command names it
    #[arg(long, default_value = "all")]
    scope: String,
    /// Where the signed request is written, to be carried to the coordinator
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// By whose request something is shown.
#[derive(Args)]
pub(crate) struct InspectionOptions {
    /// An inspector's signed request (`tributary inspect`): it is recorded in the journal before anything is shown
    #[arg(long, value_name = "FILE")]
    inspection: Option<PathBuf>,
}

/// What a command shows.
pub(crate) struct Asked<'a> {
    what: Sight,
    days: Option<(Date, Date)>,
    scope: &'a str,
}

impl<'a> Asked<'a> {
    /// Something that is of no days.
    pub(crate) fn of(what: Sight, scope: &'a str) -> Self {
        Self { what, days: None, scope }
    }

    /// Something of these days, the last one included.
    pub(crate) fn of_days(what: Sight, days: (Date, Date), scope: &'a str) -> Self {
        Self { what, days: Some(days), scope }
    }

    fn seconds(&self) -> (u64, u64) {
        self.days.map_or((0, 0), |(from, to)| (from.first_second(), to.first_second()))
    }
}

impl InspectionOptions {
    /// Records the look where there is an inspector, durable when this returns. Without one nothing is recorded: the operator is asked.
    ///
    /// # Errors
    /// If the request asks for something else, or does not count: then nothing may be shown.
    pub(crate) fn record(&self, config: &Path, asked: &Asked<'_>) -> Result<(), Failure> {
        let Some(file) = &self.inspection else { return Ok(()) };
        let signed = read_look(file).map_err(Failure::failed)?;
        let look = &signed.look;
        if look.what != asked.what || (look.from, look.to) != asked.seconds() || look.scope.raw() != asked.scope {
            return Err(Failure::failed(format!(
                "{}: the inspector asks for something else than this command shows: {}{}, scope {}. Nothing was shown; type the command that was \
                 asked for, or have another request signed",
                shown(file),
                look.what.name(),
                days(look),
                look.scope
            )));
        }
        let words = put_on_record(config, &Recordable::Look(Box::new(signed))).map_err(Failure::failed)?;
        eprintln!("recorded in the journal: {words}");
        Ok(())
    }
}

fn days(look: &Look) -> String {
    match look.what.is_of_days() {
        true => format!(" of {} to {}", Date::of_second(look.from), Date::of_second(look.to)),
        false => String::new(),
    }
}

/// Signs a request.
///
/// # Errors
/// Why nothing was signed.
pub(crate) fn run(options: &InspectOptions) -> Result<Exit, Failure> {
    let InspectOptions { what, person, authorities, from, to, scope, out, json } = options;
    let days = match (what.is_of_days(), from, to) {
        (true, Some(from), Some(to)) if from <= to => Some((*from, *to)),
        (true, ..) => {
            return Err(Failure::usage(format!(
                "{} is of days: name the first with --from and the last with --to",
                what.name()
            )));
        }
        (false, None, None) => None,
        (false, ..) => return Err(Failure::usage(format!("{} is of no days: leave out --from and --to", what.name()))),
    };
    let federation = RosterAuthorities::read(authorities).map_err(Failure::failed)?.digest();
    let person = SigningPerson::open(person).map_err(Failure::failed)?;
    let (from, to) = Asked { what: *what, days, scope }.seconds();
    let look = Look { federation, what: *what, from, to, scope: scope.as_str().into() };
    let signed = sign_look(&person, look, unix_seconds()).map_err(Failure::failed)?;
    write_look(&signed, out).map_err(Failure::failed)?;
    if *json {
        json::print(
            &serde_json::json!({ "file": out, "look": signed.id().to_string(), "staff": person.staff().as_str() }),
        );
    } else {
        println!(
            "{}: signed by {}; it counts once. Carry it to the coordinator, and name it with --inspection",
            shown(out),
            person.staff()
        );
    }
    Ok(Exit::Done)
}

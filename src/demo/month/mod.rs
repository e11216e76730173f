//! How the demo ends: a month at work, by the commands that a bank's people type.
//!
//! ```text
//! promoted ─ card, report on the gates, validator's signature, pilot, promotion; every branch fetches the champion
//! listed   ─ three branches: scores, a list by signed rules, approval, delivery, the bank's answer, a reply to a customer
//! exported ─ the champion for other systems, with number, recipient and last day; scorecards
//! witnessed ─ the checkpoint after all of it, which more than half of the branches cosign
//! page     ─ all of it on the demo's report
//! ```

mod done;
mod exported;
mod invented;
mod listed;
mod page;
mod promoted;
mod typist;
mod witnessed;

use tributary_certs::clock::unix_seconds;
use tributary_storage::files::create_private_folder;
use tributary_texts::Language;

pub(super) use self::done::Month;
use self::exported::export;
pub(super) use self::invented::Customers;
use self::listed::{LABEL, ListingBranch};
pub(super) use self::page::chapters;
use self::promoted::{Desk, PILOTS};
use self::typist::Typist;
use self::witnessed::witnessed;
use super::processes::Processes;
use super::workplace::{Workplace, branch_name};

/// The branches that make a list, each in the language of its people. The first ones are the pilot as well.
pub(super) const LANGUAGES: [Language; 3] = [Language::English, Language::English, Language::Chinese];

/// What the plan of a model that goes to work says of its gates. The limits are far from what the demo reaches, and far from chance.
pub(super) fn gates(bank: &str) -> String {
    let pilots: Vec<String> = (0..).map(branch_name).take(PILOTS).map(|name| format!("{bank}/{name}")).collect();
    let labels = ["churn", LABEL].map(|label| {
        format!(
            "[[gates.label]]\nlabel = \"{label}\"\nauc_min = 0.7\ncalibration_error_max = 0.1\nlift_min = 1.5\nlift_share = 0.1\n\
             stability_max = 0.25\n\n"
        )
    });
    format!("\n{}[gates.pilot]\nbranches = {pilots:?}\ncopies_min = {PILOTS}\ndays = 0\n", labels.concat())
}

/// Does the month's work with a model of the registry, while the daemons run. Ids of customers that are not invented stay in the folders of their branches.
///
/// # Errors
/// If a command fails, or a daemon ends.
pub(super) async fn work(
    workplace: &Workplace,
    model: String,
    (members, invented): (usize, bool),
    processes: &mut Processes,
) -> anyhow::Result<Month> {
    let (folder, now) = (workplace.month(), unix_seconds());
    create_private_folder(&folder)?;
    let mut typist = Typist::new(&folder.join("commands.txt"))?;
    let desk = Desk { workplace, folder: &folder, model: &model, members, now };
    let promoted = desk.promote(&mut typist, processes).await?;
    let (mut lists, mut exports) = (Vec::new(), Vec::new());
    if promoted.copies.is_some() {
        for (name, language) in (0..).map(branch_name).zip(LANGUAGES) {
            let (branch, schema) = (workplace.branch(&name), workplace.schema());
            let branch = ListingBranch { name: &name, folder: &branch, schema: &schema, language, invented };
            lists.push(branch.list(&mut typist).await?);
        }
        exports = export(&workplace.coordinator_settings(), &folder, unix_seconds(), &mut typist).await?;
    }
    witnessed(workplace, members).await?;
    let (champion, gates) = (promoted.copies.is_some(), promoted.gates.clone());
    Ok(Month { model, champion, gates, lists, exports, folder, promoted })
}

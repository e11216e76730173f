//! A model validator's signature on a report of attacks: it is shown in words, then the person answers, then the key signs.

use std::path::PathBuf;

use clap::Args;
use tributary_evidence::attacks::AttacksFile;
use tributary_protocol::role::{Action, Role};
use tributary_storage::files::{Existing, read_public, write_public};
use tributary_texts::Language;

use super::page;
use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::exit::Failure;
use crate::json;
use crate::signed::SignerOptions;

/// Who signs what.
#[derive(Args)]
pub(crate) struct SignOptions {
    /// The report (`tributary redteam run`); the signature becomes part of it
    file: PathBuf,
    #[command(flatten)]
    signer: SignerOptions,
}

/// `tributary redteam sign`.
pub(super) fn sign(SignOptions { file: path, signer }: &SignOptions) -> Result<(), Failure> {
    let file = AttacksFile::read(&read_public(path).map_err(Failure::failed)?).map_err(Failure::failed)?;
    if let Some(staff) = file.staff() {
        return Err(Failure::failed(format!("{staff} has signed it; nothing was signed")));
    }
    let (person, federation) = signer.open()?;
    let report = file.findings.report(federation).map_err(Failure::failed)?;
    let (digest, action, role) = (report.digest(), Action::ReportAttacks, Role::ModelValidator);
    for line in page::told(&file.findings) {
        signer.show(&format!("{}\n", line.text(Language::English)));
    }
    signer.show(&format!("\nTo be signed: {action} by {} as {role}\n", person.staff()));
    let shown = file.findings.digest();
    let asked = Shown::english("this report", shown, "Read the report above", "Read the report again");
    asked.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&shown, "report", entropy)])?;
    let signed = person.attest(action, digest, federation, role, unix_seconds()).map_err(Failure::failed)?;
    let file = file.with(&signed);
    let out = signer.out.as_ref().unwrap_or(path);
    write_public(out, file.to_json().as_bytes(), Existing::Replace).map_err(Failure::failed)?;
    if signer.json {
        json::print(&serde_json::json!({ "file": out, "digest": file.digest(), "alarm": file.findings.alarm }));
    } else {
        println!("{}: carry it to the coordinator and install it there (`tributary redteam install`)", out.display());
    }
    Ok(())
}

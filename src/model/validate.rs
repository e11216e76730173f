//! A model validator's signature on the report on a model's gates: it is shown in words with what the validator adds, then the person answers, then the
//! key signs.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::gates::{ReportFile, Validation};
use tributary_protocol::role::{Action, Role};

use super::report;
use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::draft::Draft;
use crate::exit::Failure;
use crate::json;
use crate::signed::SignerOptions;
use crate::typed;

/// Who signs what.
#[derive(Args)]
pub(crate) struct ValidateOptions {
    /// The report (`tributary model gates`); what the validator adds and the signature become part of it
    file: PathBuf,
    /// The draft that `tributary validate replicate` wrote, in the place of the three below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["findings", "conditions", "valid_until"], required_unless_present = "findings")]
    draft: Option<PathBuf>,
    /// What was found, in a sentence
    #[arg(long, value_name = "TEXT", requires = "valid_until")]
    findings: Option<String>,
    /// A condition under which the model is used; once for each
    #[arg(long = "condition", value_name = "TEXT")]
    conditions: Vec<String>,
    /// The last day on which the report lets the model become champion, YYYY-MM-DD; within two years
    #[arg(long, value_name = "DATE", value_parser = typed::last_second)]
    valid_until: Option<u64>,
    #[command(flatten)]
    signer: SignerOptions,
}

impl ValidateOptions {
    /// What the validator adds to a report on this model: findings, conditions, and the last second.
    fn words(&self, model: &str) -> Result<(String, Vec<String>, u64), Failure> {
        if let Some(path) = &self.draft {
            let Draft { findings, conditions, valid_until, .. } = Draft::read(path, model)?;
            let until =
                typed::last_second(&valid_until).map_err(|fault| Failure::failed(format!("valid_until: {fault}")))?;
            return Ok((findings, conditions, until));
        }
        match (&self.findings, self.valid_until) {
            (Some(findings), Some(until)) => Ok((findings.clone(), self.conditions.clone(), until)),
            _ => Err(Failure::usage("name --draft, or --findings and --valid-until")),
        }
    }
}

/// `tributary model validate`.
pub(super) fn validate(options: &ValidateOptions) -> Result<(), Failure> {
    let ValidateOptions { file: path, signer, .. } = options;
    let mut file = ReportFile::read(path).map_err(Failure::failed)?;
    let (findings, conditions, valid_until) = options.words(&file.report.model.to_string())?;
    let (person, federation) = signer.open()?;
    let validation = Validation { findings: &findings, conditions: &conditions, valid_until };
    let (staff, now) = (person.staff(), unix_seconds());
    let report = file.validated(&validation, (staff, &federation), now).map_err(Failure::failed)?;
    let shown = ReportFile { report, ..file.clone() };
    let digest = shown.report.digest();
    let (action, role) = (Action::ValidateModel, Role::ModelValidator);
    signer.show(&report::in_words(&shown));
    signer.show(&format!("  findings  {}\n", shown.report.findings));
    for condition in &shown.report.conditions {
        signer.show(&format!("  condition {condition}\n"));
    }
    signer.show(&format!("\nTo be signed: {action} by {staff} as {role}\n"));
    // Where there is no terminal, the digest is that of the report as it was made: what the validator adds stands on the same command line.
    let made = file.report.digest();
    let asked = Shown::english("this report", made, "Read the report above", "Read the report again");
    asked.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&digest, "report", entropy)])?;
    file.sign(&validation, &person, federation, now).map_err(Failure::failed)?;
    let out = signer.out.as_ref().unwrap_or(path);
    file.replace(out).map_err(Failure::failed)?;
    if signer.json {
        json::print(&report::as_json(&file, out));
    } else {
        let next = match file.check_gates() {
            Ok(()) => "carry it to the coordinator, where statements rest on it (`--evidence`)".to_owned(),
            Err(fault) => format!("no model becomes champion by it: {fault}"),
        };
        println!("{}: {next}", out.display());
    }
    Ok(())
}

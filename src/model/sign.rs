//! A person's signature on a statement about a model: it is shown in words, then the person answers, then the key signs.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::model::StatementFile;
use tributary_protocol::role::Role;

use super::statement;
use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::exit::Failure;
use crate::json;
use crate::signed::SignerOptions;
use crate::typed;

/// Who signs what.
#[derive(Args)]
pub(crate) struct SignOptions {
    /// The statement; the signature is added to it
    pub(super) file: PathBuf,
    /// In which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(super) role: Role,
    #[command(flatten)]
    pub(super) signer: SignerOptions,
}

/// `tributary model sign`.
pub(super) fn sign(SignOptions { file: path, role, signer }: &SignOptions) -> Result<(), Failure> {
    let mut file = StatementFile::read(path).map_err(Failure::failed)?;
    let (person, federation) = signer.open()?;
    file.may_sign(person.staff(), *role, &federation).map_err(Failure::failed)?;
    let digest = file.statement.digest();
    let (action, staff) = (file.statement.step.action(), person.staff());
    signer.show(&format!("{}\nTo be signed: {action} by {staff} as {role}\n", statement::in_words(&file)));
    let asked = Shown::english("this statement", digest, "Read the statement above", "Read the statement again");
    asked.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&digest, "statement", entropy)])?;
    file.sign(&person, *role, federation, unix_seconds()).map_err(Failure::failed)?;
    let out = signer.out.as_ref().unwrap_or(path);
    file.replace(out).map_err(Failure::failed)?;
    if signer.json {
        json::print(&statement::as_json(&file, out));
    } else {
        let next = match file.signed() {
            Some(_) => {
                "two people have signed it; carry it to the coordinator and install it there (`tributary model install`)"
            }
            None => "it has one signature; carry it to somebody else in another role (`tributary model sign`)",
        };
        println!("{}: {next}", out.display());
    }
    Ok(())
}

//! Points that people set in the place of a model's: the change is made, signed by two people in two roles, and put into the register.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_certs::points::PointsFile;
use tributary_protocol::role::Role;

use super::points_words::{as_json, in_words};
use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::exit::Failure;
use crate::json;
use crate::signed::SignerOptions;
use crate::typed;

/// `tributary model points`.
#[derive(Subcommand)]
pub(crate) enum PointsCommand {
    #[cfg(feature = "coordinator")]
    #[command(flatten)]
    Register(super::points_register::RegisterCommand),
    /// Sign a change of points; two people in two roles must
    Sign(SignOptions),
}

/// Who signs what.
#[derive(Args)]
pub(crate) struct SignOptions {
    /// The change; the signature is added to it
    #[arg(value_name = "CHANGE")]
    file: PathBuf,
    /// In which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    role: Role,
    #[command(flatten)]
    signer: SignerOptions,
}

/// Does what was asked.
pub(super) fn run(command: &PointsCommand) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "coordinator")]
        PointsCommand::Register(command) => super::points_register::run(command),
        PointsCommand::Sign(options) => sign(options),
    }
}

fn sign(SignOptions { file: path, role, signer }: &SignOptions) -> Result<(), Failure> {
    let mut file = PointsFile::read(path).map_err(Failure::failed)?;
    let (person, federation) = signer.open()?;
    file.may_sign(person.staff(), *role, &federation).map_err(Failure::failed)?;
    let (digest, staff) = (file.statement.digest(), person.staff());
    signer.show(&format!("{}\nTo be signed: change-points by {staff} as {role}\n", in_words(&file)));
    let asked = Shown::english("this change", digest, "Read the change above", "Read the change again");
    asked.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&digest, "change", entropy)])?;
    file.sign(&person, *role, federation, unix_seconds()).map_err(Failure::failed)?;
    let out = signer.out.as_ref().unwrap_or(path);
    file.replace(out).map_err(Failure::failed)?;
    if signer.json {
        json::print(&as_json(&file, out));
    } else {
        let next = match file.signatures.len() {
            0 | 1 => "it has one signature; carry it to somebody else in another role (`tributary model points sign`)",
            _ => {
                "two people have signed it; carry it to the coordinator and install it there (`tributary model points install`)"
            }
        };
        println!("{}: {next}", out.display());
    }
    Ok(())
}

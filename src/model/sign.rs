//! A person's signature on a statement about a model: it is shown in words, then the person answers, then the key signs.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::model::StatementFile;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::Role;

use super::statement;
use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::exit::Failure;
use crate::json;
use crate::typed;

/// Who signs what.
#[derive(Args)]
pub(crate) struct SignOptions {
    /// The statement; the signature is added to it
    pub(super) file: PathBuf,
    /// The folder of whoever signs (`tributary certs person request`)
    #[arg(long, value_name = "DIR")]
    pub(super) person: PathBuf,
    /// In which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(super) role: Role,
    /// The list of roster authorities: it names the federation
    #[arg(long, value_name = "FILE")]
    pub(super) authorities: PathBuf,
    /// Where there is no terminal: the digest of the statement that was looked at
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
    pub(super) confirm: Option<Digest>,
    /// Where the signed file goes [default: in place of the file]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Print one JSON object about what was signed
    #[arg(long)]
    pub(super) json: bool,
}

/// `tributary model sign`.
pub(super) fn sign(options: &SignOptions) -> Result<(), Failure> {
    let mut file = StatementFile::read(&options.file).map_err(Failure::failed)?;
    let federation = RosterAuthorities::read(&options.authorities).map_err(Failure::failed)?.digest();
    let person = SigningPerson::open(&options.person).map_err(Failure::failed)?;
    file.may_sign(person.staff(), options.role, &federation).map_err(Failure::failed)?;
    let digest = file.statement.digest();
    // To standard error with --json: whoever signs sees it in any case.
    let text = format!(
        "{}\nTo be signed: {} by {} as {}\n",
        statement::in_words(&file),
        file.statement.step.action(),
        person.staff(),
        options.role
    );
    if options.json {
        eprint!("{text}");
    } else {
        print!("{text}");
    }
    let asked = Shown::english("this statement", digest, "Read the statement above", "Read the statement again");
    asked.confirm(options.confirm.as_ref(), |entropy| vec![group_of(&digest, "statement", entropy)])?;
    file.sign(&person, options.role, federation, unix_seconds()).map_err(Failure::failed)?;
    let out = options.out.as_ref().unwrap_or(&options.file);
    file.replace(out).map_err(Failure::failed)?;
    if options.json {
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

//! People's signatures at the command line: who signs, and what was signed, in words and as JSON.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;

use crate::exit::Failure;
use crate::typed;

/// Who signs a file, and where it goes.
#[derive(Args)]
pub(crate) struct SignerOptions {
    /// The folder of whoever signs (`tributary certs person request`)
    #[arg(long, value_name = "DIR")]
    person: PathBuf,
    /// The list of roster authorities: it names the federation
    #[arg(long, value_name = "FILE")]
    authorities: PathBuf,
    /// Where there is no terminal: the digest of what was looked at
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
    pub(crate) confirm: Option<Digest>,
    /// Where the signed file goes [default: in place of the file]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object about what was signed
    #[arg(long)]
    pub(crate) json: bool,
}

impl SignerOptions {
    /// Whoever signs, and in which federation.
    ///
    /// # Errors
    /// A folder or a list that cannot be used.
    pub(crate) fn open(&self) -> Result<(SigningPerson, Digest), Failure> {
        let federation = self.authorities()?.digest();
        Ok((SigningPerson::open(&self.person).map_err(Failure::failed)?, federation))
    }

    /// The federation's list of roster authorities.
    ///
    /// # Errors
    /// A list that cannot be used.
    pub(crate) fn authorities(&self) -> Result<RosterAuthorities, Failure> {
        RosterAuthorities::read(&self.authorities).map_err(Failure::failed)
    }

    /// Shows what is about to be signed; beside a JSON object to whoever sits there.
    pub(crate) fn show(&self, text: &str) {
        if self.json {
            eprint!("{text}");
        } else {
            print!("{text}");
        }
    }
}

/// A signature in words. Whether it counts, the roster says, and nobody looked at it here.
pub(crate) fn told(attestation: &Attestation) -> String {
    let Attestation { action, staff, role, at, .. } = attestation;
    let at = tributary_certs::inspect::date(*at);
    format!("signed: {action} by {staff} as {role}, {at} (by the roster alone it counts or does not)")
}

/// The same of all of them, a line each.
pub(crate) fn all_told<'a>(attestations: impl Iterator<Item = &'a Attestation>) -> String {
    attestations.map(|attestation| told(attestation) + "\n").collect()
}

/// What was signed, as JSON objects.
pub(crate) fn as_json<'a>(attestations: impl Iterator<Item = &'a Attestation>) -> Vec<serde_json::Value> {
    let one = |attestation: &Attestation| {
        serde_json::json!({
            "action": attestation.action.name(),
            "staff": attestation.staff.as_str(),
            "role": attestation.role.name(),
            "at": attestation.at,
            "federation": attestation.federation.to_string(),
        })
    };
    attestations.map(one).collect()
}

//! `tributary client proof`: whether what a branch sent is in a sum, by the branch's own record and an auditor's bundle.

use std::path::PathBuf;

use clap::Args;
use tributary_client::proof::uploaded;
use tributary_evidence::bundle::{Sent, Standing, in_sum};
use tributary_protocol::ids::RoundId;
use tributary_texts::{Language, proof as words};

use crate::branch::explained;
use crate::bundle::{DaysOptions, audited, authority};
use crate::exit::{Exit, Failure};
use crate::json;

/// Which round, and by which bundle.
#[derive(Args)]
pub(crate) struct ProofOptions {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The run: the plan's digest or its first eight letters, and the run's number, such as 9f86d081/2
    #[arg(long, value_name = "PLAN/NUMBER")]
    run: String,
    /// The round
    #[arg(long)]
    round: u64,
    /// The audit bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits
    #[arg(long, value_name = "FILE|FINGERPRINT")]
    authority: Option<String>,
    #[command(flatten)]
    days: DaysOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Looks for what this branch sent in the sum of a round.
///
/// # Errors
/// If settings, the branch's own records or the bundle cannot be used.
pub(crate) fn run(options: &ProofOptions, language: Language) -> Result<Exit, Failure> {
    let round = RoundId(options.round);
    let sent = uploaded(&options.config, &options.run, round).map_err(|fault| explained(&fault, language))?;
    let authority = options.authority.as_deref().map(authority).transpose()?;
    let (bundle, audited) = audited(&options.bundle, &options.days.judging(authority, false)?)
        .map_err(|fault| Failure { exit: Exit::Unreadable, message: fault.to_string() })?;
    let found = in_sum(&bundle, &Sent { run: sent.run, round, vector: sent.vector });
    let standing = audited.standing;
    if options.json {
        let proof = found.as_ref().ok();
        json::print(&serde_json::json!({
            "in_sum": proof.is_some(), "proof": proof, "reason": found.as_ref().err(),
            "vector": sent.vector.to_string(), "in_sent_log": sent.in_sent, "in_budget_file": sent.in_budget, "bundle": audited.bundle, "standing": standing,
        }));
    } else {
        match &found {
            Ok(found) => {
                let said = words::in_sum(
                    sent.vector,
                    round.0,
                    sent.by(),
                    found.entry,
                    found.client,
                    &found.sum,
                    found.vectors,
                );
                println!("{}", said.text(language));
                let kept = if found.recomputed { words::recomputed() } else { words::not_recomputed() };
                println!("{}", kept.text(language));
            }
            Err(why) => println!("{}", words::not_in_sum(why).text(language)),
        }
        if standing != Standing::Intact {
            println!("{}", words::bundle_stands(standing.words()).text(language));
        }
    }
    Ok(match (found, standing) {
        (Err(_), _) | (_, Standing::Tampered) => Exit::Failed,
        (Ok(_), Standing::Intact) => Exit::Done,
        (Ok(_), Standing::Incomplete) => Exit::Incomplete,
        (Ok(_), Standing::WrongKey) => Exit::WrongKey,
    })
}

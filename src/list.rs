//! `tributary client list`: whom the branch contacts next, from the rules to the outcomes.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_client::contact::{self, Approving, SigningRestart};
use tributary_client::error::ClientError;
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_storage::files::shown;
use tributary_texts::{Language, Said, confirm as asked, contact as words};

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::confirm::{Act, Shown, drawn_group};
use crate::exit::{Exit, Failure};

/// `tributary client list`.
#[derive(Subcommand)]
pub(crate) enum ListCommand {
    /// Write commented rules into a folder: whom the lists of a campaign may name
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Make the key of the branch's risk control, with its public half beside it
    Key {
        /// The file of the private key; never replaced
        out: PathBuf,
    },
    /// Show the rules of lists in words, and sign them as they stand, with the key that signed the policy
    Sign {
        /// The rules
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Put newer rules of the owner in force before a list is made by them: no list is made or delivered by older ones
    Adopt {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The signed rules
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
    },
    /// Make a list of customers from scores, by signed rules: how many were left out by which rule, and why each line is in it
    Build {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The signed rules
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
        /// The scores, as `tributary client score` wrote them
        #[arg(long, value_name = "FILE")]
        scores: PathBuf,
        /// Write a copy of the lines and of the counts into this folder
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show a list with its counts and first lines, and sign it as the branch's risk control
    Approve {
        /// The number of the list
        list: u32,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of risk control
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The digest of what was read before, instead of a question
        #[arg(long, value_name = "DIGEST", value_parser = crate::typed::digest)]
        confirm: Option<Digest>,
    },
    /// Show a list with its counts and first lines
    Show {
        /// The number of the list
        list: u32,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show where each list stands
    Status {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Hand an approved list to the bank's system: a file, and the word beside it that it is whole
    Deliver {
        /// The number of the list
        list: u32,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The folder from which the bank's system reads
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Note the answer of the bank's system to a delivered list
    Receipt {
        /// The number of the list
        list: u32,
        /// The answer
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Take a list back: no line of it may be used, and a file tells the bank's system
    Recall {
        /// The number of the list
        list: u32,
        /// Why, in one line for the bank's system
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Begin a register that was cut again, knowingly: by a reason that two people sign
    #[command(subcommand)]
    Restart(RestartCommand),
    /// Note what became of the lines, from a file of the bank's system; rows that are not taken are named in a file beside it
    Outcomes {
        /// The outcomes
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// `tributary client list restart`.
#[derive(Subcommand)]
pub(crate) enum RestartCommand {
    /// Say what is left of the register and why it begins again, in a file that nobody has signed
    Draft {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Why, in one line
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The file; never replaced
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show such a file, and sign it: as the owner of the data, and as risk control
    Sign {
        /// The file
        file: PathBuf,
        /// The private key of whoever signs
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The digest of what was read before, instead of a question
        #[arg(long, value_name = "DIGEST", value_parser = crate::typed::digest)]
        confirm: Option<Digest>,
    },
    /// Begin the register again with what is left, once both have signed
    Install {
        /// The file
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Signed rules that name the key of risk control
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
    },
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: ListCommand, language: Language) -> Result<Exit, Failure> {
    let failed = |error: ClientError| explained(&error, language);
    let now = unix_seconds();
    match command {
        ListCommand::Init { folder } => {
            let path = contact::init_rules(&folder).map_err(failed)?;
            print(&[words::rules_written(shown(&path))], language);
        }
        ListCommand::Key { out } => print(&contact::make_approver(&out).map_err(failed)?, language),
        ListCommand::Sign { rules, key } => print(&contact::sign_rules(&rules, &key).map_err(failed)?, language),
        ListCommand::Adopt { config, rules } => print(&contact::adopt(&config, &rules, now).map_err(failed)?, language),
        ListCommand::Build { config, rules, scores, output, json } => {
            let built = contact::build(&config, &rules, &scores, output.as_deref(), now).map_err(failed)?;
            let lines = || {
                let mut lines = vec![contact::counted(built.rows, &built.left_out, built.lines)];
                lines.push(words::built(built.list, date(built.valid_until)));
                lines.push(words::digest_of_list(built.digest));
                lines.extend(built.copy.as_ref().map(|path| words::copied(shown(path))));
                lines
            };
            told(&built, json, language, lines);
        }
        ListCommand::Approve { list, config, key, confirm } => {
            let approving = Approving::open(&config, list, &key, now).map_err(failed)?;
            let said = approve(approving, (list, confirm.as_ref()), language)?;
            print(&[said], language);
        }
        ListCommand::Show { list, config, json } => {
            let shown = contact::show(&config, list, now).map_err(failed)?;
            told(&shown, json, language, || shown.said());
        }
        ListCommand::Status { config, json } => {
            let lists = contact::status(&config, now).map_err(failed)?;
            told(&serde_json::json!({ "lists": lists }), json, language, || match lists.is_empty() {
                true => vec![words::no_lists()],
                false => lists.iter().map(contact::Summary::said).collect(),
            });
        }
        ListCommand::Deliver { list, config, to } => {
            print(&contact::deliver(&config, list, &to, now).map_err(failed)?, language);
        }
        ListCommand::Receipt { list, file, config } => {
            print(&contact::receipt(&config, list, &file, now).map_err(failed)?, language);
        }
        ListCommand::Recall { list, reason, config } => {
            print(&contact::recall(&config, list, &reason, now).map_err(failed)?, language);
        }
        ListCommand::Restart(command) => restart(command, (language, now))?,
        ListCommand::Outcomes { file, config, json } => {
            let taken = contact::outcomes(&config, &file, now).map_err(failed)?;
            told(&taken, json, language, || taken.said());
        }
    }
    Ok(Exit::Done)
}

fn restart(command: RestartCommand, (language, now): (Language, u64)) -> Result<(), Failure> {
    let failed = |error: ClientError| explained(&error, language);
    match command {
        RestartCommand::Draft { config, reason, out } => {
            print(&contact::draft_restart(&config, &reason, &out, now).map_err(failed)?, language);
        }
        RestartCommand::Sign { file, key, confirm } => {
            let signing = SigningRestart::open(&file, &key).map_err(failed)?;
            print(&signing.said(), language);
            let digest = signing.digest();
            println!("{}", words::restart_to_sign(groups(&digest).join("-")).text(language));
            let (what, first, again) = (words::this_restart(), words::read_restart(), words::read_restart_again());
            let question = |number| asked::group_to_sign(number, words::restart_word());
            Shown { what, digest, first, again }.confirm_to(Act::Sign, language, confirm.as_ref(), |entropy| {
                vec![drawn_group(&digest, language, question, entropy)]
            })?;
            print(&[signing.sign(now).map_err(failed)?], language);
        }
        RestartCommand::Install { file, config, rules } => {
            print(&contact::install_restart(&config, &file, &rules, now).map_err(failed)?, language);
        }
    }
    Ok(())
}

/// Shows the list, asks, and signs.
fn approve(approving: Approving, (list, confirm): (u32, Option<&Digest>), language: Language) -> Result<Said, Failure> {
    print(&approving.shown().said(), language);
    let digest = approving.digest();
    println!("{}", words::list_to_sign(list, groups(&digest).join("-")).text(language));
    let (what, first, again) = (words::this_list(), words::read_list(), words::read_list_again());
    let question = |number| asked::group_to_sign(number, words::list_word());
    Shown { what, digest, first, again }
        .confirm_to(Act::Sign, language, confirm, |entropy| vec![drawn_group(&digest, language, question, entropy)])?;
    approving.approve(unix_seconds()).map_err(|error| explained(&error, language))
}

fn print(lines: &[Said], language: Language) {
    lines.iter().for_each(|line| println!("{}", line.text(language)));
}

/// One JSON object, or lines for people.
fn told(object: &impl Serialize, json: bool, language: Language, lines: impl FnOnce() -> Vec<Said>) {
    if json { crate::json::print(object) } else { print(&lines(), language) }
}

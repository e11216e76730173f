//! What a branch's operator and its owner type.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_protocol::digest::Digest;

use crate::typed;

/// `tributary client init`.
#[derive(Args)]
pub(crate) struct ClientInitOptions {
    /// The folder; made if it is absent
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The enrolment bundle, which says where the coordinator answers
    #[arg(long, value_name = "FILE", conflicts_with = "coordinator")]
    pub(crate) bundle: Option<PathBuf>,
    /// Where the coordinator answers
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) coordinator: Option<String>,
}

/// `tributary client enrol`.
#[derive(Args)]
pub(crate) struct EnrolOptions {
    /// The enrolment bundle that the federation's authority sent; it holds the one-time token
    #[arg(long, value_name = "FILE", required_unless_present = "install")]
    pub(crate) bundle: Option<PathBuf>,
    /// The folder of the new identity; made if it is absent
    #[arg(long, value_name = "DIR", required_unless_present = "home")]
    pub(crate) out: Option<PathBuf>,
    /// Instead of --out: the branch's folder, for its identity, client.toml and, with --schema, a policy; made if it is absent
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(crate) home: Option<PathBuf>,
    /// The schema for the branch's folder, and for the policy that its owner reads
    #[arg(long, value_name = "FILE", requires_all = ["home", "bundle"])]
    pub(crate) schema: Option<PathBuf>,
    /// An HTTP proxy, HOST:PORT
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["request", "install"])]
    pub(crate) proxy: Option<String>,
    /// Without a network: write the request into this file, to be carried to the office
    #[arg(long, value_name = "FILE", conflicts_with = "install")]
    pub(crate) request: Option<PathBuf>,
    /// Without a network: install the answer that was carried back
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    pub(crate) install: Option<PathBuf>,
}

/// `tributary client renew`.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("half").required(true).args(["request", "install"])))]
pub(crate) struct RenewOptions {
    /// The identity's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) identity: PathBuf,
    /// Make the next key, and write the request into this file, to be carried to the office
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Install the answer that was carried back
    #[arg(long, value_name = "FILE")]
    pub(crate) install: Option<PathBuf>,
}

/// `tributary client budget`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BudgetOptions {
    /// Begin a budget instead of showing it
    #[command(subcommand)]
    pub(crate) command: Option<BudgetCommand>,
    /// The client's settings file
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tributary client budget begin`.
#[derive(Subcommand)]
pub(crate) enum BudgetCommand {
    /// Make the budget file, once, with the signature of the data's owner; no daemon makes one by itself
    Begin {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// In the place of a file that was lost: it adopts the newest head that the coordinator shows, before anything else
        #[arg(long)]
        adopt: bool,
    },
    /// Pass the budget to another owner of the data, by the signature of its owner
    Owner {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The public key of the next owner
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
    },
    /// Let more be spent than the budget file has seen, by the owner and a privacy officer
    #[command(subcommand)]
    Raise(RaiseCommand),
    /// Free what a run has reserved that nobody ended here, once it cannot be under way any more; this branch takes no part in it again
    Release {
        /// The run: the plan's digest or its first eight letters, and the run's number, such as 9f86d081/2
        #[arg(value_name = "RUN")]
        run: String,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// `tributary client budget raise`.
#[derive(Subcommand)]
pub(crate) enum RaiseCommand {
    /// Sign, as the owner, that the caps of the signed policy take the place of those that the budget file has
    Propose {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why, in words
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Where that was decided
        #[arg(long, value_name = "TEXT")]
        ticket: String,
        /// The file to write, for a privacy officer
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show a raise in words, ask, and sign it, as a privacy officer, on a machine of that person's own
    Attest {
        /// The file that the owner signed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The folder of whoever signs (`tributary certs person request`)
        #[arg(long, value_name = "DIR")]
        person: PathBuf,
        /// Where there is no terminal: the digest of the raise that was looked at
        #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
        confirm: Option<Digest>,
        /// The file to write, for the branch
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Note a raise with both signatures in the budget file
    Apply {
        /// The file that both have signed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The roster that the branch accepted last
        #[arg(long, value_name = "FILE")]
        roster: PathBuf,
    },
}

/// `tributary client mapping`.
#[derive(Subcommand)]
pub(crate) enum MappingCommand {
    /// Write a commented mapping.toml into a folder, for a schema
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The schema that it maps to
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Show a mapping in words, and sign it as it stands, with the key that signed the policy
    Sign {
        /// The mapping
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The schema that it maps to
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Show the mapping in force: the one that a settings file names, if its owner signed it
    Show {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// `tributary client policy`.
#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a commented policy.toml into a folder, with a schema's lines in words
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The schema that it pins
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Sign a policy as it stands, if its words are the schema's; makes the owner's key, with its public half beside it, where there is none
    Sign {
        /// The policy
        #[arg(long, value_name = "FILE", required_unless_present = "home")]
        policy: Option<PathBuf>,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The schema that it pins
        #[arg(long, value_name = "FILE", required_unless_present = "home")]
        schema: Option<PathBuf>,
        /// Instead of --policy and --schema: the branch's folder, which gets the owner's public key as well
        #[arg(long, value_name = "DIR", conflicts_with_all = ["policy", "schema"])]
        home: Option<PathBuf>,
        /// Begin the branch's budget as well, once in the life of the branch (`tributary client budget begin`)
        #[arg(long, requires = "home")]
        begin: bool,
    },
    /// Show the policy in force: the one that a settings file names, if its owner signed it
    Show {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

//! `tributary model`: the registry of models at the coordinator, and what people state about them.

#[cfg(feature = "coordinator")]
mod bars;
#[cfg(feature = "coordinator")]
mod beside;
#[cfg(feature = "coordinator")]
mod chart;
#[cfg(feature = "coordinator")]
mod evaluate;
#[cfg(feature = "coordinator")]
mod explained;
#[cfg(feature = "coordinator")]
mod export;
#[cfg(feature = "coordinator")]
mod figures;
#[cfg(feature = "coordinator")]
mod page;
mod points;
#[cfg(feature = "coordinator")]
mod points_register;
mod points_words;
#[cfg(feature = "coordinator")]
mod registry;
mod report;
#[cfg(feature = "coordinator")]
mod scorecard;
#[cfg(feature = "coordinator")]
mod sections;
#[cfg(feature = "coordinator")]
mod shown;
mod sign;
mod statement;
#[cfg(feature = "coordinator")]
mod summary;
mod validate;

use clap::Subcommand;

#[cfg(feature = "coordinator")]
pub(crate) use self::explained::explained;
#[cfg(feature = "demo")]
pub(crate) use self::page::{Chapter, page};
use crate::exit::{Exit, Failure};

/// `tributary model`.
#[derive(Subcommand)]
pub(crate) enum ModelCommand {
    #[cfg(feature = "coordinator")]
    #[command(flatten)]
    Registry(registry::RegistryCommand),
    /// Sign a statement about a model; two people in two roles must
    Sign(sign::SignOptions),
    /// Sign the report on a model's gates, with findings, conditions and an end; a model validator does
    Validate(validate::ValidateOptions),
    /// Points of a scorecard that people set in the place of the model's
    #[command(subcommand)]
    Points(points::PointsCommand),
}

impl ModelCommand {
    /// Whether something is signed, with the time of this machine's clock.
    pub(crate) fn signs(&self) -> bool {
        matches!(self, Self::Sign(_) | Self::Validate(_) | Self::Points(points::PointsCommand::Sign(_)))
    }
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: &ModelCommand) -> Result<Exit, Failure> {
    match command {
        #[cfg(feature = "coordinator")]
        ModelCommand::Registry(command) => registry::run(command)?,
        ModelCommand::Sign(options) => sign::sign(options)?,
        ModelCommand::Validate(options) => validate::validate(options)?,
        ModelCommand::Points(command) => points::run(command)?,
    }
    Ok(Exit::Done)
}

//! The list of kinds, and what is the same for all of them.

use tributary_protocol::plan::{PrivacyMode, Stage};
use tributary_protocol::privacy::Accounts;

use super::charge::stated_charge;
use super::count::CountSettings;
use super::evaluate::EvaluateSettings;
use super::frame::{Chosen, Form, Frame, Handed, StageFault};
use super::gradient::GradientSettings;
use super::kind::Kind;
use super::labels::LabelSettings;
use super::local::LocalSettings;
#[cfg(any(test, feature = "test-stage"))]
use super::mean::MeanSettings;
use super::quantile::QuantileSettings;
use super::staged::StagedSettings;
use crate::server_optimizer::lowest_clip_norm;

/// Makes the list of kinds from one line for each.
macro_rules! stages {
    ($($(#[cfg($when:meta)])? $name:ident($settings:ty): $what:literal,)*) => {
        /// Settings of one stage, by kind.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "one for each stage of a plan")]
        pub enum StageSettings {
            $($(#[cfg($when)])? #[doc = $what] $name($settings),)*
        }

        impl StageSettings {
            /// The kind's name in a plan.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $($(#[cfg($when)])? Self::$name(_) => <$settings>::KIND,)*
                }
            }

            /// Reads the settings of a kind: total, bounded, every value within its limits.
            ///
            /// # Errors
            /// If there is no such kind, or the bytes are not its settings in their one canonical form.
            pub fn decode(kind: &str, bytes: &[u8]) -> Result<Self, StageFault> {
                $($(#[cfg($when)])? if kind == <$settings>::KIND {
                    return Ok(Self::$name(<$settings>::decode(bytes)?));
                })*
                Err(StageFault::Kind(kind.to_owned()))
            }

            pub(super) fn as_kind(&self) -> &dyn Kind {
                match self {
                    $($(#[cfg($when)])? Self::$name(settings) => settings,)*
                }
            }
        }
    };
}

stages! {
    Count(CountSettings): "Customers counted by the values of their fields.",
    Gradient(GradientSettings): "Clipped gradients of customers.",
    Local(LocalSettings): "Differences of models after local steps.",
    Labels(LabelSettings): "Customers counted by label.",
    Quantile(QuantileSettings): "Customers counted by the schema's slots, and groups of slots made of it.",
    Staged(StagedSettings): "Residuals of customers in blocks of cells.",
    Evaluate(EvaluateSettings): "Customers counted by label and score.",
    #[cfg(any(test, feature = "test-stage"))]
    Mean(MeanSettings): "For tests: the noised mean of one column.",
}

impl StageSettings {
    /// The canonical encoding, which names its version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_kind().encode()
    }

    /// What its numbers are, in the words of a statement.
    #[must_use]
    pub fn content(&self) -> &'static str {
        self.as_kind().content()
    }

    /// The L2 bounds that the settings name, by their names in a plan: of a customer's gradient, and of a difference of models in the first round. For a policy's floor;
    /// empty where nothing is clipped to a norm.
    #[must_use]
    pub fn clip_norms(&self) -> Vec<(&'static str, f64)> {
        self.as_kind().clip_norms()
    }

    /// What an author chose beside bounds and noise, by names of a plan's keys, in words: for whoever approves it.
    #[must_use]
    pub fn choices(&self) -> Vec<(&'static str, String)> {
        self.as_kind().choices()
    }

    /// How far the bound of differences of models can fall where its rounds move it.
    #[must_use]
    pub fn lowest_bound(&self) -> Option<f64> {
        self.as_kind().first_bound().map(lowest_clip_norm)
    }

    /// Whether the bound of differences of models follows what is counted in each round.
    #[must_use]
    pub fn adapts(&self) -> bool {
        self.as_kind().first_bound().is_some()
    }

    /// Whether a run can begin with the stage.
    ///
    /// # Errors
    /// [`StageFault::Opens`].
    pub fn opens(&self) -> Result<(), StageFault> {
        if self.as_kind().opens() { Ok(()) } else { Err(StageFault::Opens(self.kind())) }
    }

    /// Whether the stage can hand on what it does to the one after it; nothing after the last one.
    ///
    /// # Errors
    /// [`StageFault::Order`], [`StageFault::UnusedGroups`] or [`StageFault::MissingGroups`].
    pub fn precedes(&self, next: Option<&Self>) -> Result<(), StageFault> {
        let handed = self.as_kind().hands_on();
        let taken = next.map_or(handed == Handed::Model, |next| next.as_kind().takes(handed));
        match (taken, handed, next) {
            (true, ..) => Ok(()),
            (false, Handed::Groups(_), _) => Err(StageFault::UnusedGroups(self.kind())),
            (false, Handed::Model, Some(Self::Staged(next))) if next.of_blocks.learnt => {
                Err(StageFault::MissingGroups(StagedSettings::KIND))
            }
            (false, ..) => Err(StageFault::Order(self.kind())),
        }
    }

    /// What follows from a plan's frame: the numbers that need no noise.
    ///
    /// # Errors
    /// If the settings make no stage of such a plan.
    pub fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        self.as_kind().form(frame)
    }

    /// Every number of the plan's stage.
    ///
    /// # Errors
    /// If the settings, or what was chosen beside them, make no stage of such a plan.
    pub fn terms(&self, frame: &Frame<'_>, chosen: Chosen) -> Result<Stage, StageFault> {
        let form = self.form(frame)?;
        let Chosen { ring, noise_variance, sampling_threshold, rounds } = chosen;
        if sampling_threshold != 0 && !form.coins {
            return Err(self.without_coins(frame.privacy));
        }
        if rounds != 1 && !form.repeats {
            return Err(StageFault::Rounds(self.kind()));
        }
        let number = |name, value| u32::try_from(value).map_err(|_| StageFault::TooLarge(name));
        let mut stage = Stage {
            kind: self.kind().into(),
            settings: self.encode(),
            dimension: number("the dimension", form.dimension)?,
            ring,
            summed: form.summed,
            reach: form.reach,
            sensitivity_squared: form.sensitivity_squared,
            customer_sensitivity_squared: form.customer_sensitivity_squared,
            noise_variance,
            noise: form.noise,
            releases: form.releases,
            sampling_threshold,
            charge: Accounts::zero(),
            rounds,
            model_bytes: number("the model", form.model_bytes)?,
        };
        stage.charge = stated_charge(&stage, frame.privacy);
        Ok(stage)
    }

    fn without_coins(&self, privacy: PrivacyMode) -> StageFault {
        // A kind that moves a model throws coins in its exact form.
        let chunked = privacy != PrivacyMode::Branch && self.as_kind().optimizer().is_some();
        if chunked { StageFault::CoinsInChunks } else { StageFault::Coins(self.kind()) }
    }
}

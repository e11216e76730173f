//! Plans in which no noise is sized for the single customer: a program has part in them only where it was built on purpose.
//!
//! Here is the one line of refusal. Whoever builds, judges or signs a plan asks it, and so do the coordinator that would serve it and the client
//! that would join. Decoders do not, nor does whoever recomputes a ledger: any build reads the evidence of such a plan.

use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::privacy::Unit;

/// What a program was built to have part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    weak_modes: bool,
}

/// A program that has no part in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}. Write the plan in mode {}", self.found(), Self::ALLOWED)]
pub struct ModeNotBuilt(PrivacyMode);

impl ModeNotBuilt {
    /// What helps.
    pub const ALLOWED: &str =
        "\"customer\" or \"local\"; another mode needs a program that was built with the feature weak-modes";

    /// What was found, and what it means.
    #[must_use]
    pub fn found(self) -> String {
        let (mode, lacks) = (self.0.name(), lacks(self.0));
        format!(
            "the plan's mode is \"{mode}\", in which {lacks}; this program was built without such modes, and has no part in the plan"
        )
    }
}

impl Build {
    /// What is shipped.
    pub const SHIPPED: Self = Self { weak_modes: false };
    /// This program.
    pub const THIS: Self = Self { weak_modes: cfg!(feature = "weak-modes") };

    /// Whether it has part in plans of a mode.
    ///
    /// # Errors
    /// [`ModeNotBuilt`] for the modes `branch` and `none`, unless they were asked for when the program was built.
    pub fn admits(self, mode: PrivacyMode) -> Result<(), ModeNotBuilt> {
        if self.weak_modes || mode.unit() == Some(Unit::Customer) { Ok(()) } else { Err(ModeNotBuilt(mode)) }
    }
}

/// What a weak mode does not promise.
fn lacks(mode: PrivacyMode) -> &'static str {
    match mode {
        PrivacyMode::None => "no noise protects anybody",
        _ => "the noise is sized for a branch as a whole, and protects a single customer less",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_has_no_part_in_a_mode_without_noise_for_each_customer() {
        let refused = PrivacyMode::ALL.into_iter().filter(|mode| Build::SHIPPED.admits(*mode).is_err());
        assert_eq!(refused.collect::<Vec<_>>(), [PrivacyMode::Branch, PrivacyMode::None]);
        assert!(PrivacyMode::ALL.into_iter().all(|mode| Build { weak_modes: true }.admits(mode).is_ok()));
        assert_eq!(Build::THIS == Build::SHIPPED, cfg!(not(feature = "weak-modes")));
    }

    #[test]
    fn a_refusal_says_what_the_mode_lacks_and_what_to_do() {
        for (mode, lacks) in [(PrivacyMode::Branch, "a branch as a whole"), (PrivacyMode::None, "protects anybody")] {
            let told = Build::SHIPPED.admits(mode).unwrap_err().to_string();
            for part in [mode.name(), lacks, "has no part in the plan", "\"customer\" or \"local\"", "weak-modes"] {
                assert!(told.contains(part), "{part}: {told}");
            }
        }
    }
}

//! Numbers that a plan must not pass.

use tributary_model::architecture::{Architecture, HIDDEN_LAYERS_MAX, LAYER_WIDTH_MAX};
use tributary_model::stage::StageSettings;
use tributary_protocol::limits::PLAN_ROUNDS_MAX;
use tributary_protocol::message::Floor;
use tributary_settings::Document;

/// Largest clip norm that a policy can ask for.
const CLIP_NORM_MAX: f64 = 1e6;
/// Longest offset that a policy can ask for, in milliseconds.
const UPLOAD_OFFSET_MS_MAX: i64 = 3_600_000;

/// What a plan's numbers are compared with, before data is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanTerms {
    /// Shortest time between a round's start and its uploads.
    pub upload_offset_ms_min: u64,
    /// Smallest clip norm.
    pub clip_norm_min: f64,
    /// Most rounds that a plan may charge, of all its runs and stages, retries included.
    pub rounds_max: u32,
    /// Most hidden layers of a network.
    pub layers_max: usize,
    /// Most units of a hidden layer.
    pub width_max: u32,
}

impl PlanTerms {
    pub(super) fn read(file: &mut Document) -> Option<Self> {
        let upload_offset_ms_min = file.integer("policy.upload_offset_ms_min", 0..=UPLOAD_OFFSET_MS_MAX, Some(5_u64));
        let clip_norm = |norm: f64| norm > 0.0 && norm <= CLIP_NORM_MAX;
        let clip_norm_min = file.number("policy.clip_norm_min", "above 0, at most 1000000", Some(0.001), clip_norm);
        let rounds_max = file.integer("policy.rounds_max", 1..=PLAN_ROUNDS_MAX.into(), Some(1000_u32));
        let layers = i64::try_from(HIDDEN_LAYERS_MAX).unwrap_or(i64::MAX);
        let layers_max = file.integer("policy.layers_max", 0..=layers, Some(2_usize));
        let width_max = file.integer("policy.width_max", 1..=LAYER_WIDTH_MAX.into(), Some(256_u32));
        Some(Self {
            upload_offset_ms_min: upload_offset_ms_min?,
            clip_norm_min: clip_norm_min?,
            rounds_max: rounds_max?,
            layers_max: layers_max?,
            width_max: width_max?,
        })
    }

    /// Whether a network is small enough.
    ///
    /// # Errors
    /// [`Floor::Layers`] or [`Floor::Width`].
    pub fn admits(&self, network: &Architecture) -> Result<(), Floor> {
        if network.hidden().len() > self.layers_max {
            return Err(Floor::Layers);
        }
        let narrow = network.hidden().iter().all(|units| *units <= self.width_max);
        if narrow { Ok(()) } else { Err(Floor::Width) }
    }

    /// Whether every clip norm of every stage is large enough, and stays so where rounds move it: a branch that refuses a round's state in the
    /// middle of a run has paid for the rounds before.
    ///
    /// # Errors
    /// [`Floor::ClipNorm`].
    pub fn admits_clip_norms(&self, stages: &[StageSettings]) -> Result<(), Floor> {
        let named = stages.iter().flat_map(StageSettings::clip_norms).map(|(_, norm)| norm);
        let mut norms = named.chain(stages.iter().filter_map(StageSettings::lowest_bound));
        if norms.all(|norm| self.admits_clip_norm(norm)) { Ok(()) } else { Err(Floor::ClipNorm) }
    }

    /// Whether a clip norm is large enough; what is no number is not.
    #[must_use]
    pub fn admits_clip_norm(&self, norm: f64) -> bool {
        norm >= self.clip_norm_min
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::round::Timing;

    use super::*;
    use crate::policy::{BranchPolicy, SAMPLE};

    fn read(text: &str) -> Result<BranchPolicy, tributary_settings::Faults> {
        BranchPolicy::read(Document::parse("policy.toml".as_ref(), text).unwrap())
    }

    /// A number of the commented sample plan.
    fn sample_plan(key: &str) -> f64 {
        let text = include_str!("../../../docs/samples/plan.toml");
        let value = text.lines().find_map(|line| line.trim_start_matches("# ").strip_prefix(&format!("{key} = ")));
        value.unwrap_or_else(|| panic!("the sample has no {key}")).parse().unwrap()
    }

    #[test]
    fn the_sample_says_the_defaults_and_they_admit_the_sample_plan() {
        let said = read(SAMPLE).unwrap();
        let keys = ["upload_offset_ms_min", "clip_norm_min", "rounds_max", "layers_max", "width_max", "timing"];
        let lines = SAMPLE.lines().filter(|line| !keys.iter().any(|key| line.starts_with(&format!("{key} = "))));
        let silent = lines.map(|line| format!("{line}\n")).collect::<String>();
        assert_eq!(silent.lines().count() + keys.len(), SAMPLE.lines().count());
        let silent = read(&silent).unwrap();
        assert_eq!((said.terms, said.timing), (silent.terms, silent.timing));
        let terms = said.terms;
        assert!(sample_plan("upload_offset_ms") >= terms.upload_offset_ms_min as f64);
        for norm in ["example_clip_norm", "update_clip_norm"] {
            assert!(sample_plan(norm) >= terms.clip_norm_min);
        }
        assert!(sample_plan("rounds") + sample_plan("retries") <= f64::from(terms.rounds_max));
        assert!(sample_plan("epsilon") <= said.epsilon_plan && sample_plan("delta") <= said.delta);
        let hidden = |units: &[u32]| Architecture::mlp(90, units, &["churn"]).unwrap();
        assert_eq!(terms.admits(&hidden(&[])), Ok(()));
        assert_eq!(terms.admits(&hidden(&[64, 32])), Ok(()), "the sample's perceptron");
    }

    #[test]
    fn a_network_is_admitted_up_to_its_limits() {
        let terms = PlanTerms { layers_max: 2, width_max: 5, ..read(SAMPLE).unwrap().terms };
        let judged = |units: &[u32]| terms.admits(&Architecture::mlp(3, units, &["churn"]).unwrap());
        for admitted in [&[][..], &[5], &[5, 5]] {
            assert_eq!(judged(admitted), Ok(()));
        }
        assert_eq!(judged(&[6]), Err(Floor::Width));
        assert_eq!(judged(&[1, 6]), Err(Floor::Width));
        assert_eq!(judged(&[1, 1, 1]), Err(Floor::Layers));
        let flat = PlanTerms { layers_max: 0, ..terms };
        assert_eq!(flat.admits(&Architecture::logistic(3, &["churn"]).unwrap()), Ok(()));
        assert_eq!(flat.admits(&Architecture::mlp(3, &[1], &["churn"]).unwrap()), Err(Floor::Layers));
    }

    #[test]
    fn timing_is_plain_or_strict() {
        let timing = |line: &str| read(&SAMPLE.replace("timing = \"plain\"", line)).map(|policy| policy.timing);
        assert_eq!(timing("timing = \"strict\"").unwrap(), Timing::Strict);
        assert_eq!(timing("").unwrap(), Timing::Plain);
        assert!(timing("timing = \"soon\"").unwrap_err().to_string().contains("plain, strict"));
    }

    #[test]
    fn every_fault_of_a_term_is_explained() {
        let cases = [
            ("upload_offset_ms_min = 5", "upload_offset_ms_min = -1", "0 to 3600000"),
            ("clip_norm_min = 0.001", "clip_norm_min = 0", "above 0"),
            ("clip_norm_min = 0.001", "clip_norm_min = -0.0", "above 0"),
            ("clip_norm_min = 0.001", "clip_norm_min = inf", "above 0"),
            ("rounds_max = 1000", "rounds_max = 0", "1 to 1000000"),
            ("layers_max = 2", "layers_max = 5", "0 to 4"),
            ("width_max = 256", "width_max = 0", "1 to 4096"),
        ];
        for (line, by, allowed) in cases {
            assert!(SAMPLE.contains(line), "{line}");
            let faults = read(&SAMPLE.replace(line, by)).unwrap_err();
            assert_eq!(faults.faults.len(), 1, "{faults}");
            assert!(faults.faults[0].allowed.contains(allowed), "{by}: {faults}");
        }
    }
}

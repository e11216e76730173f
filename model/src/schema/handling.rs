//! Whether a plan handles data as their level asks. The table is `level.rs`; the parser and the branch's grants ask it for the rest.

use tributary_protocol::plan::{Materiality, Plan};
use tributary_protocol::privacy::Unit;

use super::level::{Level, Reason};
use super::{Field, Schema};

/// A plan does not handle data as their level asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandlingFault {
    /// Too little is said to depend on it.
    #[error(
        "the plan learns from data of level 4 (severe): {fields}; it says materiality {said}, so that it would be reviewed as a plan of less \
         weight. Say materiality = \"high\", or take the fields out of the schema"
    )]
    Materiality {
        /// Which fields.
        fields: String,
        /// What the plan says.
        said: &'static str,
    },
    /// Nothing protects the single customer.
    #[error(
        "the plan learns from data of level 4 (severe): {fields}; in its mode no noise is sized for the single customer. Write it in mode customer \
         or local, or take the fields out of the schema"
    )]
    Mode {
        /// Which fields.
        fields: String,
    },
}

impl HandlingFault {
    /// The key of plan.toml that cures it.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Materiality { .. } => "charter.materiality",
            Self::Mode { .. } => "plan.privacy",
        }
    }
}

impl Schema {
    /// The highest level of what is learned from or audited.
    #[must_use]
    pub fn level_max(&self) -> Level {
        let levels = self.fields().iter().chain(self.audits()).map(|field| field.level);
        levels.max().unwrap_or(Level::L1)
    }

    /// The inputs of a level.
    pub fn inputs_of(&self, level: Level) -> impl Iterator<Item = &Field> {
        self.fields().iter().filter(move |field| field.level == level)
    }

    /// Inputs without a reason for which an approver should ask.
    pub fn unexplained(&self) -> impl Iterator<Item = &Field> {
        let explained = self.necessity().is_some();
        let asked = |field: &&Field| field.level.reason() == Reason::Asked && field.necessity.is_none();
        self.fields().iter().filter(asked).filter(move |_| !explained)
    }

    /// Whether a plan handles this schema's data as their levels ask. The other lines of the table are the parser's and the grant's.
    ///
    /// # Errors
    /// [`HandlingFault`].
    pub fn handled_by(&self, plan: &Plan) -> Result<(), HandlingFault> {
        let severe: Vec<&str> = self.inputs_of(Level::L4).map(|field| field.name.as_str()).collect();
        if severe.is_empty() {
            return Ok(());
        }
        let fields = severe.join(", ");
        if plan.charter.materiality != Materiality::High {
            return Err(HandlingFault::Materiality { fields, said: plan.charter.materiality.name() });
        }
        if plan.privacy.unit() != Some(Unit::Customer) {
            return Err(HandlingFault::Mode { fields });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::plan::PrivacyMode;
    use tributary_protocol::round::cast;

    use super::*;

    const TEXT: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 18, max = 98, class = "C2", level = "L2" },
    { name = "region", kind = "categorical", categories = ["a", "b"], class = "C1", level = "L1" },
    { name = "health", kind = "categorical", categories = ["a", "b"], class = "C2", level = "L4", necessity = "care plans" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

    fn schema(text: &str) -> Schema {
        Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn severe_data_need_a_plan_of_high_materiality_and_noise_for_each_customer() {
        let plan = |materiality, privacy| {
            let mut plan = Plan { privacy, ..cast::plan() };
            plan.charter.materiality = materiality;
            plan
        };
        let severe = schema(TEXT);
        let judged = |materiality, mode| severe.handled_by(&plan(materiality, mode)).map_err(|fault| fault.key());
        for mode in [PrivacyMode::Customer, PrivacyMode::Local] {
            assert_eq!(judged(Materiality::High, mode), Ok(()));
            assert_eq!(judged(Materiality::Medium, mode), Err("charter.materiality"));
            assert_eq!(judged(Materiality::Low, mode), Err("charter.materiality"));
        }
        for mode in [PrivacyMode::Branch, PrivacyMode::None] {
            assert_eq!(judged(Materiality::High, mode), Err("plan.privacy"));
        }
        let told = severe.handled_by(&plan(Materiality::Low, PrivacyMode::Customer)).unwrap_err().to_string();
        assert!(told.contains("level 4 (severe): health") && told.contains("materiality = \"high\""), "{told}");
        // Who only audits with it learns nothing from it; and what is less grave asks nothing of a plan.
        for (from, to) in [("level = \"L4\"", "level = \"L3\""), ("level = \"L4\"", "use = \"audit\", level = \"L4\"")]
        {
            let other = schema(&TEXT.replace(from, to));
            assert_eq!(other.handled_by(&plan(Materiality::Low, PrivacyMode::None)), Ok(()), "{to}");
        }
    }

    #[test]
    fn the_highest_level_counts_audits_and_questions_are_for_personal_data_without_a_reason() {
        let severe = schema(TEXT);
        assert_eq!(severe.level_max(), Level::L4);
        assert_eq!(schema(&TEXT.replace("level = \"L4\"", "use = \"audit\", level = \"L4\"")).level_max(), Level::L4);
        assert_eq!(schema(&TEXT.replace("L4", "L3")).level_max(), Level::L3);
        let names = |schema: &Schema| schema.unexplained().map(|field| field.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&severe), ["age"]);
        assert_eq!(
            names(&schema(&TEXT.replace("level = \"L2\"", "level = \"L2\", necessity = \"life phases\""))),
            [""; 0]
        );
        assert_eq!(names(&schema(&format!("necessity = \"churn\"\n{TEXT}"))), [""; 0]);
    }
}

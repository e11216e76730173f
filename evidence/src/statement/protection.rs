//! Who is protected from whom, and by what; and who sees what.
//!
//! Which participants add the whole noise by themselves is their own act and in no ledger: what it gives is stated, not who does it.

use tributary_protocol::plan::{Plan, PrivacyMode};
use tributary_protocol::secagg::parameters::CoalitionRule;

use super::Facts;
use super::parts::{Figures, Protection};
use tributary_model::stage::noise_multiplier;

/// Everybody but the participant itself.
const EVERYBODY: &str =
    "everybody else together: the coordinator, whoever runs it, and every other participant of any organisation";

pub(super) fn protections(facts: &Facts, figures: &Figures) -> Vec<Protection> {
    let plan = facts.plan();
    let (round, epsilon_run) = (facts.epsilon_of_one(), figures.epsilon_run);
    let masks = "the masks alone, which let nobody see its update by itself; the sum has no noise".to_owned();
    match plan.privacy {
        PrivacyMode::None => {
            let (who, against) = ("every participant".to_owned(), coalition(facts));
            vec![Protection { who, against, by: masks, epsilon_round: None, epsilon_run: None }]
        }
        PrivacyMode::Local => vec![Protection {
            who: "every participant, whatever its policy says of own_noise".into(),
            against: EVERYBODY.into(),
            by: format!("its own noise in everything that it sends, {}; the masks are not needed for it", size(facts)),
            epsilon_round: round,
            epsilon_run,
        }],
        PrivacyMode::Customer | PrivacyMode::Branch => shared(facts, figures, round),
    }
}

/// Where the noise is added in shares, unless a participant adds all of it.
fn shared(facts: &Facts, figures: &Figures, epsilon_round: Option<f64>) -> Vec<Protection> {
    let shares = facts.shares();
    let who = "a participant that adds its share of the noise (own_noise = \"share\", which is the default)".to_owned();
    vec![
        Protection {
            who: who.clone(),
            against: coalition(facts),
            by: format!(
                "the honest participants' shares, one in {shares} of the round's noise each and at least so many in every sum, under masks \
                 that let nobody see its update by itself"
            ),
            epsilon_round,
            epsilon_run: figures.epsilon_run,
        },
        Protection {
            who,
            against: EVERYBODY.into(),
            by: format!("its own share alone, one in {shares} of the round's noise"),
            epsilon_round: facts.collusion_of_one(),
            epsilon_run: figures.epsilon_collusion,
        },
        Protection {
            who: "a participant whose signed policy says own_noise = \"full\", as a partner's should".into(),
            against: EVERYBODY.into(),
            by: format!(
                "the whole round's noise, which it adds by itself, {}, whatever the others do or leave out",
                size(facts)
            ),
            epsilon_round,
            epsilon_run: figures.epsilon_run,
        },
    ]
}

/// The whole noise of each stage's release in the plan's own figures.
fn size(facts: &Facts) -> String {
    let sizes = facts.stages().map(|stage| {
        let multiplier = noise_multiplier(stage.terms.noise_variance, stage.terms.sensitivity_squared);
        let sensitivity = (stage.terms.sensitivity_squared as f64).sqrt();
        let name = stage.name();
        format!("z = {multiplier:.4} times the sensitivity S = {sensitivity:.1} units of a release of {name}")
    });
    sizes.collect::<Vec<_>>().join(", ")
}

fn coalition(facts: &Facts) -> String {
    let (plan, size) = (facts.plan(), facts.group_size());
    match plan.cohort.coalition {
        CoalitionRule::Fraction { permille } => format!(
            "the coordinator with up to {permille} per thousand of the {size} members of the roster's group \"{}\", rounded up to {}, whoever \
             they are and whomever the coordinator chooses for a cohort; each participant is counted by itself, so a bank with more branches \
             than that is a larger coalition",
            plan.group,
            (u64::from(size) * u64::from(permille)).div_ceil(1000)
        ),
        CoalitionRule::Organisations { operator, others, .. } => format!(
            "the coordinator with all participants of organisation {operator}, which runs it, {}",
            match others {
                0 => "and nobody else".to_owned(),
                1 => "and of any other one".to_owned(),
                more => format!("and of any {more} others"),
            }
        ),
    }
}

/// Who sees what.
pub(super) fn visibility(plan: &Plan) -> Vec<String> {
    let noise = if plan.privacy == PrivacyMode::None { "without noise" } else { "with their noise" };
    vec![
        format!(
            "The coordinator sees sums {noise}, the models, and who took part when. Of one participant's update it sees masked words, and it \
             is not told who adds the whole noise by itself."
        ),
        "A participant, of whatever organisation, sees the models and who takes part: numbers, organisations, public keys. Of another \
         one's data, update, noise, policy and budget it sees nothing."
            .into(),
        "An organisation's own authority speaks for that organisation alone: nobody believes its certificates for another one, nor the \
         federation's for it. Whom an authority certifies takes part only if the roster's authorities sign."
            .into(),
    ]
}

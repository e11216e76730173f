use tributary_protocol::plan::{AsOf, Gate, Measure, PrivacyMode, Readiness, Rhythm};

use super::*;
use crate::file::tests::plan;

#[test]
fn differences_are_told_with_the_weaker_ones_first() {
    let before = plan("");
    let mut after = before.clone();
    after.name = "churn-2".into();
    after.readiness = Readiness { as_of: AsOf::DaysBefore { days: 1 }, ready_min: 20 };
    after.runs = 24;
    after.cohort.honest_min = 8;
    after.retention.days = 30;
    after.upload_offset_ms = 2;
    after.charter.legal_basis = "contract".into();
    after.charter.data_assets.push("card payments".into());
    after.charter.agreements.clear();
    let told = Differences::of(&before, &after).to_string();
    assert_eq!(told, include_str!("golden.txt"), "{told}");
    assert_eq!(Differences::of(&before, &before).to_string(), "The two plans are the same.\n");
}

#[test]
fn each_fact_knows_its_weaker_side() {
    type Change = fn(&mut Plan);
    let rows: [(&str, Change); 22] = [
        ("privacy", |plan| plan.privacy = PrivacyMode::None),
        ("delta", |plan| plan.delta_bits = 1e-5_f64.to_bits()),
        ("overlap_max", |plan| plan.overlap_max = 0),
        ("upload_offset_ms", |plan| plan.upload_offset_ms = 0),
        ("stage.1.rounds", |plan| plan.stages[0].rounds += 1),
        ("stage.1.noise_multiplier", |plan| plan.stages[0].noise_variance /= 4),
        ("epsilon_run", |plan| plan.stages[0].charge = plan.stages[0].charge.times(2)),
        ("cohort_min", |plan| plan.cohort.cohort_min -= 1),
        ("survivors_permille", |plan| plan.cohort.survivors_permille -= 1),
        ("honest_min", |plan| plan.cohort.honest_min -= 1),
        ("runs_max", |plan| plan.runs += 1),
        ("rhythm", |plan| plan.schedule.rhythm = Rhythm::Interval { seconds: 86_400 }),
        ("not_after", |plan| plan.schedule.not_after += 86_400),
        ("epsilon_cap", |plan| plan.cap = plan.cap.times(2)),
        ("retention.days", |plan| plan.retention.days += 1),
        ("charter.review_by", |plan| plan.charter.review_by += 86_400),
        ("charter.agreement.2.until", |plan| plan.charter.agreements[0].until += 86_400),
        ("gates.deposit.auc.0", |plan| plan.gates.limits[0].limit -= 1),
        ("gates.deposit.stability.0", |plan| plan.gates.limits[1].limit += 1),
        ("gates.card", |plan| plan.gates.card = false),
        ("gates.challenger", |plan| plan.gates.challenger = false),
        ("charter.data_asset.more", |plan| plan.charter.data_assets.push("more".into())),
    ];
    for (key, change) in rows {
        let mut before = plan("");
        let gate = |measure, limit| Gate { label: "deposit".into(), measure, limit };
        before.gates.limits = vec![gate(Measure::Auc, 7_000), gate(Measure::Stability, 2_500)];
        let mut after = before.clone();
        change(&mut after);
        let effect = |one: &Plan, other: &Plan| {
            let found = Differences::of(one, other).differences;
            found.iter().find(|difference| difference.key == key).map(|difference| difference.effect)
        };
        assert_eq!(effect(&before, &after), Some(Effect::Weaker), "{key}");
        assert_eq!(effect(&after, &before), Some(Effect::Stronger), "{key}");
    }
}

//! `[plan.staged]`: how an additive model is learnt in stages.

use tributary_model::architecture::{PAIR_GROUPS_MAX, PAIR_TABLES_MAX, PairShape};
use tributary_model::stage::{COARSE_MAX, PAIR_SHARE_MAX};
use tributary_protocol::plan::PrivacyMode;
use tributary_settings::{Document, quoted};

use super::keys::only_with;
use crate::settings::{ClassWeights, ModelKind, PairLearning, StagedLearning};

/// Keys that say how clipped gradients move a model, and mean nothing where none are clipped.
pub(super) const OF_GRADIENTS: [&str; 10] = [
    "plan.example_clip_norm",
    "plan.loss_bound",
    "plan.sampling_rate",
    "plan.optimizer.kind",
    "plan.optimizer.learning_rate",
    "plan.optimizer.momentum",
    "plan.optimizer.beta1",
    "plan.optimizer.beta2",
    "plan.optimizer.epsilon",
    "plan.optimizer.tail_fraction",
];

/// Whether the plan learns in stages: `method = "staged"`.
pub(super) fn is_staged(document: &mut Document) -> Option<bool> {
    document.choice("plan.method", &[("gradient", false), ("staged", true)], Some(false))
}

/// The settings of staged learning, where the plan asks for it. A key that means nothing is a fault, as everywhere.
pub(super) fn staged(
    document: &mut Document,
    (is_staged, is_learnt): (Option<bool>, bool),
    (rounds, model, mode): (Option<u32>, Option<&ModelKind>, Option<PrivacyMode>),
) -> Option<Option<StagedLearning>> {
    let rounds_usual = rounds.unwrap_or(200);
    let usual = match is_learnt {
        true => StagedLearning::over_learnt_groups(rounds_usual),
        false => StagedLearning::usual(rounds_usual),
    };
    let names = ["groups", "labels_share", "first_rounds", "momentum", "first_step", "step", "step_max", "floor"];
    let keys: Vec<String> = names.iter().chain(&BESIDE).map(|name| format!("plan.staged.{name}")).collect();
    let [groups, labels_share, first_rounds, momentum, first_step, step, step_max, floor, ..] = keys.as_slice() else {
        return None;
    };
    let groups_found =
        document.integers(groups, 2..=256, usual.groups.iter().copied().filter(|own| *own > 0).collect());
    let share = |value: f64| value > 0.0 && value <= 0.5;
    let labels_share = document.number(labels_share, "above 0, at most 0.5", Some(usual.labels_share), share);
    let most = i64::from(rounds.unwrap_or(u32::MAX).saturating_sub(1).max(1));
    let first_rounds = document.integer(first_rounds, 1..=most, Some(usual.first_rounds));
    let decay = |value: f64| (0.0..1.0).contains(&value);
    let momentum = document.number(momentum, "at least 0, below 1", Some(usual.momentum), decay);
    let length = |value: f64| value > 0.0 && value <= 1e6;
    let mut steps = |key: &str, usual| document.number(key, "above 0, at most 1e6", Some(usual), length);
    let first_step = steps(first_step, usual.first_step);
    let step = steps(step, usual.step);
    let step_max = steps(step_max, usual.step_max);
    let floor = document.number(floor, "from 0 to 1", Some(usual.floor), |value| (0.0..=1.0).contains(&value));
    let pairs = pairs(document);
    let shares = |document: &mut Document, key: &str| {
        document.numbers(&format!("plan.staged.{key}"), "a list of numbers above 0, at most 1", |share| {
            share > 0.0 && share <= 1.0
        })
    };
    let [head_shares, negative, positive] =
        ["head_shares", "negative_weights", "positive_weights"].map(|key| shares(document, key));
    let monotone = monotone(document);
    if !is_staged? {
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        only_with(document, &names, "method = \"staged\"");
        return Some(None);
    }
    only_with(document, &OF_GRADIENTS, "method = \"gradient\"");
    if rounds == Some(1) {
        document.fault("plan.rounds", "1, with method = \"staged\"", "2 or more: a first stage and a second one");
    }
    if matches!(model, Some(ModelKind::Mlp { .. })) {
        let allowed = "\"logistic\" with method = \"staged\": it learns tables over the schema's bins";
        document.fault("plan.model", "\"mlp\"", allowed);
    }
    if matches!(mode, Some(PrivacyMode::Local | PrivacyMode::Branch)) {
        let allowed = "\"customer\" or \"none\" with method = \"staged\"";
        document.fault("plan.privacy", "a mode in which branches train locally", allowed);
    }
    let groups_found = groups_found?;
    let fits = groups_found.len() <= COARSE_MAX && groups_found.windows(2).all(|pair| pair[0] < pair[1]);
    if !fits {
        document.fault(groups, format!("{groups_found:?}"), format!("at most {COARSE_MAX} numbers, ascending"));
        return None;
    }
    if is_learnt {
        over_learnt_groups(document, groups, groups_found.is_empty());
    }
    let mut padded = [0; COARSE_MAX];
    padded.iter_mut().zip(groups_found).for_each(|(own, found): (&mut u32, u32)| *own = found);
    Some(Some(StagedLearning {
        groups: padded,
        labels_share: labels_share?,
        first_rounds: first_rounds?,
        momentum: momentum?,
        first_step: first_step?,
        step: step?,
        step_max: step_max?,
        floor: floor?,
        pairs: pairs?,
        head_shares: head_shares?,
        class_weights: ClassWeights { negative: negative?, positive: positive? },
        monotone: monotone?,
    }))
}

/// Keys whose default is that nothing of their kind is done.
const BESIDE: [&str; 7] =
    ["pairs", "pair_groups", "pair_share", "head_shares", "negative_weights", "positive_weights", "monotone"];

/// What learnt groups cannot do without, and what does not go with them: a field's finest block has no cell for each of its slots.
fn over_learnt_groups(document: &mut Document, groups: &str, none: bool) {
    if none {
        document.fault(groups, "no number, with edges = \"learnt\"", "one number at least: how many groups are learnt");
    }
    for key in ["plan.staged.pairs", "plan.staged.monotone"] {
        if document.has(key) {
            document.fault(key, "a value, with edges = \"learnt\"", "nothing; it belongs to edges = \"public\"");
        }
    }
}

/// How pairs are learnt, where they are.
fn pairs(document: &mut Document) -> Option<Option<PairLearning>> {
    let PairLearning { shape, share } = PairLearning::USUAL;
    let tables = document.integer("plan.staged.pairs", 0..=PAIR_TABLES_MAX.into(), Some(0));
    let groups = document.integer("plan.staged.pair_groups", 2..=PAIR_GROUPS_MAX.into(), Some(shape.groups));
    let fits = |share: f64| share > 0.0 && share <= PAIR_SHARE_MAX;
    let share = document.number("plan.staged.pair_share", "above 0, at most 0.9", Some(share), fits);
    if tables == Some(0) {
        only_with(document, &["plan.staged.pair_groups", "plan.staged.pair_share"], "pairs = 1 or more");
        return Some(None);
    }
    Some(Some(PairLearning { shape: PairShape { tables: tables?, groups: groups? }, share: share? }))
}

/// Fields whose tables rise or fall.
fn monotone(document: &mut Document) -> Option<Vec<(String, bool)>> {
    let mut all = Vec::new();
    for (name, word) in document.pairs("plan.staged.monotone")? {
        match word.as_str() {
            "rising" => all.push((name, true)),
            "falling" => all.push((name, false)),
            _ => {
                document.fault(&format!("plan.staged.monotone.{name}"), quoted(&word), "\"rising\" or \"falling\"");
                return None;
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, load};
    use super::*;

    /// What staged learning has no use for is refused, and so is what it alone has where it is not asked for.
    #[test]
    fn staged_learning_has_keys_of_its_own() {
        let (head, schedule) = SMALLEST.split_once("[plan.optimizer]").unwrap();
        let rest = &schedule[schedule.find("[schedule]").unwrap()..];
        let head = head.replace("example_clip_norm = 1.0\n", "method = \"staged\"\n");
        let staged = |more: &str| load(&format!("{head}{more}\n{rest}"));
        assert_eq!(staged("").unwrap().mechanism.staged, Some(StagedLearning::usual(10)));
        let own = staged("[plan.staged]\ngroups = [3]\nfirst_rounds = 9\nfloor = 0").unwrap().mechanism.staged.unwrap();
        assert_eq!((own.groups, own.first_rounds, own.floor), ([3, 0, 0], 9, 0.0));
        let more = "pairs = 3\nhead_shares = [0.5]\nnegative_weights = [0.5]\nmonotone = { age = \"falling\" }";
        let own = staged(&format!("[plan.staged]\n{more}")).unwrap().mechanism.staged.unwrap();
        let pairs = PairLearning { shape: PairShape { tables: 3, groups: 5 }, share: 0.25 };
        assert_eq!((own.pairs, own.head_shares, own.monotone), (Some(pairs), vec![0.5], vec![("age".into(), false)]));
        assert_eq!(own.class_weights, ClassWeights { negative: vec![0.5], positive: Vec::new() });
        for more in [
            "loss_bound = 2",
            "[plan.optimizer]\nkind = \"sgd\"",
            "[plan.staged]\ngroups = [8, 4]",
            "[plan.staged]\nfirst_rounds = 10",
            "[plan.staged]\nmomentum = 1",
            "[plan.local]\nsteps = 2",
            "[plan.staged]\npairs = 121",
            "[plan.staged]\npair_groups = 5",
            "[plan.staged]\npairs = 3\npair_groups = 17",
            "[plan.staged]\npairs = 3\npair_share = 0",
            "[plan.staged]\npairs = 3\npair_share = 0.91",
            "[plan.staged]\nhead_shares = [0.5, 1.1]",
            "[plan.staged]\nnegative_weights = [0]",
            "[plan.staged]\npositive_weights = 0.5",
            "[plan.staged]\nmonotone = { age = \"up\" }",
        ] {
            assert!(staged(more).is_err(), "{more}");
        }
        assert!(load(&SMALLEST.replace("[schedule]", "[plan.staged]\nfloor = 0\n[schedule]")).is_err());
    }
}

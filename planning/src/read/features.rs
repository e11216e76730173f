//! `[plan.features]`: whether groups of the schema's bins and categories are public or learnt.

use tributary_model::stage::RARE_DEVIATIONS_MAX;
use tributary_settings::Document;

use super::keys::only_with;
use crate::settings::LearntFeatures;

/// How groups are learnt; nothing where they are public.
pub(super) fn features(document: &mut Document, is_staged: Option<bool>) -> Option<Option<LearntFeatures>> {
    let usual = LearntFeatures::USUAL;
    let [edges, budget_share, rare] =
        ["edges", "budget_share", "rare_deviations"].map(|name| format!("plan.features.{name}"));
    let is_learnt = document.choice(&edges, &[("public", false), ("learnt", true)], Some(false));
    let share = |value: f64| value > 0.0 && value <= 0.5;
    let share_found = document.number(&budget_share, "above 0, at most 0.5", Some(usual.budget_share), share);
    let rare_found = document.integer(&rare, 0..=RARE_DEVIATIONS_MAX.into(), Some(usual.rare_deviations));
    if !is_learnt? {
        only_with(document, &[&budget_share, &rare], "edges = \"learnt\"");
        return Some(None);
    }
    if is_staged == Some(false) {
        let allowed = "\"public\" with method = \"gradient\": groups of bins are learnt for method = \"staged\" alone";
        document.fault(&edges, "\"learnt\"", allowed);
    }
    Some(Some(LearntFeatures { budget_share: share_found?, rare_deviations: rare_found? }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALLEST, load};
    use super::*;

    /// A share that is none, a method without groups, and keys without effect are refused by name.
    #[test]
    fn learnt_groups_belong_to_staged_learning() {
        let (head, schedule) = SMALLEST.split_once("[plan.optimizer]").unwrap();
        let rest = &schedule[schedule.find("[schedule]").unwrap()..];
        let head = head.replace("example_clip_norm = 1.0\n", "method = \"staged\"\n");
        let staged = |more: &str| load(&format!("{head}{more}\n{rest}")).map(|settings| settings.mechanism);
        assert_eq!(staged("[plan.features]\nedges = \"public\"").unwrap().features, None);
        let learnt = staged("[plan.features]\nedges = \"learnt\"").unwrap();
        assert_eq!(learnt.features, Some(LearntFeatures::USUAL));
        assert_eq!(learnt.staged.map(|staged| staged.groups), Some([4, 8, 24]));
        let own = staged("[plan.features]\nedges = \"learnt\"\nbudget_share = 0.5\nrare_deviations = 0").unwrap();
        assert_eq!(own.features, Some(LearntFeatures { budget_share: 0.5, rare_deviations: 0 }));
        for (more, key) in [
            ("edges = \"learnt\"\nbudget_share = 0", "budget_share"),
            ("edges = \"learnt\"\nbudget_share = 0.51", "budget_share"),
            ("edges = \"learnt\"\nbudget_share = nan", "budget_share"),
            ("edges = \"learnt\"\nrare_deviations = 101", "rare_deviations"),
            ("edges = \"private\"", "edges"),
            ("budget_share = 0.02", "budget_share"),
            ("rare_deviations = 2", "rare_deviations"),
        ] {
            let faults = staged(&format!("[plan.features]\n{more}")).map(|_| ()).unwrap_err().faults;
            let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
            assert_eq!(keys, [format!("plan.features.{key}")], "{more}");
        }
        let none = staged("[plan.features]\nedges = \"learnt\"\n[plan.staged]\ngroups = []").map(|_| ()).unwrap_err();
        assert_eq!(none.faults[0].key, "plan.staged.groups");
        for (line, key) in [("pairs = 3", "pairs"), ("monotone = { age = \"rising\" }", "monotone")] {
            let text = format!("[plan.features]\nedges = \"learnt\"\n[plan.staged]\n{line}");
            let faults = staged(&text).map(|_| ()).unwrap_err().faults;
            assert!(faults.len() == 1 && faults[0].key == format!("plan.staged.{key}"), "{faults:?}");
        }
        let gradient = SMALLEST.replace("[schedule]", "[plan.features]\nedges = \"learnt\"\n[schedule]");
        let refused = load(&gradient).map(|_| ()).unwrap_err().faults;
        assert!(refused.len() == 1 && refused[0].allowed.contains("method = \"staged\" alone"), "{refused:?}");
    }
}

//! What an author of staged learning chose, in words.

use super::staged_settings::{HEAD_SHARES, StagedSettings};
use crate::update::CLASS_UNITS;

/// Each choice under its key in a plan. Fields are named by their place in the schema, from 1.
pub(super) fn choices(settings: &StagedSettings) -> Vec<(&'static str, String)> {
    let mut all = vec![("groups", listed(settings.coarse().iter().map(ToString::to_string)))];
    if settings.of_blocks.learnt {
        all.push(("edges", "learnt".to_owned()));
    }
    let pairs = match settings.reweight {
        Some(rule) if rule.pair_share > 0.0 => {
            Some(format!("chosen after this stage, for {} of the norm", rule.pair_share))
        }
        _ => settings.paired.then(|| "learnt".to_owned()),
    };
    all.extend(pairs.map(|words| ("pairs", words)));
    let shares = settings.head_shares.iter().filter(|share| **share > 0);
    let shares: Vec<String> = shares.map(|share| part(*share, HEAD_SHARES)).collect();
    if !shares.is_empty() {
        all.push(("head_shares", listed(shares.into_iter())));
    }
    let weighed = |[negative, positive]: &[u32; 2]| {
        format!("{} of negatives and {} of positives", part(*negative, CLASS_UNITS), part(*positive, CLASS_UNITS))
    };
    let of_label =
        |(label, own): (usize, &[u32; 2])| (*own != [0; 2]).then(|| format!("label {label}: {}", weighed(own)));
    let weights: Vec<String> = (1..).zip(&settings.of_blocks.classes).filter_map(of_label).collect();
    if !weights.is_empty() {
        all.push(("class_weights", listed(weights.into_iter())));
    }
    let turns = settings.monotone().map(|own| {
        let word = if own.rising { "rises" } else { "falls" };
        format!("field {} {word}", u32::from(own.field) + 1)
    });
    let turns: Vec<String> = turns.collect();
    if !turns.is_empty() {
        all.push(("monotone", listed(turns.into_iter())));
    }
    all
}

fn part(units: u32, whole: u32) -> String {
    (f64::from(units) / f64::from(whole)).to_string()
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

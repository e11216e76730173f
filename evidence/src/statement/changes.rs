//! What earlier versions of this software guaranteed less well: whoever relied on them reads it here. docs/PRIVACY.md has the same lines.

/// One sentence for what was wrong, one for what is so now. Newest version only: there was no release before.
pub(super) const CHANGES: [&str; 9] = [
    "A failed training was told to the coordinator, and the refusal could show whether a certain record was there. Now a fault of a row removes its customer alone, and nothing visible depends on a row but the noised sum.",
    "In the chunked form gradients were squared in 32 bits, so a chosen model could carry one customer many clip norms far. Now values are cut after every layer, and norms are summed in 64 bits.",
    "In mode branch a customer was charged for one clip norm, and could move the sum by two. Now customers and branches have an account each.",
    "An older or an empty budget file was noticed within one plan, not across plans. Now signed heads of the budget are kept by the coordinator and watched by peers, and a first use needs the owner's signature.",
    "The assumed coalition was a fraction of the cohort that the coordinator had chosen. Now it is a fraction of a group that the offline-signed roster names.",
    "A signed policy listed names of fields, which could stand for other columns. Now it pins the whole schema, in words that the owner reads.",
    "The roster's dates were not compared, and sessions outlived their roster. Now both sides compare them, and sessions end with the roster.",
    "A crash could write a daemon's memory to the disk. Now core dumps are off, and the memory of a daemon cannot be read by other processes.",
    "Many refusals had no test of their own. Now each one has a case that fails without it.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_the_same() {
        let documentation = include_str!("../../../docs/PRIVACY.md").replace("\n  ", " ");
        for change in CHANGES {
            assert!(documentation.contains(change), "docs/PRIVACY.md lacks: {change}");
        }
    }
}

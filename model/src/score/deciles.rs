//! Tenths of a file by score, exactly, in a memory that does not grow with the file.
//!
//! The decile of a score is 1 + the whole part of ten times the share of scores above it. So the highest tenth is 1, and equal scores have the same
//! one, the better of those that they lie in.

/// What divides a file into tenths. One for each head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecileCuts([f64; 9]);

impl DecileCuts {
    /// The tenth of a score, from 1 to 10.
    #[must_use]
    pub fn decile(&self, score: f64) -> u8 {
        let key = descending(score);
        self.0.iter().fold(1, |decile, cut| decile + u8::from(key > descending(*cut)))
    }
}

/// Bits that one pass over the scores settles.
const BITS: u32 = 16;
const BUCKETS: usize = 1 << BITS;
const PASSES: u32 = u64::BITS / BITS;

/// A search for the cuts, in [`CutSearch::PASSES`] passes over all scores of a file: each one sees every score once, in whatever order. It takes at most
/// 2.4 MB, however many scores there are.
pub struct CutSearch {
    pass: u32,
    /// In the first pass: how many scores there are.
    total: u64,
    /// Of each cut the leading bits that are known, and its place among the scores that have these bits.
    wanted: [(u64, u64); 9],
    /// For each group of leading bits, how many scores go on with which bits.
    counts: Vec<(u64, Vec<u32>)>,
}

impl CutSearch {
    /// How many passes there are.
    pub const PASSES: u32 = PASSES;

    /// Before the first pass.
    #[must_use]
    pub fn new() -> Self {
        Self { pass: 0, total: 0, wanted: [(0, 0); 9], counts: vec![(0, vec![0; BUCKETS])] }
    }

    /// A score of the file; there are at most 2^32 of them.
    pub fn see(&mut self, score: f64) {
        let key = descending(score);
        let known = BITS * self.pass;
        let leading = if known == 0 { 0 } else { key >> (u64::BITS - known) };
        if let Some((_, counts)) = self.counts.iter_mut().find(|(bits, _)| *bits == leading) {
            let bucket = (key >> (u64::BITS - BITS - known)) & (BUCKETS as u64 - 1);
            if let Some(count) = usize::try_from(bucket).ok().and_then(|bucket| counts.get_mut(bucket)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// A pass is over. The cuts after the last one; nothing where there was no score.
    pub fn end_pass(&mut self) -> Option<DecileCuts> {
        if self.pass == 0 {
            self.total = self.counts.iter().flat_map(|(_, counts)| counts).map(|count| u64::from(*count)).sum();
            // The last score whose share of better ones is below so many tenths.
            for (tenths, (_, place)) in (1_u64..).zip(&mut self.wanted) {
                *place = (tenths * self.total).div_ceil(10).saturating_sub(1);
            }
        }
        if self.total == 0 {
            return None;
        }
        for (leading, place) in &mut self.wanted {
            let Some((_, counts)) = self.counts.iter().find(|(bits, _)| bits == leading) else { continue };
            let mut bucket = 0;
            for count in counts {
                match place.checked_sub(u64::from(*count)) {
                    Some(rest) => *place = rest,
                    None => break,
                }
                bucket += 1;
            }
            *leading = *leading << BITS | bucket;
        }
        self.pass += 1;
        if self.pass == PASSES {
            return Some(DecileCuts(self.wanted.map(|(key, _)| score_of(key))));
        }
        let mut groups: Vec<u64> = self.wanted.iter().map(|(leading, _)| *leading).collect();
        groups.dedup();
        self.counts = groups.into_iter().map(|leading| (leading, vec![0; BUCKETS])).collect();
        None
    }
}

impl Default for CutSearch {
    fn default() -> Self {
        Self::new()
    }
}

/// A key that is the smaller, the higher a score is. Both zeros are one.
fn descending(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    !ascending
}

fn score_of(key: u64) -> f64 {
    let ascending = !key;
    f64::from_bits(if ascending >> 63 == 1 { ascending & !(1 << 63) } else { !ascending })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cuts(scores: &[f64]) -> Option<DecileCuts> {
        let mut search = CutSearch::new();
        let mut found = None;
        for _ in 0..CutSearch::PASSES {
            scores.iter().for_each(|score| search.see(*score));
            found = search.end_pass();
        }
        found
    }

    /// As the rule says it.
    fn slowly(scores: &[f64], score: f64) -> u8 {
        let better = scores.iter().filter(|other| **other > score).count();
        1 + u8::try_from(10 * better / scores.len()).unwrap()
    }

    #[test]
    fn ten_scores_have_ten_tenths_and_equal_ones_share_the_better() {
        let scores: Vec<f64> = (0..10).map(f64::from).collect();
        let found = cuts(&scores).unwrap();
        assert_eq!(
            scores.iter().map(|score| found.decile(*score)).collect::<Vec<_>>(),
            [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
        );
        let found = cuts(&[0.0, -0.0, 0.0, 1.0]).unwrap();
        assert_eq!([1.0, 0.0, -0.0].map(|score| found.decile(score)), [1, 3, 3]);
        assert_eq!(cuts(&[7.0]).unwrap().decile(7.0), 1);
        assert_eq!(cuts(&[]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn deciles_are_those_of_the_rule(whole in proptest::collection::vec(-40..40_i32, 1..90), scale in prop::sample::select(vec![1.0, 1e-9, 0.1, 1e12])) {
            let scores: Vec<f64> = whole.iter().map(|score| f64::from(*score) * scale).collect();
            let found = cuts(&scores).unwrap();
            for score in &scores {
                prop_assert_eq!(found.decile(*score), slowly(&scores, *score), "{}", score);
            }
        }
    }
}

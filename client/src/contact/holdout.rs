//! Who is held out. Customers under a confidential suppression are held out like the others, and nothing tells them apart.
//!
//! **Why nothing does.** Who is newly held out is drawn as if nobody were suppressed. Then each suppressed one takes the place of one of these, who
//! was drawn as often before. So the number of lines, every count and every file's length is the same with them and without. Each list
//! with confidential suppressions newly holds out some customers at random, also of those whom an earlier list named: so a customer who is missing from
//! now on is one of several. Only where more customers are suppressed at once than there are places, the count grows.

use std::collections::BTreeSet;

use tributary_protocol::entropy::Entropy;

use super::pseudonym::Pseudonym;
use super::rules::HoldOut;

/// What earlier draws say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assigned {
    /// Held out.
    pub held: BTreeSet<Pseudonym>,
    /// Drawn, whether they are held out or not.
    pub known: BTreeSet<Pseudonym>,
}

/// What a draw adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Newly held out, ascending.
    pub held: Vec<Pseudonym>,
    /// Drawn for the first time, whether they are held out or not; ascending. So nobody learns from their number who is held out.
    pub first: Vec<Pseudonym>,
}

/// Customers who must be held out, and the part of the chosen ones that is newly held out with each list, of a thousand.
pub(crate) type Hidden<'a> = (&'a dyn Fn(&Pseudonym) -> bool, u16);

/// Draws among the chosen customers. Each is there once.
pub(crate) fn draw(
    chosen: &[Pseudonym],
    before: &Assigned,
    rule: HoldOut,
    hidden: Option<Hidden<'_>>,
    entropy: &mut dyn Entropy,
) -> Drawn {
    let open: Vec<Pseudonym> = chosen.iter().filter(|customer| !before.held.contains(customer)).copied().collect();
    let is_new = |customer: &Pseudonym| !before.known.contains(customer);
    let new = open.iter().filter(|customer| is_new(customer)).count();
    let expected = rounded(new, rule.permille, entropy);
    let renewed = hidden.map_or(0, |(_, permille)| (open.len() * usize::from(permille)).div_ceil(1000));
    let places = (expected + renewed).min(open.len());
    let mut pool = open;
    shuffle(&mut pool, entropy);
    // First as if nobody were suppressed. The places of every list are for anybody; those of a first draw are for customers who are drawn for the first
    // time, as long as there are some.
    let (anybody, rest) = pool.split_at(renewed.min(pool.len()));
    let mut rest = rest.to_vec();
    rest.sort_by_key(|customer| !is_new(customer));
    rest.truncate(places - anybody.len());
    let is_hidden = |customer: &Pseudonym| hidden.is_some_and(|(is_hidden, _)| is_hidden(customer));
    // Then each suppressed one takes the place of one by chance who was drawn as often before: so as many of either kind are held out as without.
    let by_chance = anybody.iter().chain(&rest).copied();
    let (suppressed, others): (Vec<Pseudonym>, Vec<Pseudonym>) = by_chance.partition(is_hidden);
    let (mut new, mut known): (Vec<Pseudonym>, Vec<Pseudonym>) = others.into_iter().partition(is_new);
    let mut held: BTreeSet<Pseudonym> = suppressed.into_iter().collect();
    for customer in pool.iter().copied().filter(is_hidden) {
        if held.insert(customer) {
            let (own, other) = if is_new(&customer) { (&mut new, &mut known) } else { (&mut known, &mut new) };
            let _gives_way = own.pop().or_else(|| other.pop());
        }
    }
    held.extend(new.into_iter().chain(known));
    let first: BTreeSet<Pseudonym> = pool.iter().copied().filter(is_new).collect();
    Drawn { held: held.into_iter().collect(), first: first.into_iter().collect() }
}

/// This many of a thousand. A part of one is rounded up or down by chance.
fn rounded(count: usize, permille: u16, entropy: &mut dyn Entropy) -> usize {
    let parts = count * usize::from(permille);
    let chance = below(1000, entropy);
    parts / 1000 + usize::from(chance < (parts % 1000) as u64)
}

/// A number below `bound`, each as likely as any other. `bound` is above 0.
fn below(bound: u64, entropy: &mut dyn Entropy) -> u64 {
    // The last numbers of the range would make the first ones likelier.
    let zone = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let drawn = u64::from_le_bytes(bytes);
        if drawn < zone {
            return drawn % bound;
        }
    }
}

/// Every order as likely as any other (Fisher and Yates).
fn shuffle(items: &mut [Pseudonym], entropy: &mut dyn Entropy) {
    for last in (1..items.len()).rev() {
        let other = below(last as u64 + 1, entropy);
        items.swap(last, usize::try_from(other).unwrap_or_default());
    }
}

#[cfg(test)]
#[path = "holdout_tests.rs"]
mod tests;

//! Degree and threshold of the sparse graph: a table, whose rows the tests compute again.
//!
//! For a cohort of n members, of whom c may collude and d may be lost, the smallest even k, and for it the smallest t, such that at every n
//! up to the row's (rounding c up and d down can make a cohort a little smaller than the row the worse one)
//!
//! 1. no honest member's secret opens to the coalition, and none can be cut off alone: with its owner, who holds a share as well, fewer
//!    than t hold it (exact: c draws of k among n - 1);
//! 2. no larger set of honest members can be cut off from the other survivors so that each of them still finds t holders, wherever the d
//!    losses fall (edges counted as independent, every set and every choice of losses in a union bound); 1 and 2 together fail with
//!    probability 2^-60 at most, of which 2^20 may be lost to somebody who sees all other contributions to the seed first;
//! 3. every secret keeps t living holders if d random members are lost, a lost owner's secrets included, but for 2^-20 (exact as well).
//!
//! SA-1 was specified with four of the six columns (docs/PROTOCOL.md, "Numbers"). The thresholds of then do not count the owner in condition 1
//! and are lower by one or two, and at a third the degrees leave condition 2 at about 2^-52.

use crate::limits::{COHORT_MAX, COMPLETE_GRAPH_MAX, HOLDERS_MAX};

/// How many neighbours a member has in the sparse graph, and how many shares open a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Degree {
    /// Neighbours of every member (k); even.
    pub neighbours: u16,
    /// Shares that open a secret (t), among those of the neighbours and the owner.
    pub threshold: u16,
}

/// What one column of the table withstands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Coalition, in thousandths of the cohort, rounded up.
    pub(super) coalition_permille: u16,
    /// Losses, in thousandths of the cohort, rounded down.
    pub(super) lost_permille: u16,
}

const fn column(coalition_permille: u16, lost_permille: u16) -> Column {
    Column { coalition_permille, lost_permille }
}

/// Six columns: coalitions of 10 %, 20 % and a third, losses of 10 % and 20 %.
pub(super) const COLUMNS: [Column; 6] =
    [column(100, 100), column(100, 200), column(200, 100), column(200, 200), column(334, 100), column(334, 200)];

/// For cohorts up to so many members: (k, t) by column. A cohort between two rows takes the larger one.
pub(super) const ROWS: [(usize, [(u16, u16); 6]); 5] = [
    (512, [(52, 32), (70, 36), (72, 50), (102, 60), (110, 82), (158, 102)]),
    (1_000, [(54, 34), (78, 41), (82, 56), (118, 69), (130, 96), (196, 126)]),
    (2_000, [(60, 37), (86, 44), (88, 60), (132, 76), (146, 108), (226, 145)]),
    (5_000, [(64, 39), (92, 47), (94, 63), (140, 81), (160, 118), (252, 161)]),
    (10_000, [(66, 40), (94, 48), (98, 66), (144, 83), (166, 122), (268, 171)]),
];

// Every cohort above the complete graph's limit has a row, and every row's holders, the owner among them, are at most as many as a secret may have.
const _: () = assert!(ROWS[ROWS.len() - 1].0 == COHORT_MAX && (ROWS[ROWS.len() - 1].1[5].0 as usize) < HOLDERS_MAX);
// The densest graph, at the smallest cohort of its row, leaves a third of all edges free ([`super::Graph::new`]).
const _: () = assert!(3 * (ROWS[0].1[5].0 as usize) <= 2 * (COMPLETE_GRAPH_MAX + 1));

impl Degree {
    /// The sparsest graph of the table that withstands a coalition and losses of so many members; `None` where the table has none: up to
    /// [`COMPLETE_GRAPH_MAX`] members, where the graph is complete; above [`COHORT_MAX`]; and for a coalition above a third or losses above
    /// a fifth of the cohort.
    #[must_use]
    pub fn for_cohort(members: usize, coalition: usize, lost: usize) -> Option<Self> {
        if members <= COMPLETE_GRAPH_MAX {
            return None;
        }
        let (_, row) = ROWS.iter().find(|(most, _)| members <= *most)?;
        let fitting = COLUMNS.iter().zip(row).filter(|(column, _)| column.covers(members, coalition, lost));
        let (_, (neighbours, threshold)) = fitting.min_by_key(|(_, (neighbours, _))| *neighbours)?;
        Some(Self { neighbours: *neighbours, threshold: *threshold })
    }
}

impl Column {
    /// Coalition and losses of a cohort, in members.
    pub(super) fn counts(&self, members: usize) -> (usize, usize) {
        let of = |permille: u16| members * usize::from(permille);
        (of(self.coalition_permille).div_ceil(1000), of(self.lost_permille) / 1000)
    }

    fn covers(&self, members: usize, coalition: usize, lost: usize) -> bool {
        let (most_coalition, most_lost) = self.counts(members);
        coalition <= most_coalition && lost <= most_lost
    }
}

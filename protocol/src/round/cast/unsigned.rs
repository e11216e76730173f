//! What nobody has signed yet: a branch's head, and a validator's report. A test changes what it is about.

use alloc::vec::Vec;

use super::keys::{OWNER_KEY, federation};
use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::Charged;
use crate::plan::{Gates, RunRef};
use crate::privacy::{Accounts, YearSpend};
use crate::registry::{GatesReport, ModelManifest};
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;

/// The first head of a branch, which has spent nothing.
#[must_use]
pub fn head(client: ClientId, run: RunRef) -> BudgetHead {
    BudgetHead {
        client,
        population: Digest::ZERO,
        counter: 1,
        spent: Accounts::zero(),
        year: YearSpend::default(),
        caps: None,
        run,
        charged: Charged::default(),
        others: Vec::new(),
        day: LastDay::NONE,
        withdrawn: Vec::new(),
        epoch: 1,
        owner: Toy::verifying_key(&OWNER_KEY),
        signature: Signature::none(),
    }
}

/// A report on a model whose plan has the usual gates, as good as it was made: it does not say until when it counts.
#[must_use]
pub fn gates_report(model: &ModelManifest) -> GatesReport {
    GatesReport {
        federation: federation(),
        model: model.digest(),
        terms: Digest::ZERO,
        gates: Gates::USUAL,
        statement: model.lineage.statement,
        card: Digest([7; 32]),
        champion: None,
        figures: Vec::new(),
        made: 5,
        findings: "sound".into(),
        conditions: Vec::new(),
        valid_until: 0,
    }
}

//! A branch's ledger of models in which one model was withdrawn.

use std::path::Path;

use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{PrivacyMode, RunRef};
use tributary_protocol::registry::{
    BranchModelsEvent, Lineage, ModelManifest, ModelStatement, ModelStep, SignedStatement, StatementScope, Told,
};
use tributary_protocol::role::Role;
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::time::Millis;
use tributary_storage::files::create_private_folder;
use tributary_storage::journal::Journal;

use super::NOW;

fn manifest() -> ModelManifest {
    let architecture = Architecture::logistic(3, &["churn"]).unwrap();
    let parameters = Parameters::new(architecture, vec![0.5, 0.5, 0.25, 0.125]).unwrap();
    let lineage = Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: RunRef { plan: Digest([9; 32]), number: 1 },
        name: "monthly churn".into(),
        purpose: "churn".into(),
        privacy: PrivacyMode::Customer,
        group: "all".into(),
        owner: StaffNumber::parse("bank/e5").unwrap(),
        statement: Digest::ZERO,
        rounds: 4,
        complete: true,
    };
    ModelManifest {
        parameters: parameters.digest(),
        parameter_bytes: parameters.to_le_bytes().len() as u64,
        architecture: Architecture::logistic(3, &["churn"]).unwrap().encode(),
        schema: Digest([3; 32]),
        features: Digest([4; 32]),
        lineage,
    }
}

/// The model.
pub(super) fn model() -> Digest {
    manifest().digest()
}

/// Writes the ledger.
pub(super) fn write(path: &Path) {
    let (federation, manifest) = (Digest([5; 32]), manifest());
    let statement = ModelStatement {
        federation,
        step: ModelStep::Withdraw,
        model: manifest.digest(),
        purpose: "churn".into(),
        sequence: 2,
        scope: StatementScope::All,
        evidence: Digest([6; 32]),
        reason: "unfair".into(),
    };
    let sign = |seed: u8, role| {
        let (key, staff) = (SigningKey::from_seed(&[seed; 32]), StaffNumber::parse(&format!("bank/e{seed}")).unwrap());
        attest(&key, statement.step.action(), statement.digest(), federation, &staff, role, NOW).unwrap()
    };
    let (first, second) = (sign(5, Role::PlanOwner), sign(6, Role::ModelValidator));
    let told = Box::new(Told { manifest, statement: SignedStatement { statement, first, second, report: None } });
    create_private_folder(path.parent().unwrap()).unwrap();
    let (mut journal, _) = Journal::open(path, LedgerId::MODELS).unwrap();
    journal.append(Millis(NOW * 1000), BranchModelsEvent::StatementAccepted { told, here: true }).unwrap();
    journal.sync().unwrap();
}

//! A model that a branch keeps, as its daemon would have recorded it: for tests of what follows from a champion, without months of learning before it.

use std::path::Path;

use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Attestation, Gates, PrivacyMode, RunRef};
use tributary_protocol::registry::{
    BranchModelsEvent, GatesReport, Lineage, ModelManifest, ModelStatement, ModelStep, SignedReport, SignedStatement,
    StatementScope, Told,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;
use tributary_storage::files::{Existing, create_private_folder, write_stored};
use tributary_storage::journal::Journal;

/// Whose plan the model came of.
pub(crate) const OWNER: &str = "north-bank/e1";
/// What it is for.
pub(crate) const PURPOSE: &str = "churn";

/// The plan's terms without its gates.
const TERMS: Digest = Digest([9; 32]);

/// Writes a logistic model as the champion into a branch's state folder. Who signed is judged where a branch hears of it, and not where it reads its own
/// ledger.
pub(crate) fn champion(state: &Path, schema: &Schema, weights: &[f32], now: u64) -> Digest {
    let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    let network = Architecture::logistic(u32::try_from(schema.width()).unwrap(), &heads).unwrap();
    let parameters = Parameters::new(network, weights.to_vec()).unwrap();
    let manifest = manifest(schema, &parameters);
    let model = manifest.digest();
    let report = report(&manifest, now);
    let statement = ModelStatement {
        federation: Digest::ZERO,
        step: ModelStep::Promote,
        model,
        purpose: PURPOSE.into(),
        sequence: 1,
        scope: StatementScope::All,
        evidence: report.report.digest(),
        reason: "better".into(),
    };
    let signed = attestation(statement.step.action(), Role::PlanOwner, statement.digest(), now);
    let statement =
        SignedStatement { statement, first: signed.clone(), second: signed, report: Some(Box::new(report)) };
    let folder = state.join("models").join(model.to_string());
    create_private_folder(&folder).unwrap();
    write_stored(&folder.join("parameters"), &STATE_FORMAT, &parameters.to_le_bytes(), Existing::Replace).unwrap();
    let (mut journal, _) = Journal::open(&state.join("models/models.ledger"), LedgerId::MODELS).unwrap();
    let told = Box::new(Told { manifest, statement });
    for event in [BranchModelsEvent::StatementAccepted { told, here: true }, BranchModelsEvent::ModelStored { model }] {
        journal.append(Millis(now * 1000), event).unwrap();
    }
    journal.sync().unwrap();
    model
}

fn manifest(schema: &Schema, parameters: &Parameters) -> ModelManifest {
    let lineage = Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: RunRef { plan: Gates::USUAL.of_plan(&TERMS), number: 1 },
        name: "monthly churn".into(),
        purpose: PURPOSE.into(),
        privacy: PrivacyMode::Customer,
        group: "all".into(),
        owner: StaffNumber::parse(OWNER).unwrap(),
        statement: Digest::ZERO,
        rounds: 4,
        complete: true,
    };
    ModelManifest {
        parameters: parameters.digest(),
        parameter_bytes: parameters.to_le_bytes().len() as u64,
        architecture: parameters.architecture().encode(),
        schema: schema.digest(),
        features: Digest([4; 32]),
        lineage,
    }
}

/// A report whose gates hold.
fn report(manifest: &ModelManifest, now: u64) -> SignedReport {
    let report = GatesReport {
        federation: Digest::ZERO,
        model: manifest.digest(),
        terms: TERMS,
        gates: Gates::USUAL,
        statement: manifest.lineage.statement,
        card: Digest([7; 32]),
        champion: None,
        figures: Vec::new(),
        made: now - 60,
        findings: "sound".into(),
        conditions: Vec::new(),
        valid_until: now + 300 * 86_400,
    };
    let signed = attestation(Action::ValidateModel, Role::ModelValidator, report.digest(), now);
    SignedReport { report, signed }
}

fn attestation(action: Action, role: Role, subject: Digest, now: u64) -> Attestation {
    let staff = if role == Role::ModelValidator { "north-bank/e3" } else { OWNER };
    let staff = StaffNumber::parse(staff).unwrap();
    Attestation { action, subject, federation: Digest::ZERO, staff, role, at: now, signature: Signature::none() }
}

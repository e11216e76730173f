use std::path::Path;

use tributary_model::update::LocalRule;
use tributary_planning::settings::{
    LocalSteps, MechanismSettings, ModelKind, PlanSettings, PrivacyTarget, ScheduleSettings,
};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Attestation, Materiality, Plan};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::Signature;
use tributary_storage::files::Existing;

use super::*;

#[path = "../../../../tests/plan_settings.rs"]
mod plan_settings;

pub(crate) use plan_settings::settings;

/// Signatures that no roster would count; where they are judged, the machine's own tests are.
fn approvals(plan: Digest) -> Approvals {
    let signed = |action, role, staff| Attestation {
        action,
        subject: plan,
        federation: Digest([0; 32]),
        staff: StaffNumber::parse(staff).unwrap(),
        role,
        at: 0,
        signature: Signature::ed25519([1; 64]),
    };
    Approvals {
        proposal: signed(Action::ProposePlan, Role::PlanOwner, "bank/e1"),
        approval: signed(Action::ApprovePlan, Role::PrivacyOfficer, "bank/e2"),
    }
}

pub(crate) fn job(settings: &PlanSettings) -> Job {
    let built = tributary_planning::build(settings).unwrap_or_else(|fault| panic!("{fault:?}"));
    let digest = built.plan.digest();
    Job::of(built.plan, &built.schema, approvals(digest)).unwrap_or_else(|fault| panic!("{fault:?}"))
}

#[test]
fn a_job_begins_from_what_its_plan_says() {
    let settings = || PlanSettings { model: ModelKind::Mlp { hidden: vec![4] }, ..settings() };
    let seeded = job(&settings());
    assert_eq!(seeded.initial.digest(), Parameters::initial(seeded.planned.architecture(), 1).digest());
    let other = job(&PlanSettings { initial_model: ModelRef::Seed(2), ..settings() });
    assert_ne!(other.initial.digest(), seeded.initial.digest());
    let zero = Parameters::zero(seeded.planned.architecture());
    for initial_model in [ModelRef::Zero, ModelRef::PreviousRun] {
        assert_eq!(job(&PlanSettings { initial_model, ..settings() }).initial.digest(), zero.digest());
    }
    let several = |initial_model| {
        let mut settings = PlanSettings { initial_model, ..settings() };
        settings.schedule.runs_max = 2;
        job(&settings)
    };
    let released = || Some(Parameters::initial(seeded.planned.architecture(), 9));
    let second = several(ModelRef::PreviousRun).later(2, released()).unwrap();
    assert_eq!(second.initial.digest(), released().unwrap().digest());
    assert_eq!(second.run.reference().number, 2);
    let second = several(ModelRef::Seed(1)).later(2, released()).unwrap();
    assert_eq!(second.initial.digest(), seeded.initial.digest());
    assert!(several(ModelRef::Zero).later(3, None).is_none());
}

#[test]
fn a_file_that_gives_no_job_is_named_with_its_cure() {
    let folder = tempfile::tempdir().unwrap();
    let (file, schema) = (folder.path().join("plan.tributary"), settings().schema);
    let open = |schema: &Path| {
        Job::open(&PlanFiles { file: file.clone(), schema: schema.to_owned() }).map(|job| job.plan().digest())
    };
    let fault = |schema: &Path| open(schema).expect_err("a fault");
    assert_eq!(fault(&schema).key, "plan.file");
    let plan = tributary_planning::build(&settings()).unwrap().plan;
    let signed = approvals(plan.digest());
    let mut written = PlanFile::new(plan.plan().clone());
    written.write(&file, Existing::Replace).unwrap();
    let unsigned = fault(&schema);
    assert!(unsigned.found.contains("lacks a signature") && unsigned.allowed.contains("plan approve"), "{unsigned:?}");
    written.proposal = Some(signed.proposal);
    written.write(&file, Existing::Replace).unwrap();
    assert!(fault(&schema).found.contains("lacks a signature"));
    written.approval = Some(signed.approval);
    written.write(&file, Existing::Replace).unwrap();
    assert_eq!(open(&schema), Ok(plan.digest()));
    // Whoever rejected it, and whether that counts: nobody runs a plan that its file calls rejected.
    let no = Attestation { action: Action::RejectPlan, ..written.approval.clone().expect("it was approved") };
    let signed = Attestation { subject: tributary_protocol::plan::rejected(&plan.digest(), "too weak"), ..no };
    written.rejection = Some(Rejection { reason: "too weak".into(), signed });
    written.write(&file, Existing::Replace).unwrap();
    let refused = fault(&schema);
    assert!(refused.found.contains("bank/e2 (privacy-officer) has rejected: too weak"), "{refused:?}");
    assert!(refused.allowed.contains("fresh file"), "{refused:?}");
    written.rejection = None;
    written.write(&file, Existing::Replace).unwrap();
    for other in ["/nowhere/schema.toml", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
        assert_eq!(fault(Path::new(other)).key, "plan.schema");
    }
    let another = folder.path().join("schema.toml");
    let text = std::fs::read_to_string(&schema).unwrap();
    std::fs::write(&another, text.replacen("version = 1", "version = 2", 1)).unwrap();
    assert_eq!(fault(&another).key, "plan.schema");
    let mut sign = |plan: Plan| {
        let signed = approvals(plan.digest());
        (written.proposal, written.approval, written.plan) = (Some(signed.proposal), Some(signed.approval), plan);
        written.write(&file, Existing::Replace).unwrap();
    };
    sign(Plan { runs: 0, ..plan.plan().clone() });
    assert!(fault(&schema).found.contains("runs"));
    // What the registry holds is looked up when a run begins.
    sign(Plan { initial_model: ModelRef::Champion, ..plan.plan().clone() });
    assert!(open(&schema).is_ok());
}

/// Whoever signed it, with whatever program.
#[test]
fn what_is_shipped_serves_no_plan_in_a_weak_mode() {
    let served = |build, privacy: PrivacyTarget| {
        let rule = LocalRule { steps: 4, learning_rate: 0.5, update_clip_norm: 1.0 };
        let local = privacy.mode().trains_locally().then_some(LocalSteps { rule, adaptive: false });
        let mechanism = MechanismSettings { local, ..MechanismSettings::default() };
        let built = tributary_planning::build(&PlanSettings { privacy, mechanism, ..settings() }).unwrap();
        let approvals = approvals(built.plan.digest());
        Job::served_by(build, built.plan, &built.schema, approvals).map(|_| ())
    };
    let (epsilon, delta) = (4.0, 1e-6);
    for privacy in [PrivacyTarget::None, PrivacyTarget::Branch { epsilon, delta }] {
        let fault = served(Build::SHIPPED, privacy).unwrap_err();
        assert_eq!(fault.key, "plan.file");
        assert!(fault.found.contains(privacy.mode().name()) && fault.allowed.contains("weak-modes"), "{fault:?}");
        assert_eq!(served(Build::THIS, privacy), Ok(()), "these tests are built with the modes");
    }
    for privacy in [PrivacyTarget::Customer { epsilon, delta }, PrivacyTarget::Local { epsilon, delta }] {
        assert_eq!(served(Build::SHIPPED, privacy), Ok(()));
    }
}

#[test]
fn a_plan_of_little_weight_that_learns_from_severe_data_is_not_served() {
    let text = std::fs::read_to_string(settings().schema).unwrap();
    let severe = text.replacen("level = \"L3\"", "level = \"L4\"\nnecessity = \"debts come before deposits\"", 1);
    let schema = Schema::parse(&severe).unwrap();
    let served = |materiality| {
        let mut plan = tributary_planning::build(&settings()).unwrap().plan.plan().clone();
        plan.schema = schema.digest();
        plan.charter.materiality = materiality;
        let plan = plan.validate().unwrap();
        let approvals = approvals(plan.digest());
        Job::of(plan, &schema, approvals).map(|_| ())
    };
    let fault = served(Materiality::Medium).unwrap_err();
    assert!(fault.key == "plan.file" && fault.found.contains("level 4 (severe): default"), "{fault:?}");
    assert_eq!(served(Materiality::High), Ok(()));
}

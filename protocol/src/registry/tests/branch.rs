//! What a branch believes, keeps and refuses.

use super::*;
use crate::round::OutOfOrder;

fn told(step: ModelStep, model: &ModelManifest, sequence: u64) -> Told {
    Told { manifest: model.clone(), statement: signed(statement(step, model, sequence)) }
}

fn judged(models: &BranchModels, told: Told) -> Result<Option<BranchModelsEvent>, ModelFault> {
    models.judge::<Toy>(told, (&roster().roster, &federation()), 0)
}

/// Takes what it is told, as a client does.
fn hears(models: &mut BranchModels, told: Told) -> bool {
    let event = judged(models, told).expect("it counts");
    let Some(event) = event else { return false };
    models.check(&event).expect("in order");
    models.apply(&event);
    true
}

fn stores(models: &mut BranchModels, model: &ModelManifest) {
    let event = BranchModelsEvent::ModelStored { model: model.digest() };
    models.check(&event).expect("in order");
    models.apply(&event);
}

fn deletes(models: &mut BranchModels, model: Digest) {
    let event = BranchModelsEvent::ModelDeleted { model };
    models.check(&event).expect("in order");
    models.apply(&event);
}

fn wanted(models: &BranchModels) -> Vec<Digest> {
    models.wanted(|_| true).map(ModelManifest::digest).collect()
}

/// As a plan without noise, its model is kept where the owner granted that plan by its digest, and not for all that somebody proposes.
#[test]
fn a_model_without_noise_is_granted_by_name_alone() {
    use crate::plan::GrantSubject;
    use crate::round::cast;
    let mut model = manifest(1);
    let by_name = GrantSubject::Plan(model.lineage.run.plan);
    let standing =
        GrantSubject::Plans { proposer: model.lineage.owner.clone(), purpose: model.lineage.purpose.clone() };
    let branch = cast::name(ClientId(1), 1);
    for (privacy, subject, granted) in [
        (PrivacyMode::Customer, &by_name, true),
        (PrivacyMode::Customer, &standing, true),
        (PrivacyMode::None, &by_name, true),
        (PrivacyMode::None, &standing, false),
    ] {
        model.lineage.privacy = privacy;
        let mut grant = cast::grant(&cast::plan());
        (grant.subject, grant.branches, grant.uses.keep_models) = (subject.clone(), [branch.clone()].into(), true);
        assert_eq!(model.lineage.is_granted(&grant, &branch), granted, "{} {subject:?}", privacy.name());
    }
}

#[test]
fn a_champion_is_fetched_kept_and_replaced() {
    let [one, two] = [1, 2].map(manifest);
    let mut models = BranchModels::default();
    assert!(hears(&mut models, told(ModelStep::Promote, &one, 1)));
    assert!(!hears(&mut models, told(ModelStep::Promote, &one, 1)), "it is no news");
    assert_eq!(wanted(&models), [one.digest()]);
    assert_eq!(models.wanted(|_| false).count(), 0, "nothing is granted");
    stores(&mut models, &one);
    assert_eq!(wanted(&models), []);
    assert!(hears(&mut models, told(ModelStep::Promote, &two, 3)));
    stores(&mut models, &two);
    // The one before stays, so that a rollback needs no network.
    assert_eq!(models.unwanted(|_| true), []);
    assert!(hears(&mut models, told(ModelStep::RollBack, &one, 4)));
    assert_eq!(wanted(&models), []);
    assert_eq!(models.champions().map(ModelManifest::digest).collect::<Vec<_>>(), [one.digest()]);
    assert_eq!(models.unwanted(|_| false), [one.digest(), two.digest()], "the owner took the grant back");
    let kept: Vec<_> = models.copies().map(|(_, state, _)| state).collect();
    assert_eq!(kept, [CopyState::Kept, CopyState::Kept]);
}

#[test]
fn what_was_replaced_is_not_brought_back_by_an_old_statement() {
    let [one, two] = [1, 2].map(manifest);
    let mut models = BranchModels::default();
    assert!(hears(&mut models, told(ModelStep::Promote, &two, 3)));
    assert!(!hears(&mut models, told(ModelStep::Promote, &one, 1)));
    assert!(!hears(&mut models, told(ModelStep::Challenge, &one, 9)), "nothing for a branch");
    assert!(!hears(&mut models, told(ModelStep::Retire, &one, 9)), "it never used it");
    assert!(!hears(&mut models, told(ModelStep::Retire, &two, 3)), "of the number that promoted it");
    assert_eq!(wanted(&models), [two.digest()]);
    assert!(hears(&mut models, told(ModelStep::Retire, &two, 4)));
    assert_eq!(wanted(&models), []);
    assert!(!hears(&mut models, told(ModelStep::Promote, &two, 3)));
}

#[test]
fn a_withdrawn_model_is_deleted_acknowledged_and_refused_for_ever() {
    let [one, two] = [1, 2].map(manifest);
    let mut models = BranchModels::default();
    hears(&mut models, told(ModelStep::Promote, &one, 1));
    stores(&mut models, &one);
    // A withdrawal counts whenever it comes, and of whatever model.
    assert!(hears(&mut models, told(ModelStep::Withdraw, &two, 1)));
    assert!(hears(&mut models, told(ModelStep::Withdraw, &one, 2)));
    assert!(models.is_withdrawn(&one.digest()));
    let copies = |models: &BranchModels| models.copies().map(|(model, state, _)| (model, state)).collect::<Vec<_>>();
    assert_eq!(copies(&models), [(two.digest(), CopyState::Refused)], "its files are there still");
    assert_eq!(models.unwanted(|_| true), [one.digest()]);
    deletes(&mut models, one.digest());
    assert!(copies(&models).contains(&(one.digest(), CopyState::Refused)));
    assert_eq!(models.unwanted(|_| true), []);
    // Whoever signs, and however new it is.
    for step in [ModelStep::Promote, ModelStep::RollBack, ModelStep::Retire] {
        assert_eq!(judged(&models, told(step, &one, 9)), Err(ModelFault::Withdrawn));
        let event = BranchModelsEvent::StatementAccepted { told: Box::new(told(step, &one, 9)) };
        assert!(models.check(&event).is_err());
    }
    assert_eq!(judged(&models, told(ModelStep::Withdraw, &one, 9)), Ok(None));
    let stored = BranchModelsEvent::ModelStored { model: one.digest() };
    assert!(models.check(&stored).is_err());
}

#[test]
fn what_does_not_count_is_not_believed() {
    let one = manifest(1);
    let models = BranchModels::default();
    let good = told(ModelStep::Promote, &one, 1);
    let mut lies = Vec::new();
    let mut lie = |change: fn(&mut Told)| {
        let mut told = good.clone();
        change(&mut told);
        lies.push(told);
    };
    lie(|told| told.manifest.parameters.0[0] ^= 1);
    lie(|told| told.manifest.parameter_bytes = 0);
    lie(|told| told.statement.statement.sequence += 1);
    lie(|told| told.statement.first.signature = Signature::none());
    lie(|told| told.statement.second = told.statement.first.clone());
    lie(|told| told.statement.second.federation.0[0] ^= 1);
    for (number, told) in lies.into_iter().enumerate() {
        assert!(judged(&models, told).is_err(), "lie {number}");
    }
    assert!(judged(&models, good.clone()).is_ok());
    let late = models.judge::<Toy>(good, (&later_roster().roster, &federation()), 0);
    assert!(matches!(late, Err(ModelFault::Statement(StatementFault::Second(_)))), "{late:?}");
}

#[test]
fn rules_of_the_branchs_file() {
    let [one, two] = [1, 2].map(manifest);
    let mut models = BranchModels::default();
    let deleted = BranchModelsEvent::ModelDeleted { model: one.digest() };
    let stored = BranchModelsEvent::ModelStored { model: one.digest() };
    assert!(models.check(&deleted).is_err() && models.check(&stored).is_err());
    hears(&mut models, told(ModelStep::Promote, &one, 2));
    stores(&mut models, &one);
    assert!(models.check(&stored).is_err());
    let mut other = told(ModelStep::Promote, &two, 3);
    other.manifest = one.clone();
    assert!(models.check(&BranchModelsEvent::StatementAccepted { told: Box::new(other) }).is_err());
    let old = BranchModelsEvent::StatementAccepted { told: Box::new(told(ModelStep::Promote, &two, 2)) };
    assert!(models.check(&old).is_err());
}

#[test]
fn no_more_are_kept_than_fit_and_the_champion_stays() {
    let most = u32::try_from(crate::limits::MODELS_KEPT_MAX).unwrap();
    let mut models = BranchModels::default();
    for run in 1..=most + 3 {
        let model = manifest(run);
        hears(&mut models, told(ModelStep::Promote, &model, run.into()));
        stores(&mut models, &model);
    }
    let gone = models.unwanted(|_| true);
    assert_eq!(gone, [1, 2, 3].map(|run| manifest(run).digest()));
    gone.into_iter().for_each(|model| deletes(&mut models, model));
    assert_eq!(models.kept().len(), crate::limits::MODELS_KEPT_MAX);
    let deleted = models.copies().filter(|(_, state, _)| *state == CopyState::Deleted).count();
    assert_eq!(deleted, 3);
}

/// A file that knows more models than a registry has was written by no client.
#[test]
fn no_more_are_known_than_a_registry_has() {
    let most = u32::try_from(crate::limits::MODELS_MAX).unwrap();
    let known = |run: u32| {
        let told = told(ModelStep::Withdraw, &manifest(run), run.into());
        BranchModelsEvent::StatementAccepted { told: Box::new(told) }
    };
    let mut models = BranchModels::default();
    (1..=most).for_each(|run| models.apply(&known(run)));
    let mut model = manifest(1);
    model.parameters = Digest::of(b"another");
    let more = told(ModelStep::Withdraw, &model, u64::from(most) + 1);
    assert_eq!(judged(&models, more.clone()), Err(ModelFault::TooMany));
    let more = BranchModelsEvent::StatementAccepted { told: Box::new(more) };
    assert_eq!(models.check(&more), Err(OutOfOrder("a branch knows 10000 models at most")));
}

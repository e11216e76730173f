//! What a branch believes, keeps and refuses.

use alloc::collections::BTreeMap;

use super::*;
use crate::round::OutOfOrder;

fn told(step: ModelStep, model: &ModelManifest, sequence: u64) -> Told {
    Told { manifest: model.clone(), statement: both(step, model, sequence, report(model)) }
}

/// By the first branch, which is in every pilot.
fn judged(models: &BranchModels, told: Told) -> Result<Option<BranchModelsEvent>, ModelFault> {
    judged_by(1, models, told)
}

fn judged_by(client: u32, models: &BranchModels, told: Told) -> Result<Option<BranchModelsEvent>, ModelFault> {
    models.judge::<Toy>(told, &cast::name(ClientId(client), 1), (&roster().roster, &federation(), &NOBODY), NOW)
}

fn accepted(told: Told) -> BranchModelsEvent {
    BranchModelsEvent::StatementAccepted { told: Box::new(told), here: true }
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

/// Where whoever signed a withdrawal has left the roster, a branch that comes back does not believe it. People who are there now withdraw the model again.
#[test]
fn a_withdrawal_is_signed_again_where_its_signers_have_left() {
    let (mut record, two) = (replayed(&history()), manifest(2));
    let later = RegistryEvent::RosterAdopted { roster: Box::new(later_roster()) };
    assert_eq!(record.check(&later), Ok(()));
    record.apply(&later);
    let mut models = BranchModels::default();
    assert!(hears(&mut models, told(ModelStep::Promote, &two, 3)));
    let late = |models: &BranchModels, record: &RegistryRecord| {
        let told = record.told().into_iter().find(|told| told.manifest == two).expect("it ended");
        models.judge::<Toy>(told, &cast::name(ClientId(1), 1), (&later_roster().roster, &federation(), &NOBODY), NOW)
    };
    assert!(matches!(late(&models, &record), Err(ModelFault::Statement(_))));
    let statement = statement(ModelStep::Withdraw, &two, 6);
    let first = by(PROPOSER, Role::PlanOwner, &statement);
    let second = by(APPROVER, Role::PrivacyOfficer, &statement);
    let again = Box::new(SignedStatement { statement, first, second, report: None });
    let event = RegistryEvent::StatementTaken { statement: again };
    assert!(record.verify::<Toy>(&event).is_ok());
    record.apply(&event);
    assert_eq!(record.models[&two.digest()].state, ModelState::Withdrawn);
    let heard = late(&models, &record).expect("it counts").expect("it is news");
    models.apply(&heard);
    assert!(models.is_withdrawn(&two.digest()) && models.in_use().next().is_none());
    assert_eq!(late(&models, &record), Ok(None));
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
    assert_eq!(models.champion(&"churn".into()).map(ModelManifest::digest), Some(one.digest()));
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
    assert!(!hears(&mut models, told(ModelStep::Challenge, &one, 2)), "nor compared again");
    assert!(!hears(&mut models, told(ModelStep::Retire, &one, 2)), "whatever it says, it is over");
    assert!(!hears(&mut models, told(ModelStep::Retire, &two, 3)), "of the number that promoted it");
    assert_eq!(wanted(&models), [two.digest()]);
    stores(&mut models, &two);
    assert_eq!(models.unwanted(|_| true), []);
    assert!(hears(&mut models, told(ModelStep::Retire, &two, 4)));
    assert_eq!((wanted(&models), models.unwanted(|_| true)), ([].to_vec(), [two.digest()].to_vec()));
    assert!(!hears(&mut models, told(ModelStep::Promote, &two, 3)));
}

/// A withdrawal that comes late ends its own model, and makes no older statement news.
#[test]
fn a_late_withdrawal_turns_no_number_back() {
    let [one, two, three] = [1, 2, 3].map(manifest);
    let mut models = BranchModels::default();
    assert!(hears(&mut models, told(ModelStep::Promote, &one, 5)));
    assert!(hears(&mut models, told(ModelStep::Withdraw, &two, 2)));
    for sequence in 3..=5 {
        assert!(!hears(&mut models, told(ModelStep::Promote, &three, sequence)), "{sequence}");
    }
    assert_eq!(wanted(&models), [one.digest()]);
    assert!(hears(&mut models, told(ModelStep::Promote, &three, 6)));
}

/// With a share of 0 it is evaluated alone; the smallest share is one part.
#[test]
fn a_challenger_with_the_smallest_share_is_fetched() {
    let one = manifest(1);
    for (share, challenger) in [(0, None), (1, Some((&one, 1)))] {
        let mut told = told(ModelStep::Challenge, &one, 1);
        let scope = StatementScope::Customers(share);
        let statement = ModelStatement { scope, ..told.statement.statement };
        told.statement = signed(statement, Some(report(&one)));
        let mut models = BranchModels::default();
        assert!(hears(&mut models, told));
        assert_eq!(models.challenger(&"churn".into()), challenger);
        assert_eq!(wanted(&models).len(), usize::from(share > 0));
    }
}

/// A branch was away while a model came and went. Whoever tells it of the coming afterwards tells it nothing.
#[test]
fn a_model_that_ended_unheard_is_not_used_by_an_older_statement() {
    let [one, two, three] = [1, 2, 3].map(manifest);
    let mut models = BranchModels::default();
    assert!(hears(&mut models, told(ModelStep::Promote, &one, 1)));
    assert!(hears(&mut models, told(ModelStep::Retire, &two, 4)));
    for step in [ModelStep::Promote, ModelStep::Pilot, ModelStep::Challenge] {
        assert!(!hears(&mut models, told(step, &two, 3)), "{}", step.name());
    }
    assert_eq!(wanted(&models), [one.digest()]);
    let copies: Vec<_> = models.copies().map(|(model, state, _)| (model, state)).collect();
    assert!(copies.contains(&(two.digest(), CopyState::Absent)), "it has heard of the end, and never had a copy");
    assert!(hears(&mut models, told(ModelStep::Promote, &three, 5)));
    assert_eq!(wanted(&models), [three.digest()]);
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
        assert!(models.check(&accepted(told(step, &one, 9))).is_err());
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
    // Signed of a model that is outside its limits.
    lie(|told| {
        told.manifest.parameter_bytes = 0;
        told.statement = both(ModelStep::Promote, &told.manifest, 1, report(&told.manifest));
    });
    lie(|told| told.statement.statement.sequence += 1);
    lie(|told| told.statement.first.signature = Signature::none());
    lie(|told| told.statement.second = told.statement.first.clone());
    lie(|told| told.statement.second.federation.0[0] ^= 1);
    lie(|told| told.statement.report = None);
    lie(|told| told.statement.report.as_mut().expect("a report").report.figures[0] = Figure::Absent);
    lie(|told| told.statement.report.as_mut().expect("a report").signed.signature = Signature::none());
    lie(|told| {
        // All signatures are good, and a gate does not hold.
        let mut report = told.statement.report.as_deref().expect("a report").report.clone();
        report.figures[1] = Figure::Measured { value: 9_000, low: 6_999, high: 9_000 };
        told.statement = both(ModelStep::Promote, &told.manifest, 1, validated(report));
    });
    for (number, told) in lies.into_iter().enumerate() {
        assert!(judged(&models, told).is_err(), "lie {number}");
    }
    assert!(judged(&models, good.clone()).is_ok());
    let name = cast::name(ClientId(1), 1);
    let late = models.judge::<Toy>(good, &name, (&later_roster().roster, &federation(), &NOBODY), NOW);
    assert!(matches!(late, Err(ModelFault::Statement(StatementFault::Second(_)))), "{late:?}");
}

/// Of people who have left, everything is judged but what a roster says of them: each row breaks one rule.
#[test]
fn words_of_people_who_left_are_judged_all_the_same() {
    use crate::limits::CLOCK_SKEW_SECONDS_MAX as SKEW;
    use crate::plan::AttestationFault as Signer;
    use StatementFault::{First, Second};
    type Lie = (fn(&mut Told), StatementFault);
    let of_report = |fault| StatementFault::Report(ReportFault::Signature(fault));
    let roster = later_roster().roster;
    let judged = |told: &Told, now: u64| {
        let (manifest, federation) = (&told.manifest, &federation());
        told.statement.judge_words(StatementGrounds { manifest, roster: &roster, federation, now: Some(now) })
    };
    let one = manifest(1);
    let lies: [Lie; 12] = [
        (|told| told.manifest = manifest(2), StatementFault::OtherModel),
        (|told| told.statement.statement.purpose = "other".into(), StatementFault::OtherModel),
        (|told| told.statement.statement.federation.0[0] ^= 1, StatementFault::Federation),
        (|told| told.statement.statement.reason = "".into(), StatementFault::Reason),
        (|told| told.statement.statement.scope = StatementScope::Customers(1_000), StatementFault::Scope),
        (|told| told.statement.first.subject.0[0] ^= 1, First(Signer::Subject)),
        (|told| told.statement.second.staff = told.statement.first.staff.clone(), StatementFault::OnePerson),
        (|told| told.statement.second.role = Role::PlanOwner, StatementFault::OneRole),
        (|told| told.statement.second.role = Role::Auditor, Second(Signer::Duty)),
        (|told| told.statement.second.federation.0[0] ^= 1, Second(Signer::Federation)),
        (|told| told.statement.report = None, StatementFault::NoReport),
        (|told| told.statement.report.as_mut().unwrap().signed.subject.0[0] ^= 1, of_report(Signer::Subject)),
    ];
    for step in [ModelStep::Promote, ModelStep::RollBack] {
        let good = told(step, &one, 9);
        assert_eq!(judged(&good, NOW), Ok(()));
        for (number, (lie, fault)) in lies.iter().enumerate() {
            let mut told = good.clone();
            lie(&mut told);
            assert_eq!(judged(&told, NOW), Err(*fault), "{step:?}, lie {number}");
        }
        // Some time ahead of the clock is forgiven, and a report has a last second. A rollback outlives its report.
        let signed_at = good.statement.second.at;
        assert_eq!(judged(&good, signed_at - SKEW), Ok(()));
        assert_eq!(judged(&good, signed_at - SKEW - 1), Err(First(Signer::Future)));
        let last = good.statement.report.as_ref().unwrap().report.valid_until;
        assert_eq!(judged(&good, last), Ok(()));
        let over = Err(StatementFault::Report(ReportFault::Ended));
        assert_eq!(judged(&good, last + 1), if step == ModelStep::RollBack { Ok(()) } else { over });
    }
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
    assert!(models.check(&accepted(other)).is_err());
    assert!(models.check(&accepted(told(ModelStep::Promote, &two, 2))).is_err());
    // No file of a branch makes a model its champion without a report, or is of a statement that is not for the branch.
    let mut bare = told(ModelStep::Promote, &two, 3);
    assert_eq!(models.check(&accepted(bare.clone())), Ok(()));
    let elsewhere = BranchModelsEvent::StatementAccepted { told: Box::new(bare.clone()), here: false };
    assert!(models.check(&elsewhere).is_err());
    bare.statement.report = None;
    assert_eq!(models.check(&accepted(bare)), Err(OutOfOrder("a model is used by a report whose gates hold")));
    // What ends a model has no report that would show of which model it is.
    let about = OutOfOrder("a statement is about the model that comes with it");
    let lies: [fn(&mut Told); 3] = [
        |told| told.manifest = manifest(2),
        |told| told.statement.statement.purpose = "other".into(),
        |told| {
            told.manifest.parameter_bytes = 0;
            told.statement.statement.model = told.manifest.digest();
        },
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut told = told(ModelStep::Retire, &one, 3);
        assert_eq!(models.check(&accepted(told.clone())), Ok(()));
        lie(&mut told);
        assert_eq!(models.check(&accepted(told)), Err(about), "lie {number}");
    }
}

/// A file is read again as it was written, and one that breaks a rule is not read.
#[test]
fn a_branchs_file_comes_to_the_same_each_time() {
    let one = manifest(1);
    let mut models = BranchModels::default();
    hears(&mut models, told(ModelStep::Promote, &one, 1));
    stores(&mut models, &one);
    let stored = BranchModelsEvent::ModelStored { model: one.digest() };
    let events = [accepted(told(ModelStep::Promote, &one, 1)), stored];
    assert_eq!(BranchModels::replay(&events), Ok(models));
    let unasked = OutOfOrder("a model is stored once, while it is used here");
    assert_eq!(BranchModels::replay(&events[1..]), Err(unasked));
}

/// What a branch says of a model stays true after the next statement about it: whether it had a copy, and by which report it was used.
#[test]
fn what_is_known_of_a_model_outlives_the_next_statement() {
    let [one, two] = [1, 2].map(manifest);
    let mut models = BranchModels::default();
    assert_eq!((models.statement(&one.digest()), models.report(&one.digest())), (None, None));
    for model in [&one, &two] {
        let sequence = model.lineage.run.number.into();
        hears(&mut models, told(ModelStep::Promote, model, sequence));
    }
    hears(&mut models, told(ModelStep::RollBack, &one, 3));
    stores(&mut models, &one);
    for (model, sequence) in [(&one, 4), (&two, 5)] {
        let ended = told(ModelStep::Retire, model, sequence);
        hears(&mut models, ended.clone());
        assert_eq!(models.statement(&model.digest()), Some(&ended.statement));
        assert_eq!(models.report(&model.digest()), Some(&report(model)));
    }
    deletes(&mut models, one.digest());
    let copies: BTreeMap<_, _> = models.copies().map(|(model, state, after)| (model, (state, after))).collect();
    for (model, sequence, state) in [(&one, 4, CopyState::Deleted), (&two, 5, CopyState::Absent)] {
        let after = statement(ModelStep::Retire, model, sequence).digest();
        assert_eq!(copies[&model.digest()], (state, after));
    }
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
    // A model in use stays, however long ago it was stored.
    let mut back = models.clone();
    hears(&mut back, told(ModelStep::RollBack, &manifest(1), u64::from(most) + 4));
    assert_eq!(back.unwanted(|_| true), [2, 3, 4].map(|run| manifest(run).digest()));
    gone.into_iter().for_each(|model| deletes(&mut models, model));
    assert_eq!(models.kept().len(), crate::limits::MODELS_KEPT_MAX);
    let deleted = models.copies().filter(|(_, state, _)| *state == CopyState::Deleted).count();
    assert_eq!(deleted, 3);
}

/// A file that knows more models than a registry has was written by no client.
#[test]
fn no_more_are_known_than_a_registry_has() {
    let most = u32::try_from(crate::limits::MODELS_MAX).unwrap();
    let known = |run: u32| accepted(told(ModelStep::Withdraw, &manifest(run), run.into()));
    let mut models = BranchModels::default();
    hears(&mut models, told(ModelStep::Promote, &manifest(1), 1));
    (2..=most).for_each(|run| models.apply(&known(run)));
    let last = told(ModelStep::Retire, &manifest(1), u64::from(most) + 1);
    assert!(judged(&models, last).unwrap().is_some(), "one that is known has room");
    let mut model = manifest(1);
    model.parameters = Digest::of(b"another");
    let more = told(ModelStep::Withdraw, &model, u64::from(most) + 1);
    assert_eq!(judged(&models, more.clone()), Err(ModelFault::TooMany));
    assert_eq!(models.check(&accepted(more)), Err(OutOfOrder("a branch knows 10000 models at most")));
}

/// A branch of the pilot uses its model, and all others keep the champion.
#[test]
fn a_pilot_is_for_its_branches_alone() {
    let [one, two] = [1, 2].map(manifest);
    let champion = |models: &BranchModels| models.champion(&"churn".into()).map(ModelManifest::digest);
    for (client, used) in [(1, two.digest()), (2, one.digest())] {
        let mut models = BranchModels::default();
        hears(&mut models, told(ModelStep::Promote, &one, 1));
        let pilot = told(ModelStep::Pilot, &two, 2);
        let event = judged_by(client, &models, pilot).expect("it counts").expect("news");
        models.check(&event).expect("in order");
        models.apply(&event);
        assert_eq!((champion(&models), models.is_pilot(&two.digest())), (Some(used), client == 1));
        assert_eq!(wanted(&models).contains(&two.digest()), client == 1);
        // The pilot fails: the champion never went.
        hears(&mut models, told(ModelStep::Withdraw, &two, 3));
        assert_eq!((champion(&models), wanted(&models)), (Some(one.digest()), [one.digest()].into()));
    }
}

/// Each purpose has a pilot of its own, or none.
#[test]
fn a_pilot_of_one_purpose_is_a_pilot_beside_others() {
    let [one, mut other] = [1, 2].map(manifest);
    other.lineage.purpose = "deposit".into();
    for steps in [[ModelStep::Pilot, ModelStep::Promote], [ModelStep::Promote, ModelStep::Pilot]] {
        let mut models = BranchModels::default();
        for (step, model) in steps.into_iter().zip([&one, &other]) {
            assert!(hears(&mut models, told(step, model, 1)));
        }
        let pilots = [&one, &other].map(|model| models.is_pilot(&model.digest()));
        assert_eq!(pilots, steps.map(|step| step == ModelStep::Pilot));
        for model in [&one, &other] {
            assert_eq!(models.champion(&model.lineage.purpose), Some(model));
        }
    }
}

/// A share of the customers is scored by the challenger, until it or the champion goes.
#[test]
fn a_challenger_scores_its_share() {
    let [one, two, three] = [1, 2, 3].map(manifest);
    let (mut models, purpose) = (BranchModels::default(), "churn".into());
    let scored = |models: &BranchModels, by: &ModelManifest| {
        let of = |customer: u32| models.model_of_customer(&"churn".into(), &[3; 32], &customer.to_le_bytes());
        (0..1_000_u32).filter(|customer| of(*customer) == Some(by.digest())).count()
    };
    assert_eq!(models.model_of_customer(&purpose, &[3; 32], b"7"), None);
    hears(&mut models, told(ModelStep::Promote, &one, 1));
    hears(&mut models, told(ModelStep::Challenge, &two, 2));
    assert_eq!(models.challenger(&purpose).map(|(model, share)| (model.digest(), share)), Some((two.digest(), 1_000)));
    assert_eq!(wanted(&models), [one.digest(), two.digest()]);
    // A tenth of a thousand: a standard deviation of 9.5.
    let both = [&one, &two].map(|model| scored(&models, model));
    assert!(both[0] + both[1] == 1_000 && (60..140).contains(&both[1]), "{both:?}");
    hears(&mut models, told(ModelStep::Withdraw, &two, 3));
    assert_eq!(scored(&models, &one), 1_000);
    hears(&mut models, told(ModelStep::Challenge, &three, 4));
    hears(&mut models, told(ModelStep::RollBack, &one, 5));
    assert_eq!((models.challenger(&purpose), scored(&models, &one)), (None, 1_000));
}

/// Whoever comes after the promotion judges the report with the rollback.
#[test]
fn a_rollback_that_is_heard_first_brings_its_report() {
    let one = manifest(1);
    let mut models = BranchModels::default();
    let mut back = told(ModelStep::RollBack, &one, 3);
    back.statement.report.as_mut().expect("a report").signed.signature = Signature::none();
    assert!(matches!(judged(&models, back), Err(ModelFault::Statement(StatementFault::Report(_)))));
    assert!(hears(&mut models, told(ModelStep::RollBack, &one, 3)));
    assert_eq!(models.report(&one.digest()), Some(&report(&one)));
    // Whoever judged that very report does not ask again for its validator, who has left since. Another one it has not judged.
    let later = other_validators();
    let judged = |models: &BranchModels, report: SignedReport| {
        let statement = rolled_back(&one, 9, report);
        let told = Told { manifest: one.clone(), statement };
        models.judge::<Toy>(told, &cast::name(ClientId(1), 1), (&later.roster, &federation(), &NOBODY), NOW)
    };
    assert!(judged(&models, report(&one)).expect("it counts").is_some());
    let another = || validated(GatesReport { made: 6, ..report_of(&one, &gates(), None) });
    for (models, report) in [(&models, another()), (&BranchModels::default(), report(&one))] {
        assert!(matches!(judged(models, report), Err(ModelFault::Statement(StatementFault::Report(_)))));
    }
}

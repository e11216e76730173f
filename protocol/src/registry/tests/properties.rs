//! Whatever people state, in whatever order: what holds of every registry, and of every branch that hears of it.

use proptest::prelude::*;

use super::*;

fn steps() -> impl Strategy<Value = Vec<(ModelStep, u32)>> {
    prop::collection::vec((prop::sample::select(ModelStep::ALL.to_vec()), 1_u32..5), 0..24)
}

/// Every step that may be done, done.
fn played(steps: &[(ModelStep, u32)]) -> (RegistryRecord, Vec<RegistryEvent>) {
    let mut events = Vec::from([adopted()]);
    events.extend((1..5).map(|run| registered(manifest(run))));
    let mut record = RegistryRecord::replay(&events).expect("in order");
    for (step, run) in steps {
        let event = taken(*step, &manifest(*run), record.next_sequence(&"churn".into()));
        if record.check(&event).is_ok() {
            record.apply(&event);
            events.push(event);
        }
    }
    (record, events)
}

proptest! {
    #[test]
    fn there_is_one_champion_at_most_and_nothing_leaves_the_end(all in steps()) {
        let (record, events) = played(&all);
        let of = |state| record.in_state(state).map(|(digest, _)| *digest).collect::<Vec<Digest>>();
        let named = |of: fn(&PurposeRecord) -> Option<Digest>| record.purposes.values().filter_map(of).collect::<Vec<_>>();
        prop_assert_eq!(of(ModelState::Champion), named(|purpose| purpose.champion));
        prop_assert_eq!(of(ModelState::Pilot), named(|purpose| purpose.pilot));
        let challengers = named(|purpose| purpose.challenger);
        prop_assert!(challengers.iter().all(|model| of(ModelState::Challenger).contains(model)));
        // Whatever is used somewhere came to it by a statement with a report whose gates hold.
        for model in named(|purpose| purpose.champion).into_iter().chain(named(|purpose| purpose.pilot)).chain(challengers) {
            let model = &record.models[&model];
            let last = model.statements.last().expect("a statement");
            prop_assert!(last.statement.step.needs_report() && last.report(&model.manifest).is_ok());
        }
        prop_assert_eq!(&record, &RegistryRecord::replay(&events).unwrap());
        for former in record.purposes.values().flat_map(|purpose| &purpose.former) {
            prop_assert_eq!(record.models[former].state, ModelState::Challenger);
        }
        // A model that was withdrawn at some moment is withdrawn at the end, and one that was registered is there.
        let mut before = RegistryRecord::default();
        for event in &events {
            before.apply(event);
            for (digest, model) in &before.models {
                let last = record.models[digest].state;
                prop_assert!(model.state != ModelState::Withdrawn || last == ModelState::Withdrawn);
                prop_assert!(model.state != ModelState::Retired || matches!(last, ModelState::Retired | ModelState::Withdrawn));
            }
        }
    }

    /// No statement is taken twice, in whatever state the registry is.
    #[test]
    fn nothing_is_replayed(all in steps()) {
        let (record, events) = played(&all);
        for event in events.iter().filter(|event| matches!(event, RegistryEvent::StatementTaken { .. })) {
            prop_assert!(record.check(event).is_err());
        }
    }

    /// A branch that hears of everything, in any order and with repeats, agrees with the registry on what was withdrawn; one that hears in order
    /// agrees on the champion.
    #[test]
    fn a_branch_ends_with_the_registrys_champion_and_withdrawals(all in steps(), order in prop::collection::vec(any::<prop::sample::Index>(), 40)) {
        let (record, events) = played(&all);
        let told = |event: &RegistryEvent| match event {
            RegistryEvent::StatementTaken { statement } => {
                let manifest = record.models[&statement.statement.model].manifest.clone();
                Some(Told { manifest, statement: statement.as_ref().clone() })
            }
            _ => None,
        };
        let all: Vec<Told> = events.iter().filter_map(told).collect();
        let hear = |models: &mut BranchModels, client: u32, told: &Told| {
            let name = cast::name(ClientId(client), 1);
            let event = models.judge::<Toy>(told.clone(), &name, (&roster().roster, &federation(), &NOBODY), NOW);
            if let Ok(Some(event)) = event {
                models.check(&event).unwrap();
                models.apply(&event);
            }
        };
        let withdrawn = |models: &BranchModels| {
            (1..5).map(|run| manifest(run).digest()).filter(|digest| models.is_withdrawn(digest)).count()
        };
        let expected = record.in_state(ModelState::Withdrawn).count();
        let purpose = &record.purposes[&"churn".into()];
        // The first branch is in every pilot, and the second in none.
        for (client, champion) in [(1, purpose.pilot.or(purpose.champion)), (2, purpose.champion)] {
            let mut models = BranchModels::default();
            all.iter().for_each(|told| hear(&mut models, client, told));
            prop_assert_eq!(models.champion(&"churn".into()).map(ModelManifest::digest), champion);
            let challenger = models.challenger(&"churn".into()).map(|(model, _)| model.digest());
            prop_assert_eq!(challenger, purpose.challenger);
            prop_assert_eq!(withdrawn(&models), expected);
        }
        // And one that comes late is told what stands, in the order of the statements' numbers.
        let mut late = BranchModels::default();
        record.told().iter().for_each(|told| hear(&mut late, 1, told));
        prop_assert_eq!(late.champion(&"churn".into()).map(ModelManifest::digest), purpose.pilot.or(purpose.champion));
        prop_assert_eq!(late.challenger(&"churn".into()).map(|(model, _)| model.digest()), purpose.challenger);
        prop_assert_eq!(withdrawn(&late), expected);
        let mut other = BranchModels::default();
        if !all.is_empty() {
            order.iter().for_each(|index| hear(&mut other, 1, index.get(&all)));
        }
        all.iter().rev().for_each(|told| hear(&mut other, 1, told));
        prop_assert_eq!(withdrawn(&other), expected);
        let used = other.in_use().any(|champion| other.is_withdrawn(&champion.digest()));
        prop_assert!(!used, "no champion was withdrawn");
    }
}

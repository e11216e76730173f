//! What people are shown of models and statements: each figure in its own place.

use tributary_protocol::registry::CopyState;

use super::*;
use crate::registry::view::found;

#[test]
fn each_field_of_a_model_and_of_its_statements_is_its_own() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let branch = MemberName::parse("north-bank/branch-01").unwrap();
    let mut stated = |step: ModelStep, scope: StatementScope, later: u64| {
        let mut signed = world.signed(&registry, step, &model);
        signed.statement.scope = scope;
        let (subject, action) = (signed.statement.digest(), step.action());
        signed.first = world.attested(0, action, subject);
        let (staff, role, key) = &world.keys[1];
        signed.second = attest(key, action, subject, FEDERATION, staff, *role, unix_seconds() - later).unwrap();
        registry.take(&mut journal, &world.roster, signed.clone()).unwrap();
        signed
    };
    let steps = [
        stated(ModelStep::Challenge, StatementScope::Customers(500), 5),
        stated(ModelStep::Pilot, StatementScope::Branches(vec![branch.clone()]), 0),
        stated(ModelStep::Promote, StatementScope::All, 0),
        stated(ModelStep::Withdraw, StatementScope::All, 0),
    ];
    let known = registry.record().models[&model].clone();
    let line = ModelLine::of(&known, Path::new("/state"));
    let (manifest, lineage) = (&known.manifest, &known.manifest.lineage);
    assert_eq!((&line.model, line.state), (&model.to_string(), "withdrawn"));
    assert_eq!((&line.purpose, &line.parameters), (&lineage.purpose.to_string(), &manifest.parameters.to_string()));
    assert_eq!((&line.plan, &line.plan_name, line.run), (&lineage.run.plan.to_string(), &"test".to_owned(), 1));
    assert_eq!((&line.owner, line.rounds, line.complete), (&lineage.owner.to_string(), 3, true));
    assert_eq!((&line.folder, &line.parent), (&format!("/state/registry/{model}"), &None));
    let (owner, validator) = (&world.keys[0].0, &world.keys[1].0);
    let signed = vec![format!("{owner} (plan-owner)"), format!("{validator} (model-validator)")];
    let rows = [
        ("challenge", vec![], Some(500)),
        ("pilot", vec![branch.to_string()], None),
        ("promote", vec![], None),
        ("withdraw", vec![], None),
    ];
    assert_eq!(line.statements.len(), rows.len());
    for (((number, line), (step, branches, share)), statement) in (1..).zip(&line.statements).zip(rows).zip(&steps) {
        let report = statement.report.as_ref();
        let expected = StatementLine {
            sequence: number,
            step,
            signed: signed.clone(),
            at: statement.first.at.max(statement.second.at),
            evidence: report.map(|report| report.report.digest().to_string()),
            validator: report.map(|_| validator.to_string()),
            valid_until: report.map(|report| report.report.valid_until),
            branches,
            share,
            reason: "because".into(),
        };
        assert_eq!(*line, expected);
        assert_eq!(report.is_some(), step != "withdraw");
    }
    assert!(steps[0].second.at < steps[0].first.at, "the later one of the two counts");
    // A second model of the same parameters' family has the first one as its parent.
    let child = contents(&registry, &job, 2).manifest;
    assert_eq!(child.lineage.parent, None, "it began from no registered model");
    assert_eq!(registry.record().copy(&model, ClientId(1)).map(CopyState::name), None);
}

/// An older roster that is put back gives nobody a role again.
#[test]
fn of_two_rosters_the_newer_one_judges() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let of = |epoch: u64, people: Vec<Person>| {
        let entries = world.roster.roster.entries().to_vec();
        let previous = if epoch == 1 { Digest::ZERO } else { Digest::of(b"before") };
        let roster = Roster::new(epoch, previous, entries, Vec::new(), people).unwrap();
        SignedRoster { roster, signatures: Vec::new() }
    };
    let people = world.roster.roster.people().to_vec();
    let (old, new) = (of(1, people.clone()), of(2, vec![]));
    let record = |registry: &Registry, roster: &SignedRoster| newer(registry.record(), &roster.roster).epoch();
    assert_eq!((record(&registry, &old), record(&registry, &new)), (1, 2));
    let statement = world.signed(&registry, ModelStep::Promote, &model);
    assert!(registry.take(&mut journal, &new, statement.clone()).is_err());
    assert!(registry.take(&mut journal, &of(3, people), statement).unwrap());
    assert_eq!(
        (record(&registry, &old), record(&registry, &of(3, vec![])), record(&registry, &of(4, vec![]))),
        (3, 3, 4)
    );
    assert!(found(registry.record(), &model.to_string()).is_ok());
}

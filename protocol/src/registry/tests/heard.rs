//! A branch that comes back after the signers of a statement have left: it believes the other branches, and no stolen key.

use super::*;
use crate::roster::RosterGroup;

/// The first branch was away, and the roster has no validator any more.
fn late(models: &BranchModels, told: &Told, heard: &Heard) -> Result<Option<BranchModelsEvent>, ModelFault> {
    let name = cast::name(ClientId(1), 1);
    models.judge::<Toy>(told.clone(), &name, (&later_roster().roster, &federation(), heard), NOW)
}

fn follow(heard: &mut Heard, note: &CopyNote) -> bool {
    heard.add::<Toy>(note, (&later_roster().roster, &federation()))
}

/// What these branches say of a statement.
fn followed(clients: &[u32], told: &Told) -> Heard {
    let mut heard = Heard::under(roster().roster);
    for client in clients {
        let word = note(*client, &told.manifest, CopyState::Absent, &told.statement.statement);
        assert!(follow(&mut heard, &word), "{client}");
    }
    heard
}

fn told_as(step: ModelStep, sequence: u64) -> Told {
    let model = manifest(1);
    let statement = both(step, &model, sequence, report(&model));
    Told { manifest: model, statement }
}

/// Every step, of which some let a model be used and others end it.
#[test]
fn more_than_half_of_the_others_are_believed() {
    for step in ModelStep::ALL {
        let (models, told) = (BranchModels::default(), told_as(step, 4));
        let judged = |clients: &[u32]| late(&models, &told, &followed(clients, &told));
        assert!(matches!(judged(&[]), Err(ModelFault::Statement(_))), "{step:?}");
        // Its own word is nobody else's, and one of two others is a half.
        for few in [&[1][..], &[2], &[1, 3]] {
            let refused = judged(few);
            let expected = matches!(refused, Err(ModelFault::Unheard { found: 1, others: 2, .. }));
            assert!(expected || few == [1] && matches!(refused, Err(ModelFault::Statement(_))), "{step:?} {few:?}");
        }
        let event = judged(&[2, 3]).expect("it counts").expect("it is news");
        assert_eq!(models.check(&event), Ok(()), "{step:?}");
    }
}

/// Whoever has the keys of people who left signs what was never stated. Nobody follows that, and words about other statements prove nothing for it.
#[test]
fn a_stolen_key_signs_nothing_back_into_the_past() {
    let (models, true_one) = (BranchModels::default(), told_as(ModelStep::Promote, 4));
    let stolen = told_as(ModelStep::Promote, 9);
    assert!(matches!(late(&models, &stolen, &followed(&[2, 3], &true_one)), Err(ModelFault::Statement(_))));
    // A word about another statement begins anew.
    let mut heard = followed(&[2, 3], &true_one);
    assert!(follow(&mut heard, &note(2, &stolen.manifest, CopyState::Kept, &stolen.statement.statement)));
    for told in [&stolen, &true_one] {
        assert!(late(&models, told, &heard).is_err());
    }
    // Words that are not signed, are another branch's, of another federation or of a stranger.
    let good = note(3, &stolen.manifest, CopyState::Kept, &stolen.statement.statement);
    let lies: [fn(&mut CopyNote); 5] = [
        |note| note.signature = Signature::none(),
        |note| note.client = ClientId(2),
        |note| note.client = ClientId(9),
        |note| note.at += 1,
        |note| note.federation.0[0] ^= 1,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut note = good.clone();
        lie(&mut note);
        assert!(!follow(&mut heard, &note), "lie {number}");
    }
    // Its own branch may have signed it, in another federation.
    let mut elsewhere = CopyNote { federation: Digest::ZERO, ..good.clone() };
    elsewhere.signature = Toy::sign(&signing_key(elsewhere.client), &elsewhere.to_sign::<Toy>());
    assert!(!follow(&mut heard, &elsewhere));
    assert!(late(&models, &stolen, &heard).is_err());
    assert!(follow(&mut heard, &good) && late(&models, &stolen, &heard).is_ok());
}

/// People signed it by the roster of then, and not only branches follow it: without that roster, by another one, or with invented signatures nothing counts,
/// however many branches say so.
#[test]
fn branches_stand_in_for_the_time_and_for_no_person() {
    let (models, told) = (BranchModels::default(), told_as(ModelStep::Promote, 4));
    let word = |client, told: &Told| note(client, &told.manifest, CopyState::Absent, &told.statement.statement);
    for before in [None, Some(later_roster().roster)] {
        let mut heard = before.map_or_else(Heard::none, Heard::under);
        assert!(follow(&mut heard, &word(2, &told)) && follow(&mut heard, &word(3, &told)));
        assert!(matches!(late(&models, &told, &heard), Err(ModelFault::Statement(_))));
    }
    let lies: [fn(&mut Told); 4] = [
        |told| told.statement.first.signature = Signature::none(),
        |told| told.statement.second.signature = told.statement.first.signature.clone(),
        |told| told.statement.second.staff = told.statement.first.staff.clone(),
        |told| told.statement.report.as_mut().expect("a report").signed.signature = Signature::none(),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut false_one = told.clone();
        lie(&mut false_one);
        let judged = late(&models, &false_one, &followed(&[2, 3], &false_one));
        assert!(matches!(judged, Err(ModelFault::Statement(_))), "lie {number}: {judged:?}");
    }
}

/// Whoever names the group names no small one: a branch that is not in it asks everybody.
#[test]
fn a_branch_outside_the_group_asks_all() {
    let told = told_as(ModelStep::Promote, 4);
    let heard = followed(&[2], &told);
    let outside = cast::name(ClientId(77), 1);
    let roster = later_roster().roster;
    let following = heard.of(&told.statement.statement, &told.manifest, (&roster, &outside));
    assert_eq!(following, Following { found: 1, others: roster.entries().len() });
    // Of a small group only its members ask each other.
    let group = RosterGroup { name: "pair".into(), members: [1, 2].map(ClientId).into() };
    let roster = roster_after(&roster, roster.entries().to_vec(), [group].into()).roster;
    let mut told = told;
    told.manifest.lineage.group = "pair".into();
    for (client, found, others) in [(1, 1, 1), (2, 0, 1), (3, 1, 2)] {
        let asks = cast::name(ClientId(client), 1);
        let following = heard.of(&told.statement.statement, &told.manifest, (&roster, &asks));
        assert_eq!(following, Following { found, others }, "branch {client}");
    }
}

/// The others stand in for signatures alone: whatever else is wrong with a statement is wrong however many follow it.
#[test]
fn nothing_but_the_signers_is_taken_from_others() {
    let models = BranchModels::default();
    let good = told_as(ModelStep::Promote, 4);
    type Lie = fn(&mut Told);
    let lies: [Lie; 8] = [
        |told| told.statement.report = None,
        |told| told.statement.report.as_mut().expect("a report").report.figures[0] = Figure::Absent,
        |told| told.statement.second = told.statement.first.clone(),
        |told| told.statement.second.action = Action::WithdrawModel,
        |told| told.statement.first.at = NOW + 1_000_000,
        |told| told.statement.statement.scope = StatementScope::Customers(1_000),
        |told| told.statement.statement.reason = "two\nlines".into(),
        |told| told.manifest.parameters.0[0] ^= 1,
    ];
    assert!(late(&models, &good, &followed(&[2, 3], &good)).is_ok());
    for (number, lie) in lies.into_iter().enumerate() {
        let mut told = good.clone();
        lie(&mut told);
        let judged = late(&models, &told, &followed(&[2, 3], &told));
        assert!(matches!(judged, Err(ModelFault::Statement(_) | ModelFault::Manifest(_))), "lie {number}: {judged:?}");
    }
    // A report that held when the statement was taken, and is over by the clock.
    let model = manifest(1);
    let short = validated(GatesReport { valid_until: NOW - 1, ..report_of(&model, &gates(), None) });
    let told = Told { statement: both(ModelStep::Promote, &model, 4, short), manifest: model };
    let over = ModelFault::Statement(StatementFault::Report(ReportFault::Ended));
    assert_eq!(late(&models, &told, &followed(&[2, 3], &told)), Err(over));
    // Nor does it bring back what was withdrawn, or replaced.
    let mut models = BranchModels::default();
    let withdrawn = told_as(ModelStep::Withdraw, 5);
    models.apply(&late(&models, &withdrawn, &followed(&[2, 3], &withdrawn)).expect("it counts").expect("news"));
    assert_eq!(late(&models, &good, &followed(&[2, 3], &good)), Err(ModelFault::Withdrawn));
}

/// A branch that hears in time says which statement it follows, once for each; the registry hands these words on.
#[test]
fn the_registry_has_who_follows_what() {
    let (one, events) = (manifest(1), history());
    let mut record = replayed(&events[..4]);
    let promoted = statement(ModelStep::Promote, &one, 1);
    for (client, state) in [(3, CopyState::Absent), (2, CopyState::Kept), (2, CopyState::Deleted)] {
        let event = noted(note(client, &one, state, &promoted));
        assert_eq!(record.verify::<Toy>(&event), Ok(1));
        record.apply(&event);
        assert!(record.check(&event).is_err(), "it changes nothing");
    }
    let followers = |record: &RegistryRecord, of: &ModelStatement| {
        record.followers(&one.digest(), &of.digest()).map(|note| note.client.0).collect::<Vec<_>>()
    };
    assert_eq!(followers(&record, &promoted), [2, 3]);
    // The same copy after another statement is a word of its own.
    let retired = statement(ModelStep::Retire, &one, 2);
    record.apply(&taken(ModelStep::Retire, &one, 2));
    let event = noted(note(3, &one, CopyState::Absent, &retired));
    assert_eq!(record.verify::<Toy>(&event), Ok(1));
    record.apply(&event);
    assert_eq!((followers(&record, &promoted), followers(&record, &retired)), ([2].to_vec(), [3].to_vec()));
}

/// The roster after it, in which a branch has another key.
fn rekeyed(client: u32) -> SignedRoster {
    let last = roster().roster;
    let mut entries = last.entries().to_vec();
    let own = entries.iter_mut().find(|entry| entry.client == ClientId(client)).expect("an entry");
    own.signing_key = Toy::verifying_key(&cast::second_key(ClientId(client)));
    roster_after(&last, entries, Vec::new())
}

/// The same word, signed with a branch's new key.
fn again(mut note: CopyNote) -> CopyNote {
    note.signature = Toy::sign(&cast::second_key(note.client), &note.to_sign::<Toy>());
    note
}

/// With its earlier key the word of a branch dies. It says the same with the new one, once, whatever it follows, and is counted once.
#[test]
fn a_branch_with_a_new_key_says_again_what_it_follows() {
    let told = told_as(ModelStep::Promote, 1);
    let (promoted, withdrawn) = (told.statement.statement.clone(), statement(ModelStep::Withdraw, &manifest(1), 2));
    let mut record = replayed(&history()[..4]);
    let word = |client, state, of: &ModelStatement| note(client, &manifest(1), state, of);
    let says = |record: &mut RegistryRecord, note: CopyNote| {
        let event = noted(note);
        let verified = record.verify::<Toy>(&event);
        if verified.is_ok() {
            record.apply(&event);
        }
        verified.is_ok()
    };
    for client in [2, 3] {
        assert!(says(&mut record, word(client, CopyState::Absent, &promoted)));
    }
    let roster = rekeyed(2);
    let believes = |record: &RegistryRecord| {
        let mut heard = Heard::under(super::roster().roster);
        let followers: Vec<&CopyNote> = record.followers(&promoted.model, &promoted.digest()).collect();
        for note in &followers {
            assert!(heard.add::<Toy>(note, (&roster.roster, &federation())), "what is told of verifies");
        }
        let grounds = (&roster.roster, &federation(), &heard);
        let judged = BranchModels::default().judge::<Toy>(told.clone(), &cast::name(ClientId(1), 1), grounds, NOW);
        (followers.len(), judged.is_ok())
    };
    let adopts = RegistryEvent::RosterAdopted { roster: Box::new(roster.clone()) };
    assert_eq!(record.check(&adopts), Ok(()));
    record.apply(&adopts);
    assert_eq!(believes(&record), (1, false), "one of two others is a half");
    assert_eq!(record.notes(&promoted.model, ClientId(77)), 0, "a stranger has said nothing");
    let notes = record.notes(&promoted.model, ClientId(2));
    assert!(!says(&mut record, word(2, CopyState::Absent, &promoted)), "with the earlier key");
    assert!(says(&mut record, again(word(2, CopyState::Absent, &promoted))));
    assert_eq!(believes(&record), (2, true));
    assert_eq!(record.notes(&promoted.model, ClientId(2)), notes, "it takes nothing of what a branch may say");
    for (client, signed) in
        [(2, again(word(2, CopyState::Absent, &promoted))), (3, word(3, CopyState::Absent, &promoted))]
    {
        assert!(!says(&mut record, signed), "branch {client} has said it with this key");
    }
    // That a model is refused is said again as well, and nothing else after it.
    let mut record = replayed(&history()[..4]);
    record.apply(&taken(ModelStep::Withdraw, &manifest(1), 2));
    assert!(says(&mut record, word(2, CopyState::Refused, &withdrawn)));
    record.apply(&adopts);
    assert!(!says(&mut record, again(word(2, CopyState::Kept, &promoted))));
    assert!(says(&mut record, again(word(2, CopyState::Refused, &withdrawn))));
    assert!(!says(&mut record, again(word(2, CopyState::Refused, &withdrawn))));
    assert_eq!(record.followers(&promoted.model, &withdrawn.digest()).count(), 1);
}

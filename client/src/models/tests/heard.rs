//! What the branch has heard: a ledger of models that lost it, and the roster by which a statement was taken.

use super::*;

/// A ledger was cut or lost, or is an older one: by it no model is used, until the branch is told again of all that it has heard.
#[test]
fn a_ledger_that_says_less_than_was_heard_is_not_used() {
    let mut world = World::new();
    let folder = world.folder.path().to_path_buf();
    let (ledger, state) = (folder.join("models/models.ledger"), folder.join("models.heard"));
    let all = [told(ModelStep::Promote, 1, 1), told(ModelStep::Promote, 2, 2), told(ModelStep::Withdraw, 2, 3)];
    world.hear(vec![all[0].clone()]);
    let older = [&ledger, &state].map(|path| std::fs::read(path).unwrap());
    world.hear(vec![all[1].clone()]);
    let before = std::fs::read(&ledger).unwrap();
    world.hear(vec![all[2].clone()]);
    let whole = std::fs::read(&ledger).unwrap();
    assert!(world.used().unwrap().is_withdrawn(&manifest(2).digest()));
    let told_why = |world: &World| world.used().map(drop).unwrap_err().to_string();
    // Its end was cut, all of it was, an older copy of the state folder was put back, or it is gone. The note of one folder is enough.
    for (bytes, note) in [(Some(&before), None), (Some(&older[0]), Some(&older[1])), (None, None)] {
        let _gone = std::fs::remove_file(&ledger);
        bytes.iter().for_each(|bytes| std::fs::write(&ledger, bytes).unwrap());
        let _gone = std::fs::remove_file(&state);
        note.iter().for_each(|note| std::fs::write(&state, note).unwrap());
        let why = told_why(&world);
        assert!(why.contains("models.ledger") && why.contains("heard of later statements"), "{why}");
    }
    // A daemon starts all the same. A coordinator that hides the withdrawal, and goes on with later statements, ends nothing.
    world.models = open(&folder);
    world.models.shown(&world.branch, roster(1));
    world.hear(vec![all[0].clone(), all[1].clone()]);
    world.hear(vec![told(ModelStep::Promote, 3, 4)]);
    assert!(told_why(&world).contains("heard of later statements"));
    world.hear(vec![all[2].clone()]);
    let models = world.used().unwrap();
    assert!(models.is_withdrawn(&manifest(2).digest()));
    assert_eq!(models.champion("churn").map(|used| used.model), Some(manifest(3).digest()));
    // The ledger from before says as much as was heard, but for what came since.
    std::fs::write(&ledger, whole).unwrap();
    assert!(told_why(&world).contains("heard of later statements"));
}

/// By an older roster a statement was taken that comes next. One that nobody signed, or that is not from before the newest, says nothing.
#[test]
fn the_roster_of_a_statement_is_believed_if_it_is_signed_and_older_than_the_newest() {
    let mut world = World::new();
    let mut heard = |shown: Option<SignedRoster>, before: SignedRoster| {
        shown.into_iter().for_each(|roster| world.models.shown(&world.branch, roster));
        world.models.shown_before(before);
        world.models.heard.clone()
    };
    let (none, first) = (Heard::default(), Heard::under(roster(1).roster));
    assert_eq!(heard(None, roster(1)), none, "it is the newest itself");
    assert_eq!(heard(Some(roster(2)), roster(1)), first);
    assert_eq!(heard(None, roster(3)), none, "and what was believed before is none any more");
    assert_eq!(heard(None, roster(1)), first);
    let unsigned = || SignedRoster { signatures: Vec::new(), ..roster(1) };
    assert_eq!(heard(None, unsigned()), none);
    assert_eq!(heard(None, roster(1)), first);
    assert_eq!(heard(Some(roster(2)), unsigned()), none);
    // Without a newest roster there is no older one.
    world.models.roster = None;
    world.models.shown_before(roster(1));
    assert_eq!(world.models.heard, none);
}

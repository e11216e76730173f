//! What an enemy does to a bundle who has every file of the coordinator, and no key of anybody else: one line for each, with the code that it gets.
//!
//! Each change is made before the bundle is put together, so that chain, table and digests fit it: only what is said can give it away. The last ones
//! change bytes of a whole bundle.

use std::collections::BTreeMap;

use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_evidence::Item;
use tributary_evidence::bundle::Contents;
use tributary_model::stage::STATE_FORMAT;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::log::{NoteKey, SignatureKind};
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::ModelRef;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;
use tributary_protocol::time::Millis;

use super::code;
use super::world::{
    AT, CLIENTS, DAY, Event, SMALL, Shape, World, approvals, authorities, person_key, roster, sealed, signed_roster,
    signing_key,
};

pub(super) type Change = fn(&mut World);

/// The events of the run.
pub(super) fn run(world: &mut World) -> impl Iterator<Item = &mut CoordinatorEvent> {
    world.events.iter_mut().filter_map(|event| match event {
        Event::Run(event) => Some(event),
        Event::Registry(_) => None,
    })
}

/// Changes every event of the run.
fn each(world: &mut World, change: impl FnMut(&mut CoordinatorEvent)) {
    run(world).for_each(change);
}

/// The place of the first event that is one.
fn place(world: &World, is: fn(&CoordinatorEvent) -> bool) -> usize {
    world.events.iter().position(|event| matches!(event, Event::Run(event) if is(event))).unwrap()
}

fn committed(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundCommitted { .. })
}

fn admitted(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::UpdateAdmitted { .. })
}

fn quorum(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::QuorumReached { .. })
}

fn started(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundStarted { .. })
}

fn manifest(world: &mut World, change: impl FnOnce(&mut tributary_protocol::registry::ModelManifest)) {
    for event in &mut world.events {
        if let Event::Registry(RegistryEvent::ModelRegistered { manifest }) = event {
            change(manifest);
            let (old, new) = (world.model, manifest.digest());
            // Its files go with it.
            for item in [Item::Statement, Item::Features, Item::Parameters] {
                if let Some(bytes) = world.parts.remove(&item(old).name()) {
                    world.parts.insert(item(new).name(), bytes);
                }
            }
            world.model = new;
            return;
        }
    }
}

fn named(world: &World, folder: &str) -> Vec<String> {
    world.parts.keys().filter(|name| name.starts_with(folder)).cloned().collect()
}

fn flip(world: &mut World, folder: &str, which: usize, at: usize) {
    let name = named(world, folder)[which].clone();
    let bytes = world.parts.get_mut(&name).unwrap();
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
}

fn swap(world: &mut World, folder: &str) {
    let names = named(world, folder);
    let [one, other] = [0, 1].map(|which| world.parts[&names[which]].clone());
    world.parts.insert(names[0].clone(), other);
    world.parts.insert(names[1].clone(), one);
}

fn kept_of(world: &World, round: u64) -> String {
    Item::Round(world.run.id(), RoundId(round)).name()
}

/// Takes the checkpoints of these parts as they are.
pub(crate) fn noted(world: &mut World, from: &BTreeMap<String, Vec<u8>>) {
    let notes = from.iter().filter(|(name, _)| name.starts_with("checkpoints/"));
    world.parts.extend(notes.map(|(name, note)| (name.clone(), note.clone())));
}

/// Signs what another roster's epoch shows.
fn rostered(world: &mut World, change: impl Fn(&mut tributary_protocol::roster::SignedRoster)) {
    each(world, |event| {
        if let CoordinatorEvent::RosterAdopted { roster, .. } = event {
            change(roster);
        }
    });
}

#[rustfmt::skip]
const CASES: &[(&str, u8, Change)] = &[
    // People and plans.
    ("a plan that another person has approved", 1, |world| {
        let federation = authorities(SMALL.authorities).digest();
        let digest = world.run.plan().digest();
        each(world, |event| if let CoordinatorEvent::RunOpened { approvals: shown, .. } = event {
            let mut other = approvals(&digest, federation);
            other.approval.staff = other.proposal.staff.clone();
            **shown = other;
        });
    }),
    ("an approval under another key", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { approvals, .. } = event {
            approvals.approval.signature = RealSuite::sign(&person_key(7), &approvals.approval.to_sign::<RealSuite>());
        }
    })),
    ("the signatures of author and officer exchanged", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { approvals, .. } = event {
            let both = approvals.as_mut();
            std::mem::swap(&mut both.proposal.signature, &mut both.approval.signature);
        }
    })),
    ("approvals of another plan", 1, |world| {
        let other = approvals(&Digest([9; 32]), authorities(SMALL.authorities).digest());
        each(world, |event| if let CoordinatorEvent::RunOpened { approvals, .. } = event { **approvals = other.clone(); });
    }),
    ("approvals of another federation", 1, |world| {
        let other = approvals(&world.run.plan().digest(), Digest([9; 32]));
        each(world, |event| if let CoordinatorEvent::RunOpened { approvals, .. } = event { **approvals = other.clone(); });
    }),
    ("a plan with another purpose", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { plan, .. } = event { plan.purpose = "credit".into(); }
    })),
    ("a plan with more retries", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { plan, .. } = event { plan.retries += 1; }
    })),
    ("a plan that begins from another model", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { plan, .. } = event { plan.initial_model = ModelRef::Seed(1); }
    })),
    ("another model at the beginning", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { model, .. } = event { *model = Digest([9; 32]); }
    })),
    ("a plan with another retention", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunOpened { plan, .. } = event { plan.retention.uploads_dimension_max = 0; }
    })),
    // Rosters.
    ("a roster that one authority has signed", 1, |world| rostered(world, |roster| { roster.signatures.pop(); })),
    ("a roster that nobody has signed", 1, |world| rostered(world, |roster| roster.signatures.clear())),
    ("a roster with a member more", 1, |world| {
        let signatures = world.roster.signatures.clone();
        rostered(world, |signed| {
            signed.roster = roster(1, Digest::ZERO, CLIENTS + 1);
            signed.signatures = signatures.clone();
        });
    }),
    ("a roster that other authorities have signed", 1, |world| {
        let other = signed_roster(roster(1, Digest::ZERO, CLIENTS), [111, 112, 113]);
        rostered(world, |signed| *signed = other.clone());
    }),
    ("the registry's roster signed by others", 1, |world| {
        let other = signed_roster(roster(1, Digest::ZERO, CLIENTS), [111, 112, 113]);
        for event in &mut world.events {
            if let Event::Registry(RegistryEvent::RosterAdopted { roster }) = event { **roster = other.clone(); }
        }
    }),
    ("two rosters of one epoch", 1, |world| {
        let other = signed_roster(roster(1, Digest::ZERO, CLIENTS + 1), SMALL.authorities);
        for event in &mut world.events {
            if let Event::Registry(RegistryEvent::RosterAdopted { roster }) = event { **roster = other.clone(); }
        }
    }),
    ("a list of authorities of whom one must sign, and people who sign for that federation", 3, |world| {
        let list = RosterAuthorities::new(1, authorities(SMALL.authorities).keys().to_vec()).unwrap();
        world.parts.insert("authorities".into(), list.print().into_bytes());
        let shown = approvals(&world.run.plan().digest(), list.digest());
        each(world, |event| if let CoordinatorEvent::RunOpened { approvals, .. } = event { **approvals = shown.clone(); });
    }),
    ("everything made again by other authorities", 3, |world| *world = World::new(Shape { authorities: [111, 112, 113], ..SMALL })),
    ("a list of authorities that is none", 1, |world| { world.parts.insert("authorities".into(), b"anybody\n".to_vec()); }),
    ("no list of authorities", 2, |world| { world.parts.remove("authorities"); }),
    // What branches signed.
    ("an upload under another branch's name", 1, |world| {
        let at = place(world, admitted);
        if let Event::Run(CoordinatorEvent::UpdateAdmitted { client, .. }) = &mut world.events[at] { *client = ClientId(CLIENTS); }
    }),
    ("an upload with another vector", 1, |world| {
        let at = place(world, admitted);
        if let Event::Run(CoordinatorEvent::UpdateAdmitted { vector, .. }) = &mut world.events[at] { *vector = Digest([9; 32]); }
    }),
    ("an upload with another budget head", 1, |world| {
        let at = place(world, admitted);
        if let Event::Run(CoordinatorEvent::UpdateAdmitted { head, .. }) = &mut world.events[at] { *head = Digest([9; 32]); }
    }),
    ("an upload that its branch did not sign", 1, |world| {
        let at = place(world, admitted);
        if let Event::Run(CoordinatorEvent::UpdateAdmitted { signature, .. }) = &mut world.events[at] { *signature = Signature::none(); }
    }),
    ("an upload signed by another branch", 1, |world| {
        let at = place(world, admitted);
        if let Event::Run(CoordinatorEvent::UpdateAdmitted { signature, .. }) = &mut world.events[at] {
            *signature = RealSuite::sign(&signing_key(ClientId(3)), b"something");
        }
    }),
    ("the signatures of two uploads exchanged", 1, |world| {
        let at = place(world, admitted);
        let [Event::Run(CoordinatorEvent::UpdateAdmitted { signature: one, .. }), Event::Run(CoordinatorEvent::UpdateAdmitted { signature: other, .. })] =
            world.events.get_disjoint_mut([at, at + 1]).unwrap() else { panic!("two uploads") };
        std::mem::swap(one, other);
    }),
    ("an upload left out", 1, |world| { let at = place(world, admitted); world.events.remove(at); }),
    ("an upload twice", 1, |world| { let at = place(world, admitted); let again = world.events[at].clone(); world.events.insert(at, again); }),
    ("an upload of another round", 1, |world| {
        let (first, last) = (place(world, admitted), world.events.iter().rposition(|event| matches!(event, Event::Run(event) if admitted(event))).unwrap());
        world.events[first] = world.events[last].clone();
    }),
    ("another set of survivors", 1, |world| each(world, |event| {
        if let CoordinatorEvent::SurvivorsFrozen { digest, .. } = event { *digest = Digest([9; 32]); }
    })),
    ("no quorum", 1, |world| { let at = place(world, quorum); world.events.remove(at); }),
    ("a quorum of too few", 1, |world| each(world, |event| {
        if let CoordinatorEvent::QuorumReached { signatures, .. } = event { signatures.truncate(6); }
    })),
    ("a quorum with one forged signature", 1, |world| each(world, |event| {
        if let CoordinatorEvent::QuorumReached { signatures, .. } = event { signatures[8].1 = signatures[0].1.clone(); }
    })),
    ("a quorum of another round", 1, |world| {
        let quorums: Vec<_> = run(world).filter_map(|event| match event {
            CoordinatorEvent::QuorumReached { signatures, .. } => Some(signatures),
            _ => None,
        }).collect();
        let [first, second, ..] = quorums.try_into().map(|all: [_; 3]| all).unwrap();
        std::mem::swap(first, second);
    }),
    // Rounds.
    ("less noise", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RoundStarted { descriptor } = event { descriptor.share_variance /= 2; }
    })),
    ("a round from another model", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RoundStarted { descriptor } = event { descriptor.model = Digest([9; 32]); }
    })),
    ("a round left out whole", 1, |world| {
        let (from, to) = (place(world, started), place(world, committed));
        world.events.drain(from..=to);
    }),
    ("a round that counts as aborted", 1, |world| {
        let at = place(world, committed);
        world.events[at] = Event::Run(CoordinatorEvent::RoundAborted { round: RoundId(1), reason: ClosedReason::Deadline });
    }),
    ("two rounds exchanged", 1, |world| {
        let (from, to) = (place(world, started), place(world, committed));
        let first: Vec<Event> = world.events.drain(from..=to).collect();
        let next = from + first.len();
        world.events.splice(next..next, first);
    }),
    ("one round fewer at the end than there were", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunFinished { rounds, .. } = event { *rounds -= 1; }
    })),
    ("a run that is called incomplete", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RunFinished { complete, .. } = event { *complete = false; }
    })),
    ("a run without its beginning", 1, |world| { world.events.remove(0); }),
    ("a run without its end, and a model of it", 1, |world| {
        let at = place(world, |event| matches!(event, CoordinatorEvent::RunFinished { .. }));
        world.events.remove(at);
    }),
    // Sums.
    ("a sum that does not follow from its uploads", 1, |world| each(world, |event| {
        if let CoordinatorEvent::RoundCommitted { sum, .. } = event { *sum = Digest([9; 32]); }
    })),
    ("a kept upload with another bit", 1, |world| flip(world, "rounds/", 0, 200)),
    ("a kept secret with another bit", 1, |world| { let name = kept_of(world, 1); let bytes = world.parts.get_mut(&name).unwrap(); let at = bytes.len() - 40; bytes[at] ^= 1; }),
    ("a kept round with another bit in its head", 1, |world| flip(world, "rounds/", 0, 20)),
    ("a kept round that was cut", 1, |world| { let name = kept_of(world, 2); world.parts.get_mut(&name).unwrap().pop(); }),
    ("a kept round that is empty but for its header", 1, |world| { let name = kept_of(world, 2); world.parts.get_mut(&name).unwrap().truncate(16); }),
    ("the uploads of two rounds exchanged", 1, |world| swap(world, "rounds/")),
    ("an upload of another run", 1, |world| {
        let other = World::new(Shape { rounds: 4, ..SMALL });
        let (name, bytes) = (kept_of(world, 1), other.parts[&kept_of(&other, 1)].clone());
        world.parts.insert(name, bytes);
    }),
    ("a kept round that no ledger names", 1, |world| {
        let bytes = world.parts[&kept_of(world, 1)].clone();
        world.parts.insert(kept_of(world, 9), bytes);
    }),
    ("an opened sum with another bit", 1, |world| flip(world, "sums/", 0, 20)),
    ("two opened sums exchanged", 1, |world| swap(world, "sums/")),
    ("an opened sum that no ledger names", 1, |world| { world.parts.insert(Item::Sum(Digest([9; 32])).name(), vec![1]); }),
    ("the uploads of a round left out that its plan keeps", 2, |world| { let name = kept_of(world, 1); world.parts.remove(&name); }),
    ("all uploads and sums left out", 2, |world| world.parts.retain(|name, _| !name.starts_with("rounds/") && !name.starts_with("sums/"))),
    ("uploads left out that a plan no longer keeps, for whoever is not strict", 0, |world| {
        world.parts.retain(|name, _| !name.starts_with("rounds/"));
        let later = Contents::new((DAY, DAY), Millis(40_000 * 86_400_000), false);
        world.parts.insert("contents.json".into(), later.to_bytes());
    }),
    // Models.
    ("a model that does not follow from its sums", 1, |world| {
        let (mut last, wrong) = (None, Digest([9; 32]));
        each(world, |event| match event {
            CoordinatorEvent::RoundStarted { descriptor } if last.is_some() => descriptor.model = wrong,
            CoordinatorEvent::RoundCommitted { model, .. } => (last, *model) = (Some(()), wrong),
            _ => {}
        });
    }),
    ("another released model", 1, |world| {
        let wrong = Digest([9; 32]);
        each(world, |event| match event {
            CoordinatorEvent::StageConcluded { model, .. } | CoordinatorEvent::RunFinished { model, .. } => *model = wrong,
            _ => {}
        });
        manifest(world, |manifest| manifest.parameters = wrong);
        world.parts.retain(|name, _| !name.ends_with("/parameters"));
    }),
    ("a manifest of other parameters", 1, |world| manifest(world, |manifest| manifest.parameters = Digest([9; 32]))),
    ("a manifest with another purpose", 1, |world| manifest(world, |manifest| manifest.lineage.purpose = "credit".into())),
    ("a manifest with another owner", 1, |world| manifest(world, |manifest| {
        manifest.lineage.owner = tributary_protocol::roster::StaffNumber::parse("bank/e9").unwrap();
    })),
    ("a manifest with more rounds", 1, |world| manifest(world, |manifest| manifest.lineage.rounds += 1)),
    ("a manifest with another beginning", 1, |world| manifest(world, |manifest| manifest.lineage.initial = Digest([9; 32]))),
    ("a manifest with another privacy mode", 1, |world| manifest(world, |manifest| {
        manifest.lineage.privacy = tributary_protocol::plan::PrivacyMode::Branch;
    })),
    ("a manifest with another statement", 1, |world| manifest(world, |manifest| manifest.lineage.statement = Digest([9; 32]))),
    ("a manifest with other learnt features", 1, |world| manifest(world, |manifest| manifest.features = Digest([9; 32]))),
    ("a manifest with another network", 1, |world| manifest(world, |manifest| manifest.architecture.push(0))),
    ("a manifest of a run that never was", 1, |world| manifest(world, |manifest| manifest.lineage.run.number = 2)),
    ("parameters with another bit", 1, |world| {
        let name = Item::Parameters(world.model).name();
        let bytes = world.parts.get_mut(&name).unwrap();
        bytes[STATE_FORMAT.header().len() + 1] ^= 1;
    }),
    ("a privacy statement with a smaller epsilon", 1, |world| {
        let name = Item::Statement(world.model).name();
        let text = String::from_utf8(world.parts[&name].clone()).unwrap();
        let other = text.replacen("\"epsilon_spent\": 1", "\"epsilon_spent\": 0", 1);
        assert_ne!(text, other);
        world.parts.insert(name, other.clone().into_bytes());
        // The registry names the false one.
        manifest(world, |manifest| manifest.lineage.statement = Digest::of(other.as_bytes()));
    }),
    ("a privacy statement that the registry does not name", 1, |world| flip(world, "registry/", 2, 40)),
    ("learnt features that the registry does not name", 1, |world| flip(world, "registry/", 0, 3)),
    // Checkpoints.
    ("no checkpoints", 2, |world| world.witnesses = 0),
    ("witnesses dropped until half of the roster is left", 2, |world| world.witnesses = 5),
    ("a checkpoint of a journal that was edited afterwards", 1, |world| {
        let old = world.all();
        noted(world, &old);
        let at = place(world, quorum);
        if let Event::Run(CoordinatorEvent::QuorumReached { signatures, .. }) = &mut world.events[at] { signatures.pop(); }
    }),
    ("a checkpoint of a journal that was cut afterwards", 1, |world| {
        let old = world.all();
        noted(world, &old);
        world.events.pop();
        world.parts.retain(|name, _| !name.starts_with("registry/"));
    }),
    ("a checkpoint in the place of the key", 1, |world| {
        let old = world.all();
        noted(world, &old);
        swap(world, "checkpoints/");
    }),
    ("a checkpoint with another root", 1, |world| { let old = world.all(); noted(world, &old); flip(world, "checkpoints/0", 0, 120); }),
    ("a checkpoint with another cosignature", 1, |world| {
        let old = world.all();
        noted(world, &old);
        let name = named(world, "checkpoints/newest")[0].clone();
        let text = String::from_utf8(world.parts[&name].clone()).unwrap();
        let (rest, last) = text.trim_end().rsplit_once('\n').unwrap();
        let changed: String = last.chars().rev().enumerate().map(|(at, one)| if at == 9 { if one == 'A' { 'B' } else { 'A' } } else { one }).collect();
        let changed: String = changed.chars().rev().collect();
        world.parts.insert(name, format!("{rest}\n{changed}\n").into_bytes());
    }),
    ("checkpoints that another key has signed", 1, |world| {
        let old = world.all();
        noted(world, &old);
        let own = String::from_utf8(world.parts["checkpoints/coordinator.key"].clone()).unwrap();
        let key = NoteKey::new(NoteKey::parse(&own).unwrap().name(), SignatureKind::Journal, &person_key(9).verifying_key());
        world.parts.insert("checkpoints/coordinator.key".into(), format!("{}\n", key.unwrap()).into_bytes());
    }),
    ("a checkpoint of another federation", 1, |world| {
        let other = World::new(Shape { authorities: [111, 112, 113], ..SMALL });
        noted(world, &other.all());
    }),
    ("a checkpoint that is longer than any", 1, |world| {
        world.parts.insert("checkpoints/previous".into(), vec![b'x'; tributary_protocol::limits::NOTE_BYTES_MAX + 1]);
    }),
    ("a grant that is longer than any", 1, |world| {
        world.parts.insert("grants/long.grant".into(), vec![b'x'; (1 << 20) + 1]);
    }),
    ("checkpoints without the key that signed them", 1, |world| {
        let old = world.all();
        noted(world, &old);
        world.parts.remove("checkpoints/coordinator.key");
        world.witnesses = 0;
    }),
    // The journal and what the bundle says of itself.
    ("no journal", 2, |world| { let all = world.all(); world.parts = all; world.parts.insert("audit.log".into(), Vec::new()); world.parts.retain(|name, _| ["authorities", "contents.json", "audit.log"].contains(&name.as_str())); }),
    ("a journal with another bit", 1, |world| { let mut journal = world.journal().0; let at = journal.len() / 2; journal[at] ^= 1; world.parts.insert("audit.log".into(), journal); }),
    ("a journal with a torn end", 1, |world| { let mut journal = world.journal().0; journal.pop(); world.parts.insert("audit.log".into(), journal); }),
    ("the journal of another kind of file", 1, |world| { world.parts.insert("audit.log".into(), b"TRIBKEPT".to_vec()); }),
    ("no word for which days it is", 2, |world| { world.parts.remove("contents.json"); }),
    ("days that are none", 1, |world| { world.parts.insert("contents.json".into(), b"{}".to_vec()); }),
    ("days in another form of the same text", 1, |world| { let text = world.parts.get_mut("contents.json").unwrap(); text.push(b'\n'); }),
    ("a time before the journal's last entry", 1, |world| {
        let earlier = Contents::new((DAY, DAY), Millis(AT.0 - 1), false);
        world.parts.insert("contents.json".into(), earlier.to_bytes());
    }),
    ("a part that no release writes", 1, |world| { world.parts.insert("notes.txt".into(), b"trust me".to_vec()); }),
    ("a model card that nothing names", 1, |world| { world.parts.insert(Item::Card(Digest([9; 32])).name(), b"{}".to_vec()); }),
    ("a grant that is none", 1, |world| { world.parts.insert("grants/a.grant".into(), b"granted\n".to_vec()); }),
];

#[test]
fn every_change_gets_its_code() {
    let whole = World::new(SMALL);
    assert_eq!(code(&whole.bundle(), true).0, 0);
    assert!(CASES.len() >= 60, "{}", CASES.len());
    let mut wrong = Vec::new();
    let others = [super::cards::CASES, super::forks::CASES, super::heads::CASES, super::registers::CASES];
    for (name, expected, change) in CASES.iter().chain(others.into_iter().flatten()) {
        let mut world = whole.clone();
        change(&mut world);
        let (found, words) = code(&world.bundle(), false);
        if found != *expected {
            wrong.push(format!("{name}: {found} where {expected} is due\n{words}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_bundle_that_is_cut_or_none_is_unreadable_and_one_with_other_bytes_is_tampered() {
    let bytes = World::new(SMALL).bundle();
    for (what, expected, changed) in [
        ("empty", 4, Vec::new()),
        ("another kind", 4, b"TRIBLDGR\x02\0\0\0\0\0\x03\0 and more".repeat(20)),
        ("cut by a byte", 4, bytes[..bytes.len() - 1].to_vec()),
        ("cut in half", 4, bytes[..bytes.len() / 2].to_vec()),
        ("a byte more", 4, [bytes.as_slice(), b"x"].concat()),
        ("another version", 4, {
            let mut other = bytes.clone();
            other[8] = 2;
            other
        }),
        ("another byte of a part", 1, {
            let mut other = bytes.clone();
            other[100] ^= 1;
            other
        }),
        ("another byte of the table", 1, {
            let mut other = bytes.clone();
            let at = bytes.len() - 60;
            other[at] ^= 1;
            other
        }),
        ("another digest of the table", 1, {
            let mut other = bytes.clone();
            let at = bytes.len() - 1;
            other[at] ^= 1;
            other
        }),
    ] {
        let (found, words) = code(&changed, false);
        assert_eq!(found, expected, "{what}: {words}");
    }
    assert_eq!(code(&sealed(&BTreeMap::new()), false).0, 2);
}

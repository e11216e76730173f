//! What the registry takes is on the disk, or whoever brings it hears that it is not, and brings it again.

use tributary_protocol::registry::Notice;
use tributary_storage::faults::{each_fault, each_sync_fails_once};

use super::told::incident;
use super::*;

/// Folder and journal fail one after the other, at each write: the model that a run released is registered by the next start, once and whole.
#[test]
fn a_model_is_registered_by_whoever_comes_after_a_full_disk() {
    let job = several();
    let world = || {
        let world = World::new(&job);
        drop(world.open());
        world
    };
    let failed = each_sync_fails_once(world, |world| {
        let (mut journal, mut registry) = world.found()?;
        let contents = contents(&registry, &job, 1);
        let digest = contents.manifest.digest();
        registry.folder.add(&digest, &contents)?;
        registry.folder.manifest(&digest)?;
        if registry.record.models.contains_key(&digest) {
            return Ok(());
        }
        registry.append(&mut journal, RegistryEvent::ModelRegistered { manifest: Box::new(contents.manifest) })
    });
    // The journal at its opening, the folder, eight files in it and its name, and the entry.
    assert_eq!(failed, 2 + 1 + 8 * 2 + 1 + 1);
}

/// What people and branches say counts once it is durable: a daemon whose disk is full ends, and its next start either has all of it or is told again.
#[test]
fn what_people_say_of_a_model_is_taken_after_a_full_disk() {
    let job = several();
    let failed = each_fault(|fault| {
        let world = World::new(&job);
        let model = registered(&world, &job, 1);
        let takes = || {
            let (mut journal, mut registry) = world.found()?;
            let first = registry.record().models[&model].statements.is_empty();
            let of = |registry: &Registry| world.signed(registry, ModelStep::Promote, &model);
            if first {
                let statement = of(&registry);
                registry.take(&mut journal, &world.roster, statement)?;
            }
            let statement = registry.record().models[&model].statements[0].statement.digest();
            let note = CopyNote {
                federation: FEDERATION,
                client: ClientId(1),
                model,
                state: CopyState::Kept,
                statement,
                at: 7,
                signature: tributary_protocol::secagg::suite::Signature::none(),
            };
            registry.note(&mut journal, &world.roster, (ClientId(1), noted(&world.branch, note)))?;
            registry.notice(&mut journal, Notice::LogDisputed { client: ClientId(1), entries: 1, root: FEDERATION })?;
            registry.hear(&mut journal, &world.roster, incident(&world, "the disk was full"))?.ok();
            Ok::<(), RegistryError>(())
        };
        assert_eq!(fault.during(takes).is_err(), fault.struck());
        if fault.struck() {
            takes().unwrap();
        }
        let record = world.open().1.record().clone();
        assert_eq!((record.models[&model].statements.len(), record.copies.len()), (1, 1));
    });
    // The journal and its name at its opening, and each entry: a roster, a statement, a copy, a notice and an incident.
    assert_eq!(failed, 2 + 5);
}

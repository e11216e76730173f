//! A disk on which one write after the other fails, while a branch scores its customers, or lets an old model go.

use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::write_signing_key;
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::ModelStep;
use tributary_storage::faults::{each_fault, each_sync_fails_once, each_sync_fails_once_and_heals};

use super::actions::tests::text;
use super::actions::{owned_actions, sign_actions};
use super::world::{NOW, World, model, schema};
use crate::contact::{certificates, purge};
use crate::error::ClientError;
use crate::models::old;

/// A file without its note is used by nobody, and the next attempt replaces it. Which rules are in force, and who is scored by which model, is noted
/// before.
#[test]
fn scores_of_which_a_write_failed_are_made_again() {
    let mut world = World::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    world.write("rows.csv", "KHH,NL,ZT\n1,90,1\n2,50,frozen\n3,10,1\n4,20,1\n");
    world.mapped(
        "[mapping]\nschema = \"SCHEMA\"\n[[columns]]\nto = \"who\"\nfrom = \"KHH\"\n[[columns]]\nto = \"age\"\nfrom = \"NL\"\n\
         [[columns]]\nto = \"state\"\nfrom = \"ZT\"\n[[columns]]\nto = \"left\"\nfrom = \"LSBZ\"\n",
    );
    world.granted(u64::MAX);
    world.champion(&model(1.0));
    world.used(ModelStep::Challenge, &model(3.0));
    let failed = each_sync_fails_once(
        || world.copied(),
        |world| {
            let (made, text) = world.scored()?;
            assert_eq!((made.note.rows, &made.note.digest), (4, &Digest::of(text.as_bytes()).to_string()));
            assert!(world.at("state/mapping.newest").exists() && world.at("state/turns.key").exists());
            let note = std::fs::read_to_string(world.at("scores.csv.json")).unwrap();
            assert!(note.contains(&made.note.digest), "{note}");
            Ok::<_, String>(())
        },
    );
    assert!(failed > 30, "{failed}");
}

#[test]
fn actions_of_which_a_write_failed_are_signed_and_noted_again() {
    let (world, _) = World::usual();
    world.acting();
    world.write("rows.csv", "who,age,state,vip\nC1,20,1,\nC2,50,frozen,\n");
    write_signing_key(&SigningKey::generate(&mut OsEntropy), &world.at("desk.key")).unwrap();
    world.write("desk.toml", &text());
    world.scored().unwrap();
    std::fs::remove_file(world.at("state/actions.newest")).unwrap();
    let signed = each_sync_fails_once_and_heals(
        || world.copied(),
        |world| sign_actions(&world.at("desk.toml"), &world.at("desk.key"), &world.at("schema.toml")),
    );
    let noted = each_sync_fails_once_and_heals(
        || world.copied(),
        |world| {
            let actions = owned_actions(&world.settings(), &schema())?;
            assert!(actions.is_some() && world.at("state/actions.newest").exists());
            Ok::<_, ClientError>(())
        },
    );
    assert_eq!((signed, noted), (4, 2));
}

/// A model that is past its time is called deleted once it is gone. A fault of its folder or ledger holds up nothing else of a purge: the same
/// command deletes it then, and it is certified.
#[test]
fn an_old_model_of_which_a_write_failed_is_deleted_by_the_next_purge() {
    let (mut world, model_of) = World::usual();
    let next = world.used(ModelStep::Promote, &model(2.0));
    let stays = |world: &World| old::folder(&world.settings().state_dir, &next).exists();
    let mut left = 0;
    let failed = each_fault(|fault| {
        let world = world.copied();
        let config = world.at("client.toml");
        let purged = fault.during(|| purge(&config, false, NOW));
        let waits = purged.as_ref().is_ok_and(|purged| purged.models_stay.is_some());
        assert_eq!(purged.is_err() || waits, fault.struck());
        if let Ok(purged) = &purged {
            assert_eq!(purged.models.is_empty(), waits, "nothing is called deleted that may be there");
        }
        left += u32::from(waits);
        let again = purge(&config, false, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(again.is_whole() && again.models_stay.is_none());
        assert!(!old::folder(&world.settings().state_dir, &model_of).exists() && stays(&world));
        let last = purge(&config, false, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(last.models.is_empty() && last.certificate.is_none(), "the ledger has it");
        let all = certificates(&config, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        let removed: Vec<_> = all.iter().flat_map(|line| &line.certificate.removed).collect();
        assert_eq!(removed.iter().filter(|one| one.kind == "model").count(), 1, "{removed:?}");
    });
    assert!(failed > 15 && left > 2, "{failed} {left}");
}

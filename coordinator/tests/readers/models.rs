//! Models as they are listed, loaded, drafted for and carded.

use std::fs;
use std::path::Path;

use tributary_coordinator::registry::{self, Draft, RegistryError, copies, load, points, show};
use tributary_model::schema::{SCHEMA_BYTES_MAX, Schema};
use tributary_planning::demonstration::TwoPeople;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::ModelStep;
use tributary_protocol::roster::MemberName;

use super::*;

pub(super) fn models_are_listed(world: &World) {
    let names = ["first", "second"];
    for ((model, name), rounds) in world.models.iter().zip(names).zip(ROUNDS) {
        assert_eq!((model.state, model.purpose.as_str(), model.parent.as_ref()), ("candidate", PURPOSE_DEFAULT, None));
        assert_eq!((model.plan_name.as_str(), model.run, model.rounds, model.complete), (name, 1, rounds, true));
        assert_eq!(model.owner, TwoPeople::owner_of("north-bank").to_string());
        assert_eq!(
            (Path::new(&model.folder), model.statements.len()),
            (&*world.state("registry").join(&model.model), 0)
        );
        let lineage = fs::read(Path::new(&model.folder).join("lineage.json")).unwrap();
        let lineage: serde_json::Value = serde_json::from_slice(&lineage).unwrap();
        assert_eq!(lineage["parameters"], model.parameters.as_str());
        let (loaded, shown) = (load(&world.config, &model.model[..8], None).unwrap(), &model.model[..8]);
        assert_eq!(loaded.parameters.digest().to_string(), model.parameters);
        assert_eq!((&loaded.line, loaded.manifest.digest().to_string()), (model, model.model.clone()));
        assert_eq!((loaded.withdrawn, loaded.alarmed, loaded.answered_until), (false, false, None));
        assert_eq!(&show(&world.config, shown).unwrap(), model);
        let (of, lines) = copies(&world.config, &model.model).unwrap();
        assert_eq!(&of, model);
        assert_eq!(lines.len(), CLIENTS);
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(
                (line.branch.as_str(), line.state, line.at),
                (&*format!("north-bank/branch-{number}"), None, None)
            );
            assert!(!line.owes_acknowledgement, "nothing was withdrawn");
        }
    }
    let first = &world.models[0].model;
    // Seven digits are too few to name a model, and a digit that none has names nothing.
    for text in [&first[..7], "", "00000000000"] {
        assert!(matches!(show(&world.config, text), Err(RegistryError::Digest { .. })), "{text}");
    }
    assert!(matches!(load(&world.config, "champion", None), Err(RegistryError::Champions { count: 0, .. })));
    // Rows become inputs by the plan's own schema and no other, and by no changed parameters.
    let own = world.federation.plan().schema;
    assert!(load(&world.config, first, Some(&own)).is_ok());
    let other = world.federation.path("other.toml");
    let renamed = fs::read_to_string(&own).unwrap().replacen("version = ", "version = 1", 1);
    assert!(Schema::parse(&renamed).is_ok());
    for text in [renamed.as_bytes(), b"\xff", b"nothing"] {
        fs::write(&other, text).unwrap();
        assert!(matches!(load(&world.config, first, Some(&other)), Err(RegistryError::Schema { .. })));
    }
    // A comment makes it as long as a schema may be, and one byte longer.
    let text = fs::read_to_string(&own).unwrap() + "\n#";
    for (length, fits) in [(SCHEMA_BYTES_MAX, true), (SCHEMA_BYTES_MAX + 1, false)] {
        fs::write(&other, format!("{text}{}", "-".repeat(length - text.len()))).unwrap();
        assert_eq!(load(&world.config, first, Some(&other)).is_ok(), fits, "{length}");
    }
    let parameters = world.state("registry").join(first).join("parameters");
    let whole = fs::read(&parameters).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&parameters, changed).unwrap();
    assert!(matches!(load(&world.config, first, None), Err(RegistryError::Changed(_))));
    fs::write(&parameters, whole).unwrap();
}

/// Where nothing was counted, drawn or told, that is said; it is no fault of the folder.
pub(super) fn what_there_is_not_is_said(world: &World) {
    let (config, model) = (&world.config, &world.models[0]);
    let none = registry::evaluation(config, &model.model).unwrap_err();
    assert!(matches!(&none, RegistryError::NotEvaluated { model: of } if *of == model.model), "{none}");
    for (digest, run) in [(&model.model, None), (&model.plan, Some(1)), (&model.plan[..8].to_owned(), Some(1))] {
        let none = registry::summary(config, digest, run).unwrap_err();
        assert!(matches!(&none, RegistryError::NotCounted { plan, run: 1 } if *plan == model.plan), "{none}");
    }
    for digest in [&model.plan[..7], "00000000000"] {
        let none = registry::summary(config, digest, Some(1)).unwrap_err();
        assert!(matches!(none, RegistryError::PlanDigest { .. }), "{none}");
    }
    let kept = |path: &Path| Kept(path.parent().unwrap().to_path_buf());
    assert!(registry::incidents(config, kept).unwrap().is_empty());
    assert!(registry::export_incident(config, "1", kept).is_err());
    let loaded = load(config, &model.model, None).unwrap();
    assert!(points(config, &loaded).unwrap().is_empty());
    let authorities = world.federation.coordinator().join("authorities");
    let authorities = tributary_certs::roster::RosterAuthorities::read(&authorities).unwrap();
    assert_eq!(registry::federation(config).unwrap(), authorities.digest());
}

pub(super) fn a_draft_waits_for_signatures(world: &World) {
    let branches = [MemberName::parse("north-bank/branch-1").unwrap()];
    let model = &world.models[0].model;
    let evidence = world.federation.path("minutes.txt");
    fs::write(&evidence, "what was decided").unwrap();
    let draft = |step, evidence| {
        let draft = Draft { step, model, evidence, branches: &branches, share: 500, reason: "it is old" };
        registry::draft(&world.config, &draft)
    };
    // A document is evidence by its digest; without one there is none. Nobody has signed.
    for (path, digest) in [(Some(evidence.as_path()), Digest::of(b"what was decided")), (None, Digest::ZERO)] {
        let file = draft(ModelStep::Withdraw, path).unwrap();
        let statement = &file.statement;
        assert_eq!((statement.model.to_string(), statement.evidence, statement.sequence), (model.clone(), digest, 1));
        assert_eq!((statement.reason.raw(), file.signatures.len()), ("it is old", 0));
        assert_eq!(statement.federation, registry::federation(&world.config).unwrap());
    }
    // No candidate is rolled back, and nobody promotes a model without a validator's report.
    assert!(draft(ModelStep::RollBack, None).is_err() && draft(ModelStep::Promote, None).is_err());
    assert!(draft(ModelStep::Withdraw, Some(&world.federation.path("no such file"))).is_err());
}

pub(super) fn a_card_is_the_one_that_was_written(world: &World) {
    let model = &world.models[0];
    let card = registry::card(&world.config, &model.model).unwrap();
    let path = world.state("cards").join(format!("{}.json", Digest::of(card.to_json().as_bytes())));
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole, card.to_json().as_bytes());
    // Another model's card is no card of this one, and one that is gone is named.
    let other = registry::card(&world.config, &world.models[1].model).unwrap();
    assert_ne!(other, card);
    fs::write(&path, other.to_json()).unwrap();
    assert!(matches!(registry::card(&world.config, &model.model), Err(RegistryError::Card(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(registry::card(&world.config, &model.model), Err(RegistryError::Card(_))));
    fs::write(&path, whole).unwrap();
}

//! What people are shown of models in use: each reader by itself, beside a coordinator whose models people have judged.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tributary_certs::gates::{ReportFile, Validation};
use tributary_certs::model::StatementFile;
use tributary_certs::people::SigningPerson;
use tributary_evidence::Item;
use tributary_evidence::attacks::AttacksFile;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{CopyNote, CopyState, ModelState, ModelStep, RefusedAttackReport};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;
use tributary_storage::faults::each_sync_fails_once;

use super::beside::key_of;
use super::orders::authorities;
use super::*;
use crate::attack_findings;
use crate::federation::models::Word;
use crate::registry::{self, AttacksFolder, Draft, ModelLine, RegistryError, StatementsFolder, copies, list, load};

/// Two runs of a plan that counts before and evaluates after its training, and what people say of their models.
struct Judged {
    world: World,
    models: Vec<ModelLine>,
}

impl Judged {
    fn new() -> Self {
        let counts = "[plan.statistics]\nbins = 12\n[plan.evaluation]\nbins = 8\n";
        let mut world = World::of_runs(2, |text| text.replace("rounds = 3\n", "rounds = 1\n") + counts);
        world.begin();
        world.all_come();
        world.here.values_mut().for_each(|seat| seat.machines.runs = 2);
        world.talk();
        assert!(world.centre.is_through());
        let mut models = list(&world.config).unwrap();
        models.sort_by_key(|model| model.run);
        Self { world, models }
    }

    fn config(&self) -> &Path {
        &self.world.config
    }

    fn person(&self, number: &str) -> SigningPerson {
        SigningPerson::open(&self.world.house.path("people").join(number)).unwrap()
    }

    fn model(&self, place: usize) -> &str {
        &self.models[place].model
    }

    /// Where the stages of a model's run leave what they count.
    fn counts(&self, place: usize) -> PathBuf {
        let ModelLine { plan, run, .. } = &self.models[place];
        self.world.state(&format!("plans/{plan}/runs/{run}/counts"))
    }

    /// The report on a model's gates, signed by the validator.
    fn report(&self, place: usize, name: &str) -> PathBuf {
        let mut file = registry::report(self.config(), self.model(place)).unwrap();
        let validation = Validation { findings: "sound", conditions: &[], valid_until: now() + 100_000 };
        file.sign(&validation, &self.person("e3"), authorities(&self.world).digest(), now()).unwrap();
        let path = self.world.house.path(name);
        file.write(&path).unwrap();
        path
    }

    /// A statement that so many people have signed.
    fn statement(&self, step: ModelStep, (place, evidence): (usize, Option<&Path>), signatures: usize) -> PathBuf {
        let draft = Draft { step, model: self.model(place), evidence, branches: &[], share: 500, reason: "because" };
        let mut file = registry::draft(self.config(), &draft).unwrap();
        for (number, role) in [("e1", Role::PlanOwner), ("e3", Role::ModelValidator)].into_iter().take(signatures) {
            file.sign(&self.person(number), role, authorities(&self.world).digest(), now()).unwrap();
        }
        let path = self.world.house.path("carried.statement");
        let _ = fs::remove_file(&path);
        file.write(&path).unwrap();
        path
    }

    /// Carries a statement to the coordinator, which takes it up from its folder.
    fn states(&mut self, step: ModelStep, of: (usize, Option<&Path>)) {
        let path = registry::install(self.config(), &self.statement(step, of, 2)).unwrap();
        let file = StatementFile::read(&path).unwrap();
        assert_eq!(path, self.world.state("statements").join(format!("{}.statement", file.statement.digest())));
        let newest = StatementsFolder::of(&self.world.state("")).new_ones().pop().unwrap();
        assert_eq!(Some(&newest), file.signed().as_ref());
        self.world.arrive(Arrival::Stated(Word::from(newest)));
    }

    fn notes(&mut self, client: u32, (place, state): (usize, CopyState), at: u64) {
        let model = Digest::from_hex(self.model(place)).unwrap();
        let statement = self.world.centre.hands.registry.record().models[&model].statements.last().unwrap();
        let mut note = CopyNote {
            federation: authorities(&self.world).digest(),
            client: ClientId(client),
            model,
            state,
            statement: statement.statement.digest(),
            at,
            signature: Signature::none(),
        };
        let key = key_of(&self.world, client);
        note.signature =
            tributary_certs::suite::RealSuite::sign(&key, &note.to_sign::<tributary_certs::suite::RealSuite>());
        self.world.arrive(Arrival::Copy(ClientId(client), Box::new(note)));
    }
}

#[test]
fn what_people_say_of_models_is_shown_by_every_reader() {
    let mut own = Judged::new();
    a_model_is_compared_with_the_one_before(&own);
    a_run_is_summarised_from_its_best_count(&own);
    statements_are_carried_when_two_people_have_signed(&mut own);
    a_report_and_five_parts_name_the_champion(&own);
    branches_say_what_they_have(&mut own);
    attacks_are_carried_when_they_are_of_the_run(&mut own);
    what_was_withdrawn_is_refused(&mut own);
    super::bundles::what_leaves_is_intact(&own.world, "judged");
}

/// What a stage of a run counted, by the ending of its file's name.
fn counted(own: &Judged, place: usize, ending: &str) -> Value {
    let found = fs::read_dir(own.counts(place)).unwrap().map(|entry| entry.unwrap().path());
    let path = found.into_iter().find(|path| path.to_str().unwrap().ends_with(ending)).unwrap();
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn a_model_is_compared_with_the_one_before(own: &Judged) {
    let evaluated = [0, 1].map(|place| registry::evaluation(own.config(), own.model(place)).unwrap());
    for (place, evaluated) in evaluated.iter().enumerate() {
        let (line, scores) = (&own.models[place], counted(own, place, "-evaluate.json"));
        let whole = json!({
            "model": line.model, "purpose": line.purpose, "plan_name": line.plan_name, "run": place + 1, "survivors": BRANCHES,
            "heads": scores["heads"], "importance": scores["importance"], "weights": counted(own, place, "-count.json")["weights"],
            "stability": serde_json::to_value(&evaluated.stability).unwrap(),
        });
        assert_eq!(serde_json::to_value(evaluated).unwrap(), whole);
        assert_eq!(Some(evaluated.customers()), scores["heads"][0]["customers"]["value"].as_f64());
    }
    let [first, second] = evaluated;
    assert!(first.stability.is_none());
    let mut more = first.clone();
    more.heads.push(more.heads[0].clone());
    for (place, most) in [(0, 7e9), (1, 8e9)] {
        more.heads[place].customers.value = most;
        assert_eq!(more.customers(), most, "the label that most have");
    }
    let moved = second.stability.unwrap();
    assert_eq!((moved.run, moved.model.as_str()), (1, own.model(0)));
    assert_eq!(moved.scores.len(), second.heads.len());
    let schema = load(own.config(), own.model(1), None).unwrap().schema;
    assert_eq!(moved.fields.len(), schema.fields().len());
}

fn a_run_is_summarised_from_its_best_count(own: &Judged) {
    let plan = own.models[0].plan.as_str();
    let summed = |digest: &str, run| registry::summary(own.config(), digest, run);
    for (place, run) in [(0, 1), (1, 2)] {
        let file = counted(own, place, "-count.json");
        for (digest, asked, model) in [(plan, Some(run), None), (own.model(place), None, Some(own.model(place)))] {
            let whole = json!({
                "plan": plan, "run": run, "model": model, "survivors": BRANCHES, "fields": file["fields"], "learnt": [],
            });
            assert_eq!(serde_json::to_value(summed(digest, asked).unwrap()).unwrap(), whole);
        }
    }
    // Another count of the same run, with less noise or with more.
    let (other, file) = (own.counts(0).join("99-quantile.json"), counted(own, 0, "-count.json"));
    let with = |changes: &[(&str, Value)]| {
        let mut file = file.clone();
        file["survivors"] = json!(5);
        changes.iter().for_each(|(name, value)| file[*name] = value.clone());
        fs::write(&other, file.to_string()).unwrap();
        summed(plan, Some(1)).map(|summary| summary.survivors)
    };
    let noise = |factor: f64| ("noise_stddev_min", json!(file["noise_stddev_min"].as_f64().unwrap() * factor));
    assert_eq!((with(&[noise(0.5)]).unwrap(), with(&[noise(2.0)]).unwrap()), (5, 9));
    let none = with(&[noise(0.5), ("fields", json!([]))]).unwrap_err();
    assert!(matches!(&none, RegistryError::NotCounted { plan: of, run: 1 } if of == plan), "{none}");
    let older = with(&[("version", json!(2))]).unwrap_err();
    assert!(older.to_string().contains("its layout is version 2, and this release reads version 3"), "{older}");
    fs::remove_file(&other).unwrap();
    // Eight digits name a plan, if no other begins with them.
    let named = |digits: usize| match summed(&plan[..digits], Some(1)) {
        Ok(summary) => Ok(summary.plan),
        Err(RegistryError::PlanDigest { count, .. }) => Err(count),
        Err(other) => panic!("{other}"),
    };
    assert_eq!((named(7), named(8), named(64)), (Err(0), Ok(plan.to_owned()), Ok(plan.to_owned())));
    let alike = own.world.state(&format!("plans/{}{}", &plan[..9], "-".repeat(55)));
    fs::create_dir(&alike).unwrap();
    assert_eq!((named(9), named(10)), (Err(2), Ok(plan.to_owned())));
    fs::remove_dir(&alike).unwrap();
}

fn statements_are_carried_when_two_people_have_signed(own: &mut Judged) {
    let none = load(own.config(), "champion", None).unwrap_err();
    assert!(matches!(none, RegistryError::Champions { count: 0, .. }), "{none}");
    let report = own.report(0, "first.report");
    for signatures in 0..2 {
        let path = own.statement(ModelStep::Promote, (0, Some(&report)), signatures);
        let refused = registry::install(own.config(), &path).unwrap_err();
        assert!(matches!(refused, RegistryError::Unsigned { signed, .. } if signed == signatures), "{refused}");
    }
    own.states(ModelStep::Promote, (0, Some(&report)));
    assert!(own.world.lines().last().unwrap().starts_with("two people state: "));
    let old = own.world.house.path("carried.statement");
    assert!(matches!(registry::install(own.config(), &old), Err(RegistryError::Refused(_))), "its number is used up");
    let champion = load(own.config(), "champion", None).unwrap();
    assert_eq!(champion.line.model, own.model(0));
    assert_eq!((champion.withdrawn, champion.alarmed), (false, false));
    let until = ReportFile::read(&report).unwrap().report.valid_until;
    assert_eq!(champion.answered_until, Some(until));
    let [line] = champion.line.statements.as_slice() else { panic!("one statement") };
    assert_eq!(
        (line.step, line.valid_until, line.validator.as_deref()),
        ("promote", Some(until), Some("north-bank/e3"))
    );
    assert_eq!(
        list(own.config()).unwrap().iter().map(|model| model.state).collect::<Vec<_>>(),
        ["champion", "candidate"]
    );
}

fn a_report_and_five_parts_name_the_champion(own: &Judged) {
    let digest = |place: usize| Digest::from_hex(own.model(place)).unwrap();
    let record = own.world.centre.hands.registry.record();
    for (place, champion) in [(0, None), (1, Some(digest(0)))] {
        let ReportFile { manifest, report, signed } = registry::report(own.config(), own.model(place)).unwrap();
        assert_eq!((manifest.digest(), report.model, report.champion), (digest(place), digest(place), champion));
        assert_eq!(
            (report.federation, Some(report.card)),
            (authorities(&own.world).digest(), record.models[&digest(place)].card)
        );
        assert_eq!((report.statement, signed), (manifest.lineage.statement, None));
        assert!(report.made.abs_diff(now()) < 60 && report.valid_until == 0 && report.conditions.is_empty());
    }
    let (first, second) = (own.world.house.path("first.report"), own.report(1, "second.report"));
    let parts = |place: usize, gates: Option<&Path>| registry::five_parts(own.config(), own.model(place), gates);
    let whole = parts(0, None).unwrap().to_json();
    assert!(parts(0, Some(&first)).is_ok() && parts(1, Some(&second)).is_ok());
    assert!(parts(1, None).unwrap().to_json() != whole);
    assert!(matches!(parts(1, Some(&first)), Err(RegistryError::Refused(_))), "a report of another model");
    let bare = own.world.house.path("bare.report");
    registry::report(own.config(), own.model(1)).unwrap().write(&bare).unwrap();
    assert!(matches!(parts(1, Some(&bare)), Err(RegistryError::NotValidated { .. })));
    // Signed by somebody whose role that is not.
    let mut forged = ReportFile::read(&second).unwrap();
    forged.signed.as_mut().unwrap().at += 1;
    let path = own.world.house.path("forged.report");
    forged.write(&path).unwrap();
    assert!(matches!(parts(1, Some(&path)), Err(RegistryError::Refused(_))));
    // A pilot names its branches, and a challenger its share.
    let branches = ["b", "a"].map(|id| MemberName::parse(&format!("north-bank/{id}")).unwrap());
    let draft = |step| {
        let draft = Draft {
            step,
            model: own.model(1),
            evidence: Some(&second),
            branches: &branches,
            share: 700,
            reason: "try",
        };
        registry::draft(own.config(), &draft).unwrap().statement.scope
    };
    let names: Vec<String> = draft(ModelStep::Pilot).branches().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["north-bank/a", "north-bank/b"]);
    assert_eq!(draft(ModelStep::Challenge).share(), 700);
}

fn branches_say_what_they_have(own: &mut Judged) {
    own.notes(2, (0, CopyState::Kept), 17);
    let (line, lines) = copies(own.config(), own.model(0)).unwrap();
    assert_eq!((line.model.as_str(), lines.len()), (own.model(0), BRANCHES as usize));
    let said: Vec<_> = lines.iter().filter_map(|line| Some((line.branch.as_str(), line.state?, line.at?))).collect();
    assert_eq!(said, [("north-bank/branch-1", "kept", 17)]);
    assert!(lines.iter().all(|line| !line.owes_acknowledgement));
}

fn attacks_are_carried_when_they_are_of_the_run(own: &mut Judged) {
    let plan = crate::Job::open(&own.world.house.plan()).unwrap();
    let manifest = load(own.config(), own.model(1), None).unwrap().manifest;
    let report = |run: u32, epsilon: &str, name: &str| {
        let of = RunRef { number: run, ..manifest.lineage.run };
        let findings = attack_findings::findings(manifest.digest(), of, plan.plan().plan(), |found| {
            found.canary.as_mut().unwrap().epsilon_low = epsilon.into();
        });
        let (digest, report) =
            (authorities(&own.world).digest(), findings.report(authorities(&own.world).digest()).unwrap());
        let validator = own.person("e3");
        let signed =
            validator.attest(Action::ReportAttacks, report.digest(), digest, Role::ModelValidator, now()).unwrap();
        let path = own.world.house.path(name);
        fs::write(&path, AttacksFile::new(findings).with(&signed).to_json()).unwrap();
        path
    };
    let other = registry::install_attacks(own.config(), &report(1, "0.100000", "other.json")).unwrap_err();
    assert!(matches!(other, RegistryError::OtherClaim { .. }), "{other}");
    let (path, alarming) = (report(2, "0.100000", "sound.json"), report(2, "1000.000000", "alarm.json"));
    let none = || drop(fs::remove_dir_all(own.world.state("attacks")));
    assert_eq!(each_sync_fails_once(none, |()| registry::install_attacks(own.config(), &path)), 1 + 2);
    none();
    let installed = registry::install_attacks(own.config(), &path).unwrap();
    let signed = AttacksFile::read(&fs::read(&path).unwrap()).unwrap().signed().unwrap();
    assert_eq!(installed, own.world.state(&Item::Attacks(signed.report.findings).name()));
    assert!(fs::read(&installed).unwrap() == fs::read(&path).unwrap());
    assert!(matches!(registry::install_attacks(own.config(), &path), Err(RegistryError::File(_))), "it is there");
    let mut folder = AttacksFolder::of(&own.world.state(""));
    let taken = folder.new_ones();
    assert_eq!(taken, std::slice::from_ref(&signed));
    own.world.take_told();
    for told in [1, 0] {
        own.world.arrive(Arrival::Stated(Word::from(taken[0].clone())));
        assert_eq!(own.world.take_lines().len(), told);
    }
    let again = registry::install_attacks(own.config(), &path).unwrap_err();
    assert!(matches!(again, RegistryError::RefusedAttacks(RefusedAttackReport::Taken)), "{again}");
    // One that raises the alarm ends the model's way to the branches.
    registry::install_attacks(own.config(), &alarming).unwrap();
    let alarm = folder.new_ones().remove(0);
    own.world.arrive(Arrival::Stated(Word::from(alarm)));
    let [line] = own.world.take_lines().try_into().unwrap();
    assert!(line.starts_with("ALARM: attacks on model"), "{line}");
    assert!(load(own.config(), own.model(1), None).unwrap().alarmed);
    assert!(matches!(registry::report(own.config(), own.model(1)), Err(RegistryError::Refused(_))));
    let parts = registry::five_parts(own.config(), own.model(1), None).unwrap().to_json();
    assert!(parts.contains("1000.000000") && !parts.contains("0.100000"), "the last report counts");
}

fn what_was_withdrawn_is_refused(own: &mut Judged) {
    own.states(ModelStep::Withdraw, (0, None));
    assert!(load(own.config(), own.model(0), None).unwrap().withdrawn);
    own.notes(3, (0, CopyState::Refused), 19);
    let (line, lines) = copies(own.config(), own.model(0)).unwrap();
    assert_eq!(line.state, ModelState::Withdrawn.name());
    let acknowledged: Vec<_> = lines.iter().filter(|line| !line.owes_acknowledgement).collect();
    assert!(matches!(acknowledged[..], [one] if one.branch == "north-bank/branch-2" && one.at == Some(19)));
    assert!(matches!(load(own.config(), "champion", None), Err(RegistryError::Champions { count: 0, .. })));
}

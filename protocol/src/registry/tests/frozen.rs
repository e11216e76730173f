//! Frozen histories: whatever people state, note, tell and ask in them, what the registry and the branches say of it stays the same to the byte. In every
//! state that a history comes to, each of many events is judged, and the next one is one of those that may come. Whoever changes a rule or a word on purpose
//! writes the table again from what the test prints.

use alloc::format;
use alloc::string::{String, ToString as _};

use super::incidents::{BY_OFFICER, BY_OPERATOR, INSPECTOR, OPERATOR, asked, look, told as told_of, told_by, word};
use super::papers::{attacks, carded, reported, signed_attacks};
use super::*;
use crate::plan::{ModelRef, Pilot, PilotGroup, Plan};

/// What a history's dice begin with, and the first bytes of the digest of all that is said in it.
const FROZEN: [(u64, &str); 3] = [(1, "2fb05a46bca7d606"), (2, "b636eba5c9ae14bc"), (3, "0ff78ce0162987a9")];

const STEPS: u64 = 40;
const RUNS: u32 = 5;
const CLIENTS: u32 = 4;
/// After every report has ended.
const LATER: u64 = 4_000_001;

/// Plans without a pilot, with one of a branch, with one of a share, and one whose challengers may fail; two purposes.
fn gates_of(run: u32) -> Gates {
    let named = PilotGroup::Named([cast::name(ClientId(1), 1)].into());
    let pilot = |group, seconds_min| Some(Pilot { group, copies_min: 1, seconds_min });
    let mut compared = gates();
    compared.limits.push(gate(Measure::Stability, 2_500));
    match run {
        2 => Gates { pilot: pilot(named, 100), ..compared },
        3 => Gates { pilot: pilot(PilotGroup::Share(5_000), 300), ..gates() },
        4 => Gates { challenger: false, card: false, ..gates() },
        _ => gates(),
    }
}

fn model(run: u32) -> ModelManifest {
    let mut model = manifest_of(run, &gates_of(run));
    if run == RUNS {
        model.lineage.purpose = "deposit".into();
        model.lineage.parent = Some(manifest_of(1, &gates_of(1)).digest());
    }
    model
}

/// With everybody who signs here. Every second one gives the second branch another key.
fn roster_of(epoch: u64) -> SignedRoster {
    let mut entries = cast::roster(3).roster.entries().to_vec();
    if epoch.is_multiple_of(2) {
        entries[1].signing_key = Toy::verifying_key(&cast::second_key(ClientId(2)));
    }
    let mut people = people();
    let others = [(VALIDATOR, Role::ModelValidator), (OPERATOR, Role::PlatformOperator), (INSPECTOR, Role::Inspector)];
    people.extend(others.map(|(number, role)| person(number, role)));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let previous = if epoch == 1 { Digest::ZERO } else { terms() };
    signed_by_authority(Roster::new(epoch, previous, entries, Vec::new(), people).expect("a roster"))
}

/// The registry, and three branches that hear of it: the first is in every pilot by name, and the last hears of every third statement.
struct World {
    dice: u64,
    steps: u64,
    record: RegistryRecord,
    events: Vec<RegistryEvent>,
    branches: [BranchModels; 3],
    said: Digest,
}

impl World {
    fn note(&mut self, words: &str) {
        self.said = Digest::of(&[self.said.as_bytes(), words.as_bytes()].concat());
    }

    fn throw(&mut self, most: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.dice >> 33).expect("31 bits") % most.max(1)
    }

    fn roster(&self) -> Roster {
        self.record.roster.clone().unwrap_or_else(|| roster_of(1).roster)
    }

    /// Events of every kind: some may come next, and others break a rule.
    fn candidates(&self) -> Vec<RegistryEvent> {
        let record = &self.record;
        let mut all = Vec::new();
        for run in 1..=RUNS {
            self.statements(run, &mut all);
            let model = model(run);
            let known = record.models.get(&model.digest());
            all.push(registered(model.clone()));
            for number in [record.next_export(), record.next_export() + 1] {
                all.push(RegistryEvent::Exported { number, model: model.digest(), record: terms() });
            }
            let points = known.map_or(0, |known| known.points.len() as u64);
            for number in [points, points + 1] {
                all.push(RegistryEvent::PointsSet { model: model.digest(), number, change: terms() });
            }
            let findings = known.map_or(0, |known| known.attacks.len());
            for (findings, alarm) in [(findings, false), (findings, true), (findings.saturating_sub(1), false)] {
                let findings = u32::try_from(findings).expect("few");
                all.push(reported(signed_attacks(attacks(&model, findings, alarm))));
            }
            all.extend([carded(&model, b"card"), carded(&model, b"other")]);
            for signed in known.iter().flat_map(|known| known.statements.iter().rev().take(2)) {
                all.extend((1..=CLIENTS).flat_map(|client| self.notes(client, &model, &signed.statement)));
            }
        }
        let epoch = self.roster().epoch();
        all.extend([epoch, epoch + 1].map(|epoch| RegistryEvent::RosterAdopted { roster: Box::new(roster_of(epoch)) }));
        self.tales(&mut all);
        all
    }

    /// Every step of a model, resting on a report without a champion and on one with the champion in force.
    fn statements(&self, run: u32, all: &mut Vec<RegistryEvent>) {
        let (record, model, gates) = (&self.record, model(run), gates_of(run));
        let (digest, purpose) = (model.digest(), &model.lineage.purpose);
        let next = record.next_sequence(purpose);
        let champion = record.purposes.get(purpose).and_then(|purpose| purpose.champion);
        for champion in [None, champion.or(Some(terms()))] {
            let report = validated(report_of(&model, &gates, champion));
            for step in ModelStep::ALL {
                all.push(taken_with(step, &model, next, report.clone()));
            }
            all.push(taken_with(ModelStep::Retire, &model, next + 1, report.clone()));
            let mut quiet = stated(ModelStep::Challenge, &model, next, &report);
            quiet.scope = StatementScope::Customers(0);
            all.push(RegistryEvent::StatementTaken { statement: Box::new(signed(quiet, Some(report.clone()))) });
            if let (Some(pilot), Some(known)) = (&gates.pilot, record.models.get(&digest)) {
                let mut of_share = stated(ModelStep::Pilot, &model, next, &report);
                of_share.scope = StatementScope::Branches(record.pilot_branches(pilot, known));
                all.push(RegistryEvent::StatementTaken { statement: Box::new(signed(of_share, Some(report))) });
            }
        }
        let promoted = record.models.get(&digest).and_then(|known| known.last(ModelStep::Promote));
        if let Some(report) = promoted.and_then(|promoted| promoted.report.clone()) {
            all.push(taken_with(ModelStep::RollBack, &model, next, *report));
        }
    }

    /// All that a branch could say of a model after a statement, with the key that the roster gives it.
    fn notes(&self, client: u32, model: &ModelManifest, after: &ModelStatement) -> [RegistryEvent; 4] {
        let rekeyed = client == 2 && self.roster().epoch().is_multiple_of(2);
        [CopyState::Kept, CopyState::Deleted, CopyState::Refused, CopyState::Absent].map(|state| {
            let mut note = note(client, model, state, after);
            if rekeyed {
                note.signature = Toy::sign(&cast::second_key(note.client), &note.to_sign::<Toy>());
            }
            noted(note)
        })
    }

    /// Incidents, looks and notices.
    fn tales(&self, all: &mut Vec<RegistryEvent>) {
        let at = 100 + self.steps;
        all.push(told_of(told_by(BY_OPERATOR, word(IncidentStep::Open, Digest::ZERO), at)));
        for (number, incident) in self.record.incidents.numbered() {
            let severity = if number % 2 == 0 { Severity::Low } else { Severity::Critical };
            for (step, by) in [
                (IncidentStep::Note, BY_OPERATOR),
                (IncidentStep::Close, BY_OPERATOR),
                (IncidentStep::Close, BY_OFFICER),
            ] {
                let happened = 40 + self.steps;
                let word = IncidentWord { severity, happened, ..word(step, incident.id) };
                all.push(told_of(told_by(by, word, at)));
            }
        }
        for what in Sight::ALL {
            all.extend([look(), Look { from: 0, to: 0, ..look() }].map(|look| asked(Look { what, ..look }, at)));
        }
        let dispute = |entries| Notice::LogDisputed { client: ClientId(2), entries, root: terms() };
        for notice in [Notice::SinkFailed, Notice::SinkBack, dispute(self.steps), dispute(self.steps.saturating_sub(1))]
        {
            all.push(RegistryEvent::Noticed { notice });
        }
    }

    /// What everybody says of an event; whether it may come next.
    fn judge(&mut self, event: &RegistryEvent) -> bool {
        let verified = self.record.verify::<Toy>(event);
        let mut words = format!("{verified:?} {}", self.record.describe(event));
        if let RegistryEvent::StatementTaken { statement } = event {
            let (roster, federation) = (self.roster(), federation());
            let step = self.record.judge_step(&statement.statement).map(|model| model.state);
            words += &format!("{step:?} {}", self.record.knows(&statement.statement));
            for now in [NOW, LATER] {
                words += &format!("{:?}", self.record.judge::<Toy>(statement, (&roster, &federation), now));
                let told = self.told(statement);
                for (client, models) in (1..).zip(&self.branches) {
                    let name = cast::name(ClientId(client), 1);
                    let judged = models.judge::<Toy>(told.clone(), &name, (&roster, &federation, &NOBODY), now);
                    let checked = judged.map(|news| news.map(|event| models.check(&event)));
                    let lies = [false, true].map(|here| {
                        models.check(&BranchModelsEvent::StatementAccepted { told: Box::new(told.clone()), here })
                    });
                    words += &format!("{checked:?} {lies:?}");
                }
            }
        }
        self.note(&words);
        verified.is_ok()
    }

    fn told(&self, statement: &SignedStatement) -> Told {
        let of = |run: &u32| model(*run).digest() == statement.statement.model;
        let manifest = model((1..=RUNS).find(of).expect("a model"));
        Told { manifest, statement: statement.clone() }
    }

    /// What ends a model comes seldom, so that there is something left to state.
    fn is_rare(event: &RegistryEvent) -> bool {
        match event {
            RegistryEvent::StatementTaken { statement } => {
                matches!(statement.statement.step, ModelStep::Withdraw | ModelStep::Retire)
            }
            RegistryEvent::AttacksReported { report } => report.report.alarm,
            RegistryEvent::CopyNoted { note } => note.state == CopyState::Refused,
            _ => false,
        }
    }

    fn step(&mut self) {
        let candidates = self.candidates();
        let may: Vec<RegistryEvent> = candidates.into_iter().filter(|event| self.judge(event)).collect();
        let (of, often) = (self.throw(4), self.throw(8) > 0);
        // Statements come as often as all else together.
        let wanted = |event: &&RegistryEvent| match event {
            RegistryEvent::StatementTaken { .. } => of < 2,
            _ => of >= 2,
        };
        let mut chosen: Vec<&RegistryEvent> = may.iter().filter(wanted).collect();
        chosen.retain(|event| !(often && Self::is_rare(event)));
        let place = self.throw(chosen.len());
        let Some(event) = chosen.get(place).copied().cloned() else { return };
        self.record.apply(&event);
        if let RegistryEvent::StatementTaken { statement } = &event {
            self.hear(statement);
        }
        self.events.push(event);
        self.keep();
        self.answers();
    }

    fn hear(&mut self, statement: &SignedStatement) {
        let (told, roster, federation) = (self.told(statement), self.roster(), federation());
        for (client, models) in (1..).zip(&mut self.branches) {
            if client == 3 && !statement.statement.sequence.is_multiple_of(3) {
                continue;
            }
            let name = cast::name(ClientId(client), 1);
            let heard = models.judge::<Toy>(told.clone(), &name, (&roster, &federation, &NOBODY), NOW);
            if let Ok(Some(event)) = heard {
                models.apply(&event);
            }
        }
    }

    /// Branches fetch and delete, each time as far as their owner grants it.
    fn keep(&mut self) {
        let odd = self.throw(3) > 0;
        let granted = |lineage: &Lineage| odd || lineage.run.number % 2 == 1;
        let mut words = String::new();
        for models in &mut self.branches {
            let wanted: Vec<Digest> = models.wanted(granted).map(ModelManifest::digest).collect();
            let unwanted = models.unwanted(granted);
            let stored = wanted.iter().map(|model| BranchModelsEvent::ModelStored { model: *model });
            let deleted = unwanted.iter().map(|model| BranchModelsEvent::ModelDeleted { model: *model });
            for event in stored.chain(deleted) {
                words += &format!("{:?}", models.check(&event));
                models.apply(&event);
                words += &format!("{:?}", models.check(&event));
            }
        }
        self.note(&words);
    }

    /// All that the registry and the branches answer.
    fn answers(&mut self) {
        let record = &self.record;
        let mut words = format!("{record:?} {} {:?}", record.state(), record.next_export());
        let digests = |models: &mut dyn Iterator<Item = &ModelRecord>| {
            models.map(|model| model.manifest.digest().short()).collect::<Vec<String>>()
        };
        words += &format!("{:?}", digests(&mut record.in_use()));
        for told in record.told() {
            words += &format!("{:?}", told.statement.statement);
        }
        for run in 1..=RUNS {
            let model = model(run);
            let (digest, parameters) = (model.digest(), model.parameters);
            words += &format!("{:?}", record.of_run(&model.lineage.run));
            words += &format!("{:?}", digests(&mut record.of_parameters(&parameters).into_iter()));
            for client in 1..=CLIENTS {
                words += &format!(
                    "{:?} {}",
                    record.copy(&digest, ClientId(client)),
                    record.notes(&digest, ClientId(client))
                );
            }
            let Some(known) = record.models.get(&digest) else { continue };
            words += &format!("{} {}", known.state.name(), known.is_alarmed());
            for signed in &known.statements {
                let clients: Vec<_> =
                    record.followers(&digest, &signed.statement.digest()).map(|note| note.client).collect();
                words += &format!("{clients:?}");
            }
            for initial_model in
                [ModelRef::Champion, ModelRef::Digest(parameters), ModelRef::PreviousRun, ModelRef::Zero]
            {
                let plan = Plan { initial_model, purpose: model.lineage.purpose.clone(), ..cast::plan() };
                for released in [None, Some(&parameters)] {
                    let start = record.start(&plan, released).map(|model| model.map(|model| model.manifest.digest()));
                    words += &format!("{start:?}");
                }
            }
        }
        for (number, incident) in record.incidents.numbered() {
            words += &format!("{number} {:?} {:?}", incident.severity(), incident.closing().map(SignedIncident::id));
        }
        words += &format!("{:?}", record.incidents.open().map(|(number, _)| number).collect::<Vec<_>>());
        for models in &self.branches {
            words += &of_branch(models);
        }
        self.note(&words);
    }
}

fn of_branch(models: &BranchModels) -> String {
    let digests = |models: &mut dyn Iterator<Item = &ModelManifest>| {
        models.map(|model| model.digest().short()).collect::<Vec<String>>()
    };
    let mut words = format!("{models:?} {:?} {:?}", digests(&mut models.in_use()), models.kept());
    for purpose in ["churn", "deposit", "other"].map(Into::into) {
        let challenger = models.challenger(&purpose).map(|(model, share)| (model.digest(), share));
        words += &format!("{:?} {challenger:?}", models.champion(&purpose).map(ModelManifest::digest));
        for customer in 0..20 {
            words += &format!("{:?}", models.model_of_customer(&purpose, &[7; 32], &[customer]));
        }
    }
    for run in 1..=RUNS {
        let digest = model(run).digest();
        words += &format!("{} {}", models.is_pilot(&digest), models.is_withdrawn(&digest));
        words += &format!("{:?} {:?}", models.report(&digest), models.statement(&digest));
    }
    words + &format!("{:?}", models.copies().collect::<Vec<_>>())
}

fn played(dice: u64) -> World {
    let record = RegistryRecord::default();
    let branches = [const { BranchModels::default }; 3].map(|new| new());
    let mut world = World { dice, steps: 0, record, events: Vec::new(), branches, said: Digest::ZERO };
    let models = (1..RUNS).map(|run| registered(model(run)));
    world.events.extend([RegistryEvent::RosterAdopted { roster: Box::new(roster_of(1)) }].into_iter().chain(models));
    world.events.iter().for_each(|event| world.record.apply(event));
    while world.steps < STEPS {
        world.step();
        world.steps += 1;
    }
    assert_eq!(RegistryRecord::replay(&world.events).as_ref(), Ok(&world.record));
    world
}

#[test]
fn whole_histories_stay_the_same_to_the_byte() {
    let mut seen = [0; 11];
    let found = FROZEN.map(|(dice, _)| {
        let world = played(dice);
        world.events.iter().map(kind).for_each(|kind| seen[kind] += 1);
        (dice, world.said.to_string()[..16].to_string())
    });
    assert!(found == FROZEN.map(|(dice, said)| (dice, said.to_string())), "{found:?} {seen:?}");
    // Incidents are judged in each state, and none is told of.
    assert!(seen.iter().filter(|count| **count > 0).count() >= 10, "{seen:?}");
}

const fn kind(event: &RegistryEvent) -> usize {
    match event {
        RegistryEvent::RosterAdopted { .. } => 0,
        RegistryEvent::ModelRegistered { .. } => 1,
        RegistryEvent::StatementTaken { .. } => 2,
        RegistryEvent::CopyNoted { .. } => 3,
        RegistryEvent::IncidentTold { .. } => 4,
        RegistryEvent::Looked { .. } => 5,
        RegistryEvent::Noticed { .. } => 6,
        RegistryEvent::CardWritten { .. } => 7,
        RegistryEvent::AttacksReported { .. } => 8,
        RegistryEvent::Exported { .. } => 9,
        RegistryEvent::PointsSet { .. } => 10,
    }
}

//! A federation as its coordinator leaves it, made in memory: every signature is real, every sum is that of masked uploads, every model follows.

use std::collections::BTreeMap;
use std::io::Cursor;

use tributary_certs::people::attest;
use tributary_certs::roster::{RosterAuthorities, countersign};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_evidence::bundle::{BundleWriter, Contents};
use tributary_evidence::card::{Card, CardFile, Material};
use tributary_evidence::gates::Measured;
use tributary_evidence::statement::{Facts, Statement};
use tributary_evidence::{FeaturesFile, Item, statement_file};
use tributary_model::parameters::Parameters;
use tributary_model::planned::{self, Planned};
use tributary_model::stage::{STATE_FORMAT, StageState};
use tributary_protocol::budget::{BudgetHead, Kept, LastDay};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::log::{
    Checkpoint, LOG_HEADER, LedgerId, Log, NoteKey, NoteSignature, SignatureKind, SignedCheckpoint, origin_of,
};
use tributary_protocol::message::{Charged, ClosedReason};
use tributary_protocol::plan::{Approvals, Attestation, Date, Run};
use tributary_protocol::privacy::{Accounts, YearSpend};
use tributary_protocol::registry::{Lineage, ModelManifest, RegistryEvent};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope, SignedRoster, StaffNumber};
use tributary_protocol::round::cast::{MaskedRound, masked_round};
use tributary_protocol::round::{CoordinatorEvent, Recorded, RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::kept::{KeptHead, SUM_FORMAT, before_upload, opened_secrets};
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;
use tributary_protocol::time::Millis;

#[path = "../../../tests/signed_events.rs"]
mod signed_events;

use signed_events::Draft;

use super::plans::{self, Counts, SESSION_ROUNDS};
pub(crate) use super::plans::{SMALL, Shape};

/// Clients of the roster.
pub(crate) const CLIENTS: u32 = 10;
/// The day of every entry.
pub(crate) const DAY: Date = Date(20_000);
/// When entries are written.
pub(crate) const AT: Millis = Millis(20_000 * 86_400_000);
/// Seed of the coordinator's key.
pub(crate) const COORDINATOR: u8 = 150;
/// Seed of the key of whoever owns the branches' data.
pub(crate) const OWNER: u8 = 50;
/// The plan's author, the privacy officer and a model validator, each with the seed of a key.
pub(crate) const PEOPLE: [(&str, Role, u8); 3] =
    [("bank/e1", Role::PlanOwner, 201), ("bank/e2", Role::PrivacyOfficer, 202), ("bank/e3", Role::ModelValidator, 203)];

/// An event of a journal.
#[derive(Clone)]
pub(crate) enum Event {
    /// Of a run.
    Run(CoordinatorEvent),
    /// Of the registry.
    Registry(RegistryEvent),
}

/// A federation's evidence, to be changed before it is put together.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) shape: Shape,
    pub(crate) run: Run,
    pub(crate) roster: SignedRoster,
    pub(crate) events: Vec<Event>,
    pub(crate) heads: Vec<Kept>,
    /// Everything but journal and heads.
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    pub(crate) model: Digest,
    /// Branches that cosign: the first of them.
    pub(crate) witnesses: u32,
    /// Milliseconds between an entry and the next one.
    pub(crate) pace: u64,
    /// What its run has counted, as a coordinator keeps it.
    counts: Counts,
}

pub(crate) fn signing_key(client: ClientId) -> SigningKey {
    SigningKey::from_seed(&[u8::try_from(client.0).unwrap(); 32])
}

pub(crate) fn person_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn authorities(seeds: [u8; 3]) -> RosterAuthorities {
    let keys = seeds.map(|seed| SigningKey::from_seed(&[seed; 32]).verifying_key());
    RosterAuthorities::new(2, keys.to_vec()).unwrap()
}

pub(crate) fn signed_roster(roster: Roster, seeds: [u8; 3]) -> SignedRoster {
    let list = authorities(seeds);
    let mut signed = SignedRoster { roster, signatures: Vec::new() };
    for (place, seed) in (0..2).zip(seeds) {
        countersign(&mut signed, &list, place, &SigningKey::from_seed(&[seed; 32])).unwrap();
    }
    signed
}

pub(crate) fn roster(epoch: u64, previous: Digest, clients: u32) -> Roster {
    let entry = |number: u32| RosterEntry {
        client: ClientId(number),
        name: MemberName::new("bank", &format!("branch-{number}")).unwrap(),
        organisation: OrganisationId(1),
        signing_key: signing_key(ClientId(number)).verifying_key(),
        tls_spki_sha256: Digest::of(&number.to_le_bytes()),
        not_after: u64::MAX,
    };
    let person = |(staff, role, seed): (&str, Role, u8)| {
        let holding = Holding { role, deputy_of: None, scope: Scope::Federation, from: 0, until: 1 };
        let signing_key = person_key(seed).verifying_key();
        Person { staff: StaffNumber::parse(staff).unwrap(), signing_key, holdings: vec![holding] }
    };
    let entries = (1..=clients).map(entry).collect();
    Roster::new(epoch, previous, entries, Vec::new(), PEOPLE.map(person).to_vec()).unwrap()
}

/// What somebody of [`PEOPLE`] has signed.
pub(crate) fn attested(
    (staff, role, seed): (&str, Role, u8),
    action: Action,
    subject: Digest,
    federation: Digest,
    at: u64,
) -> Attestation {
    attest(&person_key(seed), action, subject, federation, &StaffNumber::parse(staff).unwrap(), role, at).unwrap()
}

/// A checkpoint as a note, signed by the coordinator's key of this seed, which so many branches have cosigned.
pub(crate) fn cosigned(checkpoint: Checkpoint, seed: u8, witnesses: u32) -> Vec<u8> {
    let mut signed = SignedCheckpoint::sign::<RealSuite>(checkpoint, &person_key(seed)).unwrap();
    for client in 1..=witnesses {
        let (name, key) = (format!("bank/branch-{client}"), signing_key(ClientId(client)));
        signed.add(NoteSignature::by_witness::<RealSuite>(&name, &key, signed.checkpoint(), AT.0 / 1000).unwrap());
    }
    signed.to_string().into_bytes()
}

pub(crate) fn approvals(plan: &Digest, federation: Digest) -> Approvals {
    let sign = |who, action| attested(who, action, *plan, federation, 0);
    Approvals { proposal: sign(PEOPLE[0], Action::ProposePlan), approval: sign(PEOPLE[1], Action::ApprovePlan) }
}

impl World {
    pub(crate) fn new(shape: Shape) -> Self {
        let run = Run::new(plans::plan(shape).validate().unwrap(), 1).unwrap();
        let roster = signed_roster(roster(1, Digest::ZERO, CLIENTS), shape.authorities);
        let list = authorities(shape.authorities);
        let planned = planned::check(run.plan(), Some(&plans::schema(shape))).unwrap();
        let (mut parts, model) = (BTreeMap::new(), Digest::ZERO);
        parts.insert("authorities".into(), list.print().into_bytes());
        parts.insert("contents.json".into(), Contents::new((DAY, DAY), AT, false).to_bytes());
        parts.insert(Item::Schema(run.plan().digest()).name(), plans::schema_text(shape).into_bytes());
        let mut draft = Draft::default();
        let zero = Parameters::zero(planned.architecture());
        draft.add(CoordinatorEvent::RunOpened {
            plan: Box::new(run.plan().plan().clone()),
            approvals: Box::new(approvals(&run.plan().digest(), list.digest())),
            number: 1,
            model: zero.digest(),
            begun: AT,
        });
        draft.add(CoordinatorEvent::RosterAdopted { roster: Box::new(roster.clone()), group_size: CLIENTS });
        let counts = Counts::default();
        let mut world = Self {
            shape,
            run,
            roster,
            events: Vec::new(),
            heads: Vec::new(),
            parts,
            model,
            witnesses: 7,
            pace: 0,
            counts,
        };
        world.heads.push(Kept::Roster(Box::new(world.roster.clone())));
        let (mut state, mut session, mut number) = (planned.stage(0).unwrap().start(zero), None, 0);
        let mut released = Parameters::zero(planned.architecture());
        if shape.aborted > 0 {
            session = Some(world.key(&mut draft, 1));
        }
        for _ in 0..shape.aborted {
            number += 1;
            let (round, view) = (RoundId(number.into()), session.as_ref().unwrap());
            let head = RoundHead { round, stage: 0, model: draft.record.model.unwrap() };
            let descriptor = RoundDescriptor::derive(&world.run, view, head).unwrap();
            draft.add(CoordinatorEvent::RoundStarted { descriptor });
            draft.add(CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Deadline });
        }
        for (stage, terms) in (0..).zip(&planned.plan().stages) {
            for _ in 0..terms.rounds {
                number += 1;
                if (number - 1) % SESSION_ROUNDS == 0 {
                    close(&mut draft, session.take());
                    session = Some(world.key(&mut draft, number));
                }
                world.round(&mut draft, (&planned, stage, &mut state), (number, session.as_ref().unwrap()));
            }
            let place = planned.stage(stage).unwrap();
            world.counts.noise(&place, &state);
            let handed = place.conclude(&state).unwrap();
            let model = match planned.stage(stage + 1) {
                Some(next) => {
                    state = next.start_after(handed);
                    next.state_digest(&state.public().to_bytes())
                }
                None => {
                    released = handed.parameters;
                    released.digest()
                }
            };
            draft.add(CoordinatorEvent::StageConcluded { stage, model });
        }
        close(&mut draft, session);
        draft.add(CoordinatorEvent::RunFinished {
            model: released.digest(),
            rounds: number - shape.aborted,
            complete: true,
        });
        world.register(&draft, &planned, &released);
        world.events.splice(0..0, draft.events.into_iter().map(Event::Run));
        world
    }

    fn key(&self, draft: &mut Draft, number: u32) -> SessionView {
        let cohort: Vec<ClientId> = (1..=CLIENTS).map(ClientId).collect();
        let organisations = vec![OrganisationId(1); cohort.len()];
        let thresholds = self.run.cohort.thresholds(&organisations, cohort.len()).unwrap();
        let session = SessionId(Digest::of(&number.to_le_bytes()).0);
        let view = SessionView { session, view: Digest([5; 32]), thresholds };
        draft.add(CoordinatorEvent::SessionOpened { session, candidates: cohort.clone() });
        draft.add(CoordinatorEvent::SessionKeyed { session, view: view.view, cohort, organisations, thresholds });
        view
    }

    /// A round of nine branches; the tenth is lost.
    fn round(
        &mut self,
        draft: &mut Draft,
        (planned, at, state): (&Planned, u16, &mut StageState),
        (number, view): (u32, &SessionView),
    ) {
        let (round, lost) = (RoundId(number.into()), ClientId(CLIENTS));
        let stage = planned.stage(at).unwrap();
        let head = RoundHead { round, stage: at, model: draft.record.model.unwrap() };
        let descriptor = RoundDescriptor::derive(&self.run, view, head).unwrap();
        let RoundDescriptor { ring, dimension, .. } = descriptor;
        draft.add(CoordinatorEvent::RoundStarted { descriptor: descriptor.clone() });
        let value = |client: u32, at: i64| plans::value(stage.settings(), (client, number), at);
        let values: Vec<(ClientId, Vec<i64>)> = (1..CLIENTS)
            .map(|client| (ClientId(client), (0..dimension.into()).map(|at| value(client, at)).collect()))
            .collect();
        let shape = (round, descriptor.digest(), ring);
        let MaskedRound { uploads, permit } = masked_round::<RealSuite>(shape, &values, &[lost]);
        let head = KeptHead { round, descriptor: descriptor.digest(), ring, dimension };
        let (mut kept, mut sum) = (head.encode(), MaskedSum::new(round, ring, dimension as usize));
        let mut admitted = Vec::new();
        for (ticket, upload) in uploads {
            let (client, vector) = (ticket.client(), ticket.digest());
            admitted.push((client, vector));
            kept.extend_from_slice(&before_upload(client));
            sum.fold_keeping(ticket.verify(upload).unwrap(), |piece| kept.extend_from_slice(piece)).unwrap();
            let spent = self.head(client, u64::from(number) + 1);
            draft.admit(round, client, (vector, spent.canonical().finish()), &signing_key(client));
            // The coordinator keeps the newest heads; of the first round some are left in the file.
            if number > self.shape.aborted + 1 {
                self.heads
                    .retain(|kept| !matches!(kept, Kept::Head(head) if head.client == client && head.counter > 2));
            }
            self.heads.push(Kept::Head(Box::new(spent)));
        }
        kept.extend_from_slice(&opened_secrets(&permit));
        let sum = sum.unmask::<RealSuite>(permit).unwrap();
        let survivors: Vec<ClientId> = admitted.iter().map(|(client, _)| *client).collect();
        draft.freeze(round, admitted);
        draft.certify(round, &survivors, signing_key);
        let values = sum.values();
        self.counts.round(&stage, (state, &values), (descriptor.share_variance, survivors.len()));
        stage.advance(state, &values, survivors.len()).unwrap();
        let model = stage.state_digest(&state.public().to_bytes());
        draft.add(CoordinatorEvent::RoundCommitted { round, sum: sum.digest(), model });
        if self.shape.uploads {
            self.parts.insert(Item::Round(self.run.id(), round).name(), kept);
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.parts.insert(Item::Sum(sum.digest()).name(), SUM_FORMAT.header().into_iter().chain(bytes).collect());
    }

    /// What a branch has signed of its budget.
    pub(crate) fn head(&self, client: ClientId, counter: u64) -> BudgetHead {
        let head = BudgetHead {
            client,
            population: Digest::of(&client.0.to_le_bytes()),
            counter,
            spent: Accounts::zero(),
            year: YearSpend::default(),
            caps: None,
            run: self.run.reference(),
            charged: Charged::default(),
            others: Vec::new(),
            day: LastDay::NONE,
            withdrawn: Vec::new(),
            epoch: 1,
            owner: person_key(OWNER).verifying_key(),
            signature: Signature::none(),
        };
        let signature = RealSuite::sign(&signing_key(client), &head.to_sign::<RealSuite>());
        BudgetHead { signature, ..head }
    }

    fn register(&mut self, draft: &Draft, planned: &Planned, released: &Parameters) {
        let statement = statement_file(&Statement::of(&Facts::read(&draft.events).unwrap()));
        let statement = self.shape.restated.iter().fold(String::from_utf8(statement).unwrap(), |text, (old, new)| {
            assert!(text.contains(old), "{old} is not in {text}");
            text.replacen(old, new, 1)
        });
        let statement = statement.into_bytes();
        let features = FeaturesFile::of(Vec::new()).to_bytes();
        let plan = planned.plan();
        let manifest = ModelManifest {
            parameters: released.digest(),
            parameter_bytes: released.to_le_bytes().len() as u64,
            architecture: plan.architecture.clone(),
            schema: plan.schema,
            features: Digest::of(&features),
            lineage: Lineage {
                parent: None,
                initial: Parameters::zero(planned.architecture()).digest(),
                run: self.run.reference(),
                name: plan.name.clone(),
                purpose: plan.purpose.clone(),
                privacy: plan.privacy,
                group: plan.group.clone(),
                owner: StaffNumber::parse(PEOPLE[0].0).unwrap(),
                statement: Digest::of(&statement),
                rounds: planned.plan().stages.iter().map(|stage| stage.rounds).sum(),
                complete: true,
            },
        };
        self.model = manifest.digest();
        self.parts.insert(Item::Statement(self.model).name(), statement);
        self.parts.insert(Item::Features(self.model).name(), features);
        let parameters = STATE_FORMAT.header().into_iter().chain(released.to_le_bytes()).collect();
        self.parts.insert(Item::Parameters(self.model).name(), parameters);
        let facts = Facts::read(&draft.events).unwrap();
        let measured = planned.schema().and_then(|schema| {
            let sum = |digest: &Digest| self.parts.get(&Item::Sum(*digest).name()).cloned();
            Measured::of(&draft.events, schema, &manifest.parameters, sum)
        });
        let material = Material {
            manifest: &manifest,
            facts: &facts,
            schema: planned.schema(),
            heads: measured.as_ref().map(Measured::heads),
            importance: self.counts.importance.as_ref(),
            ended: AT,
        };
        let card = Card::of(&material, AT.0 / 1000);
        self.events = vec![
            Event::Registry(RegistryEvent::RosterAdopted { roster: Box::new(self.roster.clone()) }),
            Event::Registry(RegistryEvent::ModelRegistered { manifest: Box::new(manifest) }),
        ];
        self.write(card);
    }

    /// Writes a card as the model's.
    pub(crate) fn write(&mut self, card: Card) {
        let bytes = CardFile::sign(card, &person_key(COORDINATOR)).to_json().into_bytes();
        let card = Digest::of(&bytes);
        self.parts.insert(Item::Card(card).name(), bytes);
        self.events.push(Event::Registry(RegistryEvent::CardWritten { model: self.model, card }));
    }

    /// The journal's bytes, with a whole chain whatever the events are.
    pub(crate) fn journal(&self) -> (Vec<u8>, Log) {
        let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
        let opened = |event: &Event| match event {
            Event::Run(CoordinatorEvent::RunOpened { plan, number, .. }) => {
                plan.as_ref().clone().validate().ok().and_then(|plan| Run::new(plan, *number))
            }
            _ => None,
        };
        let first = self.events.iter().find_map(opened);
        let mut own = LedgerId::from(first.as_ref().unwrap_or(&self.run).id());
        for (place, event) in (0..).zip(&self.events) {
            let at = AT.plus(self.pace * place);
            // What follows an opening is of that run.
            own = opened(event).map_or(own, |run| LedgerId::from(run.id()));
            let (ledger, bytes) = match event {
                Event::Run(event) => (own, codec::encode(&Recorded { at, event })),
                Event::Registry(event) => (LedgerId::ADMINISTRATION, codec::encode(&Recorded { at, event })),
            };
            file.extend(log.append(ledger, log.next_sequence(&ledger), &bytes).unwrap());
        }
        (file, log)
    }

    /// Every part of the bundle.
    pub(crate) fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let mut parts = self.parts.clone();
        parts.entry("audit.log".into()).or_insert_with(|| self.journal().0);
        let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
        for (place, kept) in (0..).zip(&self.heads) {
            let bytes = codec::encode(&Recorded { at: AT, event: kept });
            file.extend(log.append(LedgerId::ADMINISTRATION, place, &bytes).unwrap());
        }
        if !self.heads.is_empty() {
            parts.entry("heads/budgets.ledger".into()).or_insert(file);
        }
        if self.witnesses > 0 {
            for (name, note) in self.checkpoints() {
                parts.entry(name).or_insert(note);
            }
        }
        parts
    }

    /// A checkpoint of the journal up to the run's end, and one of all of it, which few have cosigned yet.
    fn checkpoints(&self) -> Vec<(String, Vec<u8>)> {
        let list = self.parts.get("authorities").and_then(|text| str::from_utf8(text).ok());
        let own = list.and_then(RosterAuthorities::parse).unwrap_or(authorities(self.shape.authorities)).digest();
        let (file, log) = self.journal();
        let mut tree = tributary_protocol::merkle::Frontier::new();
        let mut at = BTreeMap::new();
        for entry in tributary_protocol::log::Entries::new(&file) {
            tree.push(Digest::of_parts, entry.leaf);
            at.insert(tree.leaves(), tree.root(Digest::of_parts));
        }
        let before = log.size().saturating_sub(2).max(1);
        let note = |size: u64, witnesses: u32| {
            let root = at.get(&size).copied().unwrap_or(Digest::ZERO);
            cosigned(Checkpoint { size, root, ..log.checkpoint(&origin_of(&own)) }, COORDINATOR, witnesses)
        };
        let key = person_key(COORDINATOR).verifying_key();
        let key = NoteKey::new(&origin_of(&own), SignatureKind::Journal, &key).unwrap();
        vec![
            ("checkpoints/coordinator.key".into(), format!("{key}\n").into_bytes()),
            (format!("checkpoints/{before:020}"), note(before, self.witnesses)),
            ("checkpoints/newest".into(), note(log.size(), 2)),
        ]
    }

    /// The bundle.
    pub(crate) fn bundle(&self) -> Vec<u8> {
        sealed(&self.all())
    }
}

/// A bundle of these parts.
pub(crate) fn sealed(parts: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut writer = BundleWriter::new(Vec::new()).unwrap();
    for (name, bytes) in parts.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        writer.part(name, &mut Cursor::new(bytes)).unwrap();
    }
    writer.finish().unwrap().0
}

fn close(draft: &mut Draft, session: Option<SessionView>) {
    if let Some(view) = session {
        draft.add(CoordinatorEvent::SessionClosed { session: view.session, reason: ClosedReason::Exhausted });
    }
}

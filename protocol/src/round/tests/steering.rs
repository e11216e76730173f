//! A coordinator that wants a neighbour graph of its choice, above the size up to which everybody is everybody's neighbour.
//!
//! It has read every contribution to the graph's seed before it relays any, and a fifth of the cohort works with it, as the policies assume.
//! So it tries other contributions in the place of an accomplice's, until many of the accomplices are the victim's neighbours, who hold the
//! shares of its secrets, and keys the session by itself, past its honest machine.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

#[cfg(feature = "sabotage")]
use super::without;
use super::world::{Packet, World, plan};
#[cfg(feature = "sabotage")]
use crate::defence::Defence;
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::list::List;
use crate::message::{
    Downstream, Encapsulation, Freeze, Keys, NeighbourKeys, Neighbourhood, Offer, RefusalCode, SealedShares, Upstream,
    body_of,
};
use crate::round::ParticipantInput;
use crate::round::agreement::{frozen_view, graph_seed};
use crate::round::cast;
use crate::round::topology::Topology;
use crate::secagg::toy::Toy;

const CLIENTS: u32 = 257;
const VICTIM: ClientId = ClientId(1);
const ACCOMPLICE: ClientId = ClientId(257);

/// Contributions that are tried.
const TRIES: u32 = 400;

/// 52 of them, the accomplice among them.
fn colludes(client: ClientId) -> bool {
    client.0 % 5 == 2
}

/// A set-up in which every contribution is revealed to the coordinator, and none is relayed.
struct Revealed {
    world: World,
    offer: Offer,
    freeze: Freeze,
    keys: BTreeMap<ClientId, NeighbourKeys>,
    contributions: List<[u8; 32]>,
}

impl Revealed {
    fn new() -> Self {
        let mut world = World::new(CLIENTS, plan(|plan| plan.session_rounds = 1));
        world.connect_all();
        let (mut offer, mut freeze) = (None, None);
        let (mut keys, mut contributions) = (BTreeMap::new(), BTreeMap::new());
        loop {
            match world.packets.front() {
                Some(Packet::Down(VICTIM, Downstream::Offer(told))) => offer = Some(told.clone()),
                Some(Packet::Down(VICTIM, Downstream::Freeze(told))) => freeze = Some(told.clone()),
                Some(Packet::Up(from, Upstream::Keys(sent))) => {
                    let Keys { statement, exchange, commitments } = (**sent).clone();
                    keys.insert(*from, NeighbourKeys { client: statement.client, exchange, commitments });
                }
                Some(Packet::Up(from, Upstream::Contribution { contribution, .. })) => {
                    contributions.insert(*from, *contribution);
                }
                Some(Packet::Down(_, Downstream::Neighbourhood(_))) => break,
                _ => {}
            }
            assert!(world.step(), "everybody reveals");
        }
        // What the honest machine says from here on nobody hears.
        world.packets.clear();
        let contributions = contributions.into_values().collect();
        let (offer, freeze) = (offer.expect("an offer"), freeze.expect("a freeze"));
        Self { world, offer, freeze, keys, contributions }
    }

    fn session(&self) -> SessionId {
        self.offer.session
    }

    /// The graph that follows from contributions: at one member, or everybody's.
    fn topology(&self, contributions: &[[u8; 32]], own: Option<ClientId>) -> Topology {
        let bodies: Vec<Digest> = self.freeze.members.iter().map(body_of::<Toy>).collect();
        let view = frozen_view::<Toy>(&self.offer, &bodies, &self.freeze.thresholds);
        let seed = graph_seed::<Toy>(&view, contributions);
        let cohort = self.offer.candidates.to_vec();
        let roster = cast::roster(CLIENTS).roster;
        let organisations = roster.organisations(&cohort).expect("everybody is in the roster");
        Topology::new::<Toy>(cohort, organisations, &self.freeze.thresholds, &seed, own)
    }

    /// How many of the victim's neighbours work with the coordinator.
    fn colluders(&self, contributions: &[[u8; 32]]) -> usize {
        let topology = self.topology(contributions, Some(VICTIM));
        topology.neighbours(VICTIM).filter(|peer| colludes(*peer)).count()
    }

    /// Contributions of which only the accomplice's is another, and which give the victim the most colluders of all that were tried.
    fn ground(&self) -> List<[u8; 32]> {
        let tried = (0..TRIES).map(|number| {
            let mut contributions = self.contributions.clone();
            contributions.to_mut()[ACCOMPLICE.0 as usize - 1] = Digest::of(&number.to_le_bytes()).0;
            contributions
        });
        tried.max_by_key(|contributions| self.colluders(contributions)).expect("some were tried")
    }

    /// Shows a member contributions, and the keys of the neighbours that follow from them.
    fn show(&mut self, client: ClientId, contributions: &List<[u8; 32]>, topology: &Topology) {
        let keys = topology.neighbours(client).map(|peer| self.keys[&peer].clone()).collect();
        let hood = Neighbourhood { session: self.session(), contributions: contributions.clone(), keys };
        self.tell(client, Downstream::Neighbourhood(hood));
    }

    fn tell(&mut self, client: ClientId, message: Downstream) {
        self.world.tell_branch(client, ParticipantInput::Message(message));
    }

    /// What all members have said since, in their order.
    fn heard(&mut self) -> Vec<Upstream> {
        let said = |packet| match packet {
            Packet::Up(_, message) => message,
            Packet::Down(..) | Packet::Start(..) => panic!("only members speak"),
        };
        self.world.packets.drain(..).map(said).collect()
    }

    /// Keys the session on contributions, as far as the members go along. To whom the victim dealt shares of its secrets.
    fn key(&mut self, contributions: &List<[u8; 32]>) -> Vec<ClientId> {
        let topology = self.topology(contributions, None);
        let (session, cohort) = (self.session(), self.offer.candidates.to_vec());
        cohort.iter().for_each(|client| self.show(*client, contributions, &topology));
        let mut items: BTreeMap<ClientId, Vec<Encapsulation>> = BTreeMap::new();
        for message in self.heard() {
            if let Upstream::Encapsulations { items: sent, .. } = message {
                sent.into_iter().for_each(|item| items.entry(item.to).or_default().push(item));
            }
        }
        for client in &cohort {
            let items = items.remove(client).unwrap_or_default();
            self.tell(*client, Downstream::Encapsulations { session, items });
        }
        let (mut bundles, mut deals) = (BTreeMap::<ClientId, Vec<SealedShares>>::new(), Vec::new());
        for message in self.heard() {
            if let Upstream::Deal(deal) = message {
                deals.push(deal.statement);
                deal.bundles.into_iter().for_each(|bundle| bundles.entry(bundle.to).or_default().push(bundle));
            }
        }
        let held = bundles.iter().filter(|(_, bundles)| bundles.iter().any(|bundle| bundle.from == VICTIM));
        let holders = held.map(|(holder, _)| *holder).collect();
        let deals = List::from(deals);
        for client in &cohort {
            let bundles = bundles.remove(client).unwrap_or_default();
            self.tell(*client, Downstream::Shares { session, bundles, deals: deals.clone() });
        }
        let signature = |message| match message {
            Upstream::SetupAck { signature, .. } => Some(signature),
            _ => None,
        };
        let signatures: List<_> = self.heard().into_iter().filter_map(signature).collect();
        for client in &cohort {
            self.tell(*client, Downstream::SetupAcks { session, signatures: signatures.clone() });
        }
        holders
    }
}

/// The way past the machine is a true one: with the contributions as they were revealed everybody has keys.
#[test]
fn a_session_keyed_past_the_machine_on_true_contributions_stands() {
    let mut revealed = Revealed::new();
    let contributions = revealed.contributions.clone();
    let neighbours: Vec<ClientId> = revealed.topology(&contributions, Some(VICTIM)).neighbours(VICTIM).collect();
    assert_eq!(revealed.key(&contributions), neighbours);
    assert_eq!(revealed.world.refusals(), []);
}

#[test]
fn a_graph_steered_by_another_contribution_is_refused_by_everybody() {
    let mut revealed = Revealed::new();
    let ground = revealed.ground();
    assert!(revealed.colluders(&ground) > revealed.colluders(&revealed.contributions), "it would be worth it");
    assert_eq!(revealed.key(&ground), [], "no share leaves the victim");
    let refusals = revealed.world.refusals();
    for number in 1..=CLIENTS {
        assert!(refusals.contains(&(ClientId(number), RefusalCode::SignatureInvalid)), "client {number} goes along");
    }
}

#[test]
fn contributions_that_are_shown_to_one_member_alone_are_refused_by_it() {
    let changes: [fn(&mut Vec<[u8; 32]>); 4] = [
        |contributions| contributions[100][31] ^= 0x80,
        // Each was revealed, by somebody else.
        |contributions| contributions.swap(100, 101),
        |contributions| contributions.truncate(256),
        |contributions| contributions.push([0; 32]),
    ];
    for change in changes {
        let mut revealed = Revealed::new();
        let mut contributions = revealed.contributions.clone();
        change(contributions.to_mut());
        let topology = revealed.topology(&contributions, None);
        revealed.show(VICTIM, &contributions, &topology);
        assert_eq!(revealed.world.refusals(), [(VICTIM, RefusalCode::SignatureInvalid)]);
        let linked = |message: &Upstream| matches!(message, Upstream::Encapsulations { .. });
        assert!(!revealed.heard().iter().any(linked));
    }
}

/// The same play: everybody goes along, and the victim deals its shares to those whom the coordinator chose. Of its 102 neighbours 21 are
/// to be expected to work with the coordinator, and 28 and more in sixteen graphs of a thousand.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_the_graph_is_the_coordinators_choice() {
    let mut revealed = Revealed::new();
    let ground = revealed.ground();
    let holders = without(Defence::GraphSeedReveal, || revealed.key(&ground));
    assert_eq!(revealed.world.refusals(), []);
    assert_eq!(holders.len(), 102);
    let steered = holders.iter().filter(|holder| colludes(**holder)).count();
    assert_eq!(steered, revealed.colluders(&ground));
    assert!(steered >= 28, "{steered}");
}

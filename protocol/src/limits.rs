//! A limit on everything, and the relations between limits, checked at compile time.

/// Version of the protocol that both ends must speak.
pub const PROTOCOL_VERSION: u32 = 1;

/// Largest cohort that thresholds and graph are made for: the last row of the sparse graph's table (SA-1, section 6).
pub const COHORT_MAX: usize = 10_000;

/// Largest cohort in which everybody is everybody's neighbour (SA-1, section 3). Also the largest that a session may have while a freeze
/// carries the keys of every member.
pub const COMPLETE_GRAPH_MAX: usize = 256;

/// Most holders of one secret: the members of a complete graph, or the neighbours in a sparse one and the owner.
pub const HOLDERS_MAX: usize = 272;

/// Key set-ups that may end, since the last one that stood, after a member's part of the graph's seed was known: each is a choice among
/// graphs for whoever ends them (SA-1, section 6 spends 2^-20 on such choices; twenty are less).
pub const GRAPH_ATTEMPTS_MAX: u32 = 20;

/// Sessions whose keys a member holds at once: the one in use and the next.
pub const SESSIONS_HELD_MAX: usize = 2;

/// Pause after a key set-up that failed, in milliseconds, unless everybody is there: those that are lost together cost one set-up.
pub const REKEY_PAUSE_MS: u64 = 200;

/// Breaches of the protocol, without proof of intent, after which a client is out of the plan.
pub const STRIKES_MAX: u32 = 3;

/// Smallest cohort that a plan may ask for (SA-1, section 2: `n_min`).
pub const COHORT_MIN: usize = 8;

/// Longest part of a name in an identity, in bytes: the limit of a DNS label.
pub const NAME_PART_BYTES_MAX: usize = 63;

/// Most clients of one roster. A full roster of longest names, 215 bytes for each entry, fits into one control message.
pub const ROSTER_ENTRIES_MAX: usize = 10_000;

/// Most authorities that may sign rosters (M of m-of-M).
pub const ROSTER_AUTHORITIES_MAX: usize = 16;

/// Most named groups of one roster.
pub const ROSTER_GROUPS_MAX: usize = 64;

/// Longest name of a group, in bytes.
pub const GROUP_NAME_BYTES_MAX: usize = 64;

/// Most members of all groups of one roster together.
pub const ROSTER_GROUP_MEMBERS_MAX: usize = 100_000;

/// How much later than the coordinator a client takes an entry of the roster as ended, in milliseconds: five minutes. The coordinator leaves an
/// entry out at its last second by its own clock; a client whose clock is ahead must not refuse it for that, because a refusal is final.
pub const CLOCK_SKEW_MS_MAX: u64 = 300_000;

/// Rounds keyed by one session (SA-1, section 4: R).
pub const SESSION_ROUNDS_MAX: usize = 64;

/// Most coordinates of one update, check coordinates included: 32 Mi.
pub const DIMENSION_MAX: usize = 1 << 25;

/// Longest control message on the wire. A roster freeze of a full cohort with full sessions must fit.
pub const CONTROL_MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Longest control message that a member of a cohort has to say, in bytes: its deal for `clients` others, at most [`HOLDERS_MAX`], over a
/// session's rounds. What a coordinator needs to take from anybody.
#[must_use]
pub const fn upstream_bytes_max(clients: usize, session_rounds: usize) -> usize {
    let holders = if clients < HOLDERS_MAX { clients } else { HOLDERS_MAX };
    let deal = holders * (128 * session_rounds + 700) + UPSTREAM_BYTES_BESIDE;
    if deal < CONTROL_MESSAGE_BYTES_MAX { deal } else { CONTROL_MESSAGE_BYTES_MAX }
}

/// Room beside a deal: keys, statements, proofs.
const UPSTREAM_BYTES_BESIDE: usize = 64 << 10;

/// Longest vector on the wire.
pub const VECTOR_BYTES_MAX: usize = DIMENSION_MAX * 8;

/// Longest ledger entry. The largest roster is one, as are the other things that travel as one control message.
pub const LEDGER_ENTRY_BYTES_MAX: usize = CONTROL_MESSAGE_BYTES_MAX;

/// Most plans that a branch charges in its life: each budget head names all of them.
pub const CHARGED_PLANS_MAX: usize = 512;

/// Most rounds of one plan, retries included.
pub const PLAN_ROUNDS_MAX: u32 = 1_000_000;

/// Default of `S_units`: integer units for one `example_clip_norm` in the 64-bit ring (SA-1, section 7).
pub const CLIP_UNITS_DEFAULT: u32 = 1 << 20;

/// Most customers of all branches together; with it the 64-bit ring cannot wrap (SA-1, section 7).
pub const CUSTOMERS_MAX: u64 = 1 << 40;

// Worst case: every customer aligned on one coordinate at a quarter of the ring, noise in the rest.
const _: () = assert!((CUSTOMERS_MAX as u128) * (CLIP_UNITS_DEFAULT as u128) <= 1 << 62);
// Members are counted in 16 bits, and so are points of shares: 1 + rank among the holders.
const _: () =
    assert!(COHORT_MAX < u16::MAX as usize && COMPLETE_GRAPH_MAX <= HOLDERS_MAX && HOLDERS_MAX < u16::MAX as usize);
// A cohort is chosen from one roster.
const _: () = assert!(COHORT_MAX <= ROSTER_ENTRIES_MAX);
// A certificate is one ledger entry: client, length and 64 bytes for each signer.
const _: () = assert!(COHORT_MAX * (4 + 8 + 64) + 64 < LEDGER_ENTRY_BYTES_MAX);
// A budget head says of each plan its digest and, in at most 25 bytes, its rounds; beside that, two vectors of 73 values.
const _: () = assert!(CHARGED_PLANS_MAX * (32 + 25) + 2 * 73 * 10 + 1024 < UPSTREAM_BYTES_BESIDE);
// KEYS are 1.3 kB + 64 B a round; a freeze carries one for each member.
const _: () = assert!(COMPLETE_GRAPH_MAX * (1_400 + 64 * SESSION_ROUNDS_MAX) < CONTROL_MESSAGE_BYTES_MAX);
// A statement on keys or on a deal is at most 220 bytes; every member gets one of each member.
const _: () = assert!(COHORT_MAX * 220 < CONTROL_MESSAGE_BYTES_MAX);
// A deal: for each holder a bundle of 64 B a round and its path, for each neighbour 64 B a round in envelopes and commitments.
const _: () = assert!(HOLDERS_MAX * (128 * SESSION_ROUNDS_MAX + 700) < CONTROL_MESSAGE_BYTES_MAX);
// A roster entry is two numbers, a name of two parts after its length, two keys and a time; a group its name and 4 bytes a member.
const ROSTER_ENTRY_BYTES_MAX: usize = 4 + 8 + (2 * NAME_PART_BYTES_MAX + 1) + 4 + 32 + 32 + 8;
const _: () = assert!(
    ROSTER_ENTRIES_MAX * (ROSTER_ENTRY_BYTES_MAX + 25)
        + ROSTER_GROUPS_MAX * 2 * (GROUP_NAME_BYTES_MAX + 16)
        + ROSTER_GROUP_MEMBERS_MAX * 8
        < CONTROL_MESSAGE_BYTES_MAX
);

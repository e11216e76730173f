//! A limit on everything, and the relations between limits, checked at compile time.

/// Version of the protocol that both ends must speak. It also says the hashes of digests in messages that nobody signs:
/// [`Hashes::SHA256_BLAKE3`](crate::algorithm::Hashes::SHA256_BLAKE3).
pub const PROTOCOL_VERSION: u32 = 5;

/// Longest verifying key: ML-DSA-87 (FIPS 204).
pub const VERIFYING_KEY_BYTES_MAX: usize = 2_592;

/// Longest signature: ML-DSA-87 (FIPS 204).
pub const SIGNATURE_BYTES_MAX: usize = 4_627;

/// Longest of a client's two session keys: ML-KEM-1024 (FIPS 203).
pub const EXCHANGE_KEY_BYTES_MAX: usize = 1_568;

/// Most bytes of all signing keys of one roster together: a full one of keys of 32 bytes, or 384 members with keys of ML-DSA-87.
pub const ROSTER_KEY_BYTES_MAX: usize = 1_000_000;

/// Longest origin of a checkpoint, and longest name of a key that signs one, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 255;

/// Most signatures of one checkpoint: the journal's own, every member's, and some by keys that were exchanged meanwhile.
pub const NOTE_SIGNATURES_MAX: usize = ROSTER_ENTRIES_MAX + 64;

/// Longest checkpoint with its signatures, in bytes. One by an Ed25519 key of a longest name has 239.
pub const NOTE_BYTES_MAX: usize = 4 << 20;

/// Longest checkpoint that travels, in bytes: the coordinator's signature alone.
pub const CHECKPOINT_BYTES_MAX: usize = 16 << 10;

/// Most digests of a proof that one tree goes on from another: one for each level of the larger one, and one more.
pub const CONSISTENCY_PROOF_MAX: usize = 65;

/// Largest cohort that thresholds and graph are made for: the last row of the sparse graph's table (docs/PROTOCOL.md, "Numbers").
pub const COHORT_MAX: usize = 10_000;

/// Largest cohort in which everybody is everybody's neighbour (docs/PROTOCOL.md, "Numbers"). Also the largest that a session may have while a freeze
/// carries the keys of every member.
pub const COMPLETE_GRAPH_MAX: usize = 256;

/// Most holders of one secret: the members of a complete graph, or the neighbours in a sparse one and the owner.
pub const HOLDERS_MAX: usize = 272;

/// Key set-ups that may end, since the last one that stood, after a member's part of the graph's seed was known: each is a choice among
/// graphs for whoever ends them (2^-20 is spent on such choices, and twenty are less).
pub const GRAPH_ATTEMPTS_MAX: u32 = 20;

/// Sessions whose keys a member holds at once: the one in use and the next.
pub const SESSIONS_HELD_MAX: usize = 2;

/// Pause after a key set-up that failed, in milliseconds, unless everybody is there: those that are lost together cost one set-up.
pub const REKEY_PAUSE_MS: u64 = 200;

/// How often a client may ask within [`JOINS_WITHIN_MS`] to be let into a run.
pub const JOINS_MAX: u32 = 100;

/// One hour, in milliseconds.
pub const JOINS_WITHIN_MS: u64 = 3_600_000;

/// Runs that are open at once at most, at a coordinator and at a branch.
pub const RUNS_AT_ONCE_MAX: usize = 8;

/// Breaches of the protocol, without proof of intent, after which a client is out of the plan.
pub const STRIKES_MAX: u32 = 3;

/// Most orders that wait for a roster by which whoever signed them may give them.
pub const ORDERS_UNHEARD_MAX: usize = 64;

/// Smallest cohort that a plan may ask for.
pub const COHORT_MIN: usize = 8;

/// Longest part of a name in an identity, in bytes: the limit of a DNS label.
pub const NAME_PART_BYTES_MAX: usize = 63;

/// Most clients of one roster. A full roster of longest names, 224 bytes for each entry, fits into one control message.
pub const ROSTER_ENTRIES_MAX: usize = 10_000;

/// Most authorities that may sign rosters (M of m-of-M).
pub const ROSTER_AUTHORITIES_MAX: usize = 16;

/// Most named groups of one roster.
pub const ROSTER_GROUPS_MAX: usize = 64;

/// Longest name of a group, in bytes.
pub const GROUP_NAME_BYTES_MAX: usize = 64;

/// Most members of all groups of one roster together.
pub const ROSTER_GROUP_MEMBERS_MAX: usize = 100_000;

/// Most people of one roster.
pub const ROSTER_PEOPLE_MAX: usize = 256;

/// Most roles of one person, those of a deputy among them.
pub const PERSON_HOLDINGS_MAX: usize = 8;

/// Most roles of all people of one roster together.
pub const ROSTER_HOLDINGS_MAX: usize = 512;

/// Most branches in the scopes of all roles of one roster together.
pub const ROSTER_SCOPES_MAX: usize = 10_000;

/// Longest time for which a role is given, in seconds: 366 days.
pub const HOLDING_SECONDS_MAX: u64 = 366 * 86_400;

/// How much later than the coordinator a client takes an entry of the roster as ended, in milliseconds: five minutes. The coordinator leaves an
/// entry out at its last second by its own clock; a client whose clock is ahead must not refuse it for that, because a refusal is final.
pub const CLOCK_SKEW_MS_MAX: u64 = 300_000;

/// The same in seconds, for what people sign: by how much the clocks of two machines may differ.
pub const CLOCK_SKEW_SECONDS_MAX: u64 = CLOCK_SKEW_MS_MAX / 1000;

/// By how much a branch's clock and the coordinator's may differ where a run is accepted, in milliseconds: a day. Months of its budget pass by the
/// earlier of the two, and a charge counts by the later one.
pub const CLOCKS_APART_MS_MAX: u64 = 86_400_000;

/// Rounds keyed by one session (docs/PROTOCOL.md, "Who says what").
pub const SESSION_ROUNDS_MAX: usize = 64;

/// Most coordinates of one update, check coordinates included: 32 Mi.
pub const DIMENSION_MAX: usize = 1 << 25;
/// Smallest variance of one share of the noise in units^2: a standard deviation of 6 units. From there on a sum of shares differs from one
/// discrete Gaussian by a factor within 1e-150 of one.
pub const SHARE_VARIANCE_MIN: u128 = 36;
/// Largest variance of one share in units^2: a standard deviation of 2^40 units.
pub const SHARE_VARIANCE_MAX: u128 = 1 << 80;

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
const UPSTREAM_BYTES_BESIDE: usize = 96 << 10;

/// Longest vector on the wire.
pub const VECTOR_BYTES_MAX: usize = DIMENSION_MAX * 8;

/// Longest ledger entry. The largest roster is one, as are the other things that travel as one control message.
pub const LEDGER_ENTRY_BYTES_MAX: usize = CONTROL_MESSAGE_BYTES_MAX;

/// Most runs that a branch charges in its life: each budget head names all of them.
pub const CHARGED_RUNS_MAX: usize = 512;

/// Most grants that the owner of a branch's data takes back, and raises of its caps: each budget head names all of them.
pub const WITHDRAWALS_MAX: usize = 512;

/// Most stages of one plan.
pub const STAGES_MAX: usize = 12;

/// Most runs of one plan.
pub const RUNS_MAX: u32 = 1000;

/// Longest time from a plan's first possible run to its last, in seconds: ten years and their leap days.
pub const PLAN_SECONDS_MAX: u64 = 3_653 * 86_400;

/// Longest time between two runs, in seconds.
pub const RUN_INTERVAL_SECONDS_MAX: u64 = PLAN_SECONDS_MAX;

/// Most days by which a run's data may be older than the day on which it begins.
pub const AS_OF_DAYS_MAX: u16 = 366;

/// Longest reference in a plan's charter, in bytes.
pub const CHARTER_REFERENCE_BYTES_MAX: usize = 128;

/// Longest text in a plan's charter, in bytes: whoever signs it is shown the whole of it.
pub const CHARTER_TEXT_BYTES_MAX: usize = crate::printable::PRINTABLE_CHARACTERS_MAX;

/// Most data assets that a plan names.
pub const DATA_ASSETS_MAX: usize = 32;

/// Most partners' agreements that a plan names.
pub const AGREEMENTS_MAX: usize = 1_000;

/// Most branches of one grant.
pub const GRANT_BRANCHES_MAX: usize = 1_000;

/// Most grants and withdrawals that a coordinator carries to one branch at a connection, and that a branch takes from one.
pub const OWNERS_WORDS_MAX: usize = 64;

/// Most models of one registry.
pub const MODELS_MAX: usize = 10_000;

/// Most champions before the present one that are known for a rollback, for each purpose.
pub const FORMER_CHAMPIONS_MAX: usize = 64;

/// Limits of figures in a plan's gates.
pub const GATES_MAX: usize = 128;

/// Branches of a pilot.
pub const PILOT_BRANCHES_MAX: usize = 256;

/// Longest time that a plan may want a pilot to last, in seconds.
pub const PILOT_SECONDS_MAX: u64 = 366 * 86_400;

/// Conditions under which a validator lets a model be used.
pub const CONDITIONS_MAX: usize = 16;

/// Longest time for which a validator's report counts, in seconds: two years.
pub const REPORT_SECONDS_MAX: u64 = 732 * 86_400;

/// Longest reason in a statement about a model, in bytes.
pub const MODEL_REASON_BYTES_MAX: usize = 1_000;

/// Most incidents that are open at once. Those that were closed do not count.
pub const INCIDENTS_OPEN_MAX: usize = 1_000;

/// Most words about one incident, its opening and its closing among them.
pub const INCIDENT_WORDS_MAX: usize = 1_000;

/// Longest text of a word about an incident, in characters.
pub const INCIDENT_TEXT_CHARACTERS_MAX: usize = 500;

/// How long before its signature an incident can have begun, in seconds: a year. Its timeline has what happened since.
pub const INCIDENT_PAST_SECONDS_MAX: u64 = 366 * 86_400;

/// Most digits together in such a text: a telephone number in China has 11, and numbers of cards, accounts and identity cards have more.
pub const DIGITS_TOGETHER_MAX: usize = 10;

/// Most looks of inspectors in one journal.
pub const LOOKS_MAX: usize = 100_000;

/// Longest scope of an inspector's look, in bytes.
pub const LOOK_SCOPE_BYTES_MAX: usize = 128;

/// Most disputes that one journal notes.
pub const DISPUTES_MAX: usize = 10_000;

/// Most bytes of a model's parameters that travel at once.
pub const MODEL_PIECE_BYTES_MAX: usize = 256 << 10;

/// Most statements about models that travel at once.
pub const MODELS_TOLD_MAX: usize = 16;

/// Most words of branches that follow a statement that travel at once.
pub const FOLLOWERS_TOLD_MAX: usize = 256;

/// Most notes of a branch about its copy of one model, beside the one that it refuses the model for ever.
pub const COPY_NOTES_MAX: u32 = 64;

/// Most reports of attacks on one model.
pub const ATTACK_REPORTS_MAX: usize = 64;

/// Most exports of one federation.
pub const EXPORTS_MAX: usize = 999_999;

/// Most changes of the points of one model's scorecards.
pub const POINTS_CHANGES_MAX: usize = 10_000;

/// Most models that a branch keeps at once.
pub const MODELS_KEPT_MAX: usize = 32;

/// Most rounds of one run in all stages together that have more than one, retries left out.
pub const PLAN_ROUNDS_MAX: u32 = 1_000_000;

/// Most coordinates of a sum of whose rounds a plan may have the uploads kept: a file of one round of 256 survivors then has 8 MiB.
pub const KEPT_DIMENSION_MAX: u32 = 4096;

/// Longest time for which a plan may have them kept, in days: a hundred years.
pub const RETENTION_DAYS_MAX: u32 = 36_500;

/// Default of `S_units`: integer units for one `example_clip_norm` in the 64-bit ring (docs/PRIVACY.md, "The mechanism").
pub const CLIP_UNITS_DEFAULT: u32 = 1 << 20;

/// Most customers of all branches together; with it the 64-bit ring cannot wrap.
pub const CUSTOMERS_MAX: u64 = 1 << 40;

// Worst case: every customer aligned on one coordinate at a quarter of the ring, noise in the rest.
const _: () = assert!((CUSTOMERS_MAX as u128) * (CLIP_UNITS_DEFAULT as u128) <= 1 << 62);
// Members are counted in 16 bits, and so are points of shares: 1 + rank among the holders.
const _: () =
    assert!(COHORT_MAX < u16::MAX as usize && COMPLETE_GRAPH_MAX <= HOLDERS_MAX && HOLDERS_MAX < u16::MAX as usize);
// A cohort is chosen from one roster.
const _: () = assert!(COHORT_MAX <= ROSTER_ENTRIES_MAX);
// A statement about a model travels with the model: an architecture, a reason and little else.
const _: () = assert!(
    MODELS_TOLD_MAX * (65_536 + MODEL_REASON_BYTES_MAX + 4_096 + 2 * SIGNATURE_BYTES_MAX) < CONTROL_MESSAGE_BYTES_MAX
);
const _: () = assert!(MODEL_PIECE_BYTES_MAX + 1_024 < CONTROL_MESSAGE_BYTES_MAX);
const _: () = assert!(FOLLOWERS_TOLD_MAX * (256 + SIGNATURE_BYTES_MAX) < CONTROL_MESSAGE_BYTES_MAX);
// The three below are for signatures of 64 bytes, the only ones that a suite has; longer ones need smaller cohorts.
// A certificate is one ledger entry: client, algorithm, length and 64 bytes for each signer.
const _: () = assert!(COHORT_MAX * (4 + 1 + 8 + 64) + 64 < LEDGER_ENTRY_BYTES_MAX);
// A budget head says of each run its plan and number and, in at most 5 bytes each, the rounds of its stages; beside that, two vectors of 73 values
// for life and for each month of a year, and the digest of each grant that was withdrawn.
const _: () = assert!(
    CHARGED_RUNS_MAX * (32 + 5 + 1 + 5 * STAGES_MAX + 10)
        + (1 + crate::privacy::YEAR_MONTHS_MAX) * (5 + 2 * 73 * 10)
        + WITHDRAWALS_MAX * 32
        + 1024
        < UPSTREAM_BYTES_BESIDE
);
// KEYS are 1.3 kB + 64 B a round; a freeze carries one for each member.
const _: () = assert!(COMPLETE_GRAPH_MAX * (1_400 + 64 * SESSION_ROUNDS_MAX) < CONTROL_MESSAGE_BYTES_MAX);
// A statement on keys or on a deal is at most 221 bytes; every member gets one of each member.
const _: () = assert!(COHORT_MAX * 221 < CONTROL_MESSAGE_BYTES_MAX);
// A deal: for each holder a bundle of 64 B a round and its path, for each neighbour 64 B a round in envelopes and commitments.
const _: () = assert!(HOLDERS_MAX * (128 * SESSION_ROUNDS_MAX + 700) < CONTROL_MESSAGE_BYTES_MAX);
// A person is a staff number after its length, a key after its algorithm and length, and the count of its roles.
const STAFF_BYTES_MAX: usize = 8 + 2 * NAME_PART_BYTES_MAX + 1;
// A roster entry is two numbers, a name of two parts after its length, a key after its algorithm and length, a digest and a time; a group its name
// and 4 bytes a member.
const ROSTER_ENTRY_BYTES_MAX: usize = 4 + 8 + (2 * NAME_PART_BYTES_MAX + 1) + 4 + (1 + 8) + 32 + 8;
const _: () = assert!(ROSTER_ENTRIES_MAX * 32 <= ROSTER_KEY_BYTES_MAX);
const _: () = assert!(
    ROSTER_ENTRIES_MAX * (ROSTER_ENTRY_BYTES_MAX + 25)
        + ROSTER_KEY_BYTES_MAX
        + ROSTER_GROUPS_MAX * 2 * (GROUP_NAME_BYTES_MAX + 16)
        + ROSTER_GROUP_MEMBERS_MAX * 8
        + ROSTER_PEOPLE_MAX * (STAFF_BYTES_MAX + (1 + 8) + 8)
        + ROSTER_HOLDINGS_MAX * (4 + 1 + STAFF_BYTES_MAX + (4 + 8) + 16)
        + ROSTER_SCOPES_MAX * 4
        < CONTROL_MESSAGE_BYTES_MAX
);

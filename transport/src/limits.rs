//! Every limit of a connection, and what it protects. docs/OPERATING.md adds them up to the memory that strangers can take.

use std::time::Duration;

/// Connection attempts that QUIC keeps until they are looked at.
pub const INCOMING_MAX: usize = 1_024;

/// Bytes of one such attempt, and of all of them, that QUIC keeps.
pub const INCOMING_BYTES_MAX: (u64, u64) = (64 << 10, 16 << 20);

/// Handshakes under way at the same time over each transport: whoever fills one of them with silence leaves the other open.
pub const HANDSHAKES_MAX: usize = 128;

/// With more than so many under way over QUIC a sender must prove its address first (QUIC's Retry; TCP has proved it by connecting).
pub const HANDSHAKES_UNPROVED_MAX: usize = HANDSHAKES_MAX / 2;

/// At a crowded door the oldest handshake goes first that has said nothing at all, and then the oldest one that has not gone a step further for
/// so long. It is several times what [`HANDSHAKES_MAX`] handshakes at the same time cost one core: who waits for us is not sent away.
pub const MUTE_TIME: Duration = Duration::from_secs(2);

/// Connections that one client may have after its greeting, whatever it says: the one that carries its session, and one that waits to do so, to
/// be refused, or to be tried out. The newest takes the place of the one that waits.
pub const CONNECTIONS_PER_CLIENT_MAX: usize = 2;

/// Peers that are told at the same time why they are refused, or tried out. Whoever comes beside them hears it in the connection's end alone.
pub const REFUSALS_MAX: usize = 64;

/// How long a connection may stay that only asks whether it would be let in.
pub const TRIAL_TIME: Duration = Duration::from_secs(5);

/// From connection attempt to finished handshake, and from there to the greeting.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// How long what was sent last may take to be acknowledged when a connection closes.
pub const CLOSING_TIME: Duration = Duration::from_secs(2);

/// Bytes of a stream that may arrive before they are read: 5 MB a second over a path of 100 ms.
pub const RECEIVE_WINDOW: u32 = 512 << 10;

/// Bytes that a client takes before it has read them: a model arrives in one burst.
pub const CLIENT_RECEIVE_WINDOW: u32 = 1 << 20;

/// Bytes of a stream that QUIC holds until they are acknowledged.
pub const SEND_WINDOW: u64 = 1 << 20;

/// Bytes that were sent and that the peer has not confirmed as read: the most that is sent again after a cut.
pub const UNCONFIRMED_BYTES_MAX: u64 = 1 << 20;

/// Read bytes are confirmed after so many, or with whatever is sent next.
pub const CONFIRMED_AFTER: u64 = 256 << 10;

/// Longest record of a link: what follows a header of four bytes.
pub const RECORD_BYTES_MAX: usize = 128 << 10;

/// Longest greeting, in bytes.
pub const GREETING_BYTES_MAX: usize = 512;

/// Longest reason that travels with a link's end, in bytes.
pub const REASON_BYTES_MAX: usize = 1_024;

/// Bytes asked of a stream at once.
pub const READ_BYTES: usize = 256 << 10;

/// Socket buffers of UDP: a cohort's simultaneous uploads otherwise overflow the system's default.
pub const UDP_BUFFER_BYTES: usize = 4 << 20;

/// Socket buffers of a TCP connection: what may be under way below TLS.
pub const TCP_BUFFER_BYTES: usize = 512 << 10;

/// Longest answer of a proxy to CONNECT, in bytes.
pub const PROXY_ANSWER_BYTES_MAX: usize = 8 << 10;

/// Slowest progress inside a frame: so many bytes in each [`PROGRESS_TIME`].
pub const PROGRESS_BYTES_MIN: u64 = 8 * 1_024 * PROGRESS_TIME.as_secs();

/// The time in which [`PROGRESS_BYTES_MIN`] must arrive while a frame is incomplete.
pub const PROGRESS_TIME: Duration = Duration::from_secs(30);

/// How long an open connection may take to prove that it is alive, where another process of the same identity asks for its place.
pub const PROOF_OF_LIFE_TIME: Duration = Duration::from_secs(2);

/// Bytes that QUIC, TLS and the link hold for a connection on which nothing moves: measured, rounded up.
pub const IDLE_CONNECTION_BYTES: u64 = 192 << 10;

// A window is confirmed several times before it is used up, and a record fits into it.
const _: () = assert!(CONFIRMED_AFTER * 4 <= UNCONFIRMED_BYTES_MAX);
const _: () = assert!((RECORD_BYTES_MAX as u64) * 2 <= CONFIRMED_AFTER);
const _: () = assert!(RECORD_BYTES_MAX < 1 << 24);

//! One reliable stream of bytes between a client and the coordinator, over QUIC or TCP, across cuts.
//!
//! ```text
//! client                                                   coordinator
//! Channel ─ dial: QUIC, and TCP beside it after 3 s ─►     Listener: UDP and TCP on one port
//!    └─ Link ═ greeting, records, confirmations ═ Link ─┘
//! ```
//!
//! TLS 1.3 with the same identities protects both transports; what a peer may be is decided in `certs`, and what a client may do by the
//! daemons. A [`Link`] outlives the connections that carry it, so that a cut, another network address or a change of transport costs at most
//! [`limits::UNCONFIRMED_BYTES_MAX`] sent again, and nothing above it notices.

mod addresses;
mod channel;
mod counter;
mod dial;
mod failure;
mod fault;
mod frames;
pub mod identity;
mod incoming;
pub mod limits;
mod link;
mod listen;
mod outgoing;
mod path;
pub mod preflight;
mod quic;
mod record;
mod settings;
mod tcp;
mod timers;
mod wire;

pub use addresses::{ADDRESSES_MAX, Resolver};
pub use channel::{Channel, ChannelSettings, Event};
pub use counter::OfficeStream;
pub use dial::{DialSettings, Dialer, Mode};
pub use failure::Failure;
pub use fault::{DialFault, ListenError, PeerFault};
pub use frames::Frames;
pub use link::{Greeted, Link};
pub use listen::{Attempt, ListenSettings, Listener, ServerKeys};
pub use path::{MTU_MAX, MTU_MIN, Path};
pub use record::{BINDING_BYTES_MAX, Greeting, LinkId, Welcome};
pub use settings::NetworkSettings;
pub use tcp::Proxy;
pub use timers::Timers;
pub use wire::{Accepted, End, Transport, Wire};

//! What an operator may have to say about the network between two daemons.

/// Switches for paths on which the usual ways fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// UDP payload of QUIC's packets in bytes, 1,200 to 9,000, without probing for more; nothing lets QUIC find out.
    pub mtu: Option<u16>,
    /// Whether the system may cut one large write into packets (GSO). Some network cards and virtual machines damage them.
    pub segmentation_offload: bool,
}

/// Largest fixed MTU that is accepted.
pub const MTU_MAX: u16 = 9_000;

/// Smallest: QUIC's own (RFC 9000, section 14).
pub const MTU_MIN: u16 = 1_200;

impl Default for Path {
    fn default() -> Self {
        Self { mtu: None, segmentation_offload: true }
    }
}

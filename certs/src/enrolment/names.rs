//! The names of the files.

/// The certificate chain (PEM) of a daemon, leaf first.
pub const CHAIN: &str = "identity.pem";
/// The TLS private key of a daemon.
pub const KEY: &str = "identity.key";
/// The protocol signing key of a daemon.
pub const SIGNING_KEY: &str = "signing.key";
/// Its public half.
pub const SIGNING_PUBLIC: &str = "signing.pub";
/// The trusted root certificates.
pub const TRUST: &str = "trust.pem";
/// The roster authorities and how many must sign.
pub const AUTHORITIES: &str = "authorities";
/// The coordinator that a client expects: identity and public signing key.
pub const COORDINATOR: &str = "coordinator";
/// The fingerprint of the keys that a client enrolled with, as whoever signs the roster is shown it.
pub const FINGERPRINT: &str = "fingerprint";
/// After a renewal: which TLS key the client uses now, signed by its signing key.
pub const BINDING: &str = "identity.binding";
/// The revocation list that the authority makes.
pub const REVOCATIONS: &str = "revocations.pem";
/// The newest signed roster.
pub const ROSTER: &str = "roster";
/// The groups of the next roster, in an authority's folder.
pub const GROUPS: &str = "groups";
/// The people of the next roster, in an authority's folder.
pub const PEOPLE: &str = "people";
pub(crate) const DOMAIN: &str = "trust-domain";
pub(crate) const ROOT_KEY: &str = "root.key";
/// The issuing authority's certificate, in an authority's folder.
pub const ISSUING: &str = "issuing.pem";
pub(crate) const ISSUING_KEY: &str = "issuing.key";
pub(crate) const MEMBERS: &str = "members";

//! The kinds of fault, one table: number, code, what happened, what it means, what to do. `docs/CERTIFICATES.md` lists them; a test compares.
//!
//! 100: certificates. 200: the TLS connection. 300: tokens, enrolment and renewal. 400: what a peer reported without saying more.

use serde::{Deserialize, Serialize};

/// The rows, so that a kind cannot lack a part. The first sentence of a row is its documentation as well.
macro_rules! kinds {
    ($($kind:ident $number:literal $code:literal $what:literal $meaning:literal $cure:literal;)*) => {
        /// The kinds of fault. Numbers and codes are stable: scripts and dashboards may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum FaultKind {
            $(#[doc = $what] $kind,)*
        }

        impl FaultKind {
            /// Every kind, ascending by number.
            pub const ALL: &'static [FaultKind] = &[$(FaultKind::$kind),*];

            /// The stable number.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(FaultKind::$kind => $number),* }
            }

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(FaultKind::$kind => $code),* }
            }

            /// What happened, what it means, what to do.
            pub(super) const fn sentences(self) -> [&'static str; 3] {
                match self { $(FaultKind::$kind => [$what, $meaning, $cure]),* }
            }
        }
    };
}

kinds! {
    Expired 101 "certificate-expired"
        "The certificate has expired."
        "Its bearer can no longer prove who it is, so nothing was exchanged."
        "Check both clocks. A branch renews while its daemon runs, or by `tributary client renew`; a coordinator by `tributary certs renew --coordinator-folder`.";
    NotYetValid 102 "certificate-not-yet-valid"
        "The certificate is not valid yet."
        "One of the two clocks is wrong, or the certificate was issued for a later date."
        "Correct the clock (`tributary certs inspect` prints the validity), then connect again.";
    SelfSigned 103 "certificate-self-signed"
        "The certificate was signed by its own key."
        "Nobody vouches for it: anybody can make such a certificate."
        "Use the certificate that the federation's authority issued; check the path in the settings.";
    Revoked 104 "certificate-revoked"
        "The certificate was revoked."
        "The federation's authority no longer vouches for its bearer."
        "Ask the authority why; a new enrolment is needed.";
    ForeignAuthority 105 "certificate-foreign-authority"
        "The certificate was issued by an authority that is not trusted here."
        "It belongs to another federation, the trust file is out of date, or somebody is listening in between."
        "Compare trust.pem on both sides (`tributary certs inspect`); if they differ, ask the federation's authority which is right.";
    Forged 106 "certificate-forged"
        "A signature of the certificate or the handshake is wrong."
        "The certificate was altered, or the peer does not hold its private key."
        "Do not retry. Check that certificate and key belong together; if they do, report it as an attack.";
    RevocationUnknown 107 "certificate-revocation-unknown"
        "No revocation list covers the certificate."
        "Whether the certificate was revoked cannot be told, so it is refused."
        "Install the lists of the authority that issued it, and of every authority above that one: revocations.pem, or revocations-ORGANISATION.pem.";
    RevocationListExpired 108 "certificate-revocation-list-expired"
        "The revocation list is out of date."
        "Whether the certificate was revoked since cannot be told, so it is refused."
        "An issuing authority's list: `tributary certs crl --authority DIR`. A root's: its key's holder adds `--root --keys MEDIUM`. Branches fetch the new list.";
    RevocationListForged 109 "certificate-revocation-list-forged"
        "The revocation list is unreadable or not signed by a trusted authority."
        "It was damaged or altered, so nothing it says is believed."
        "Install the authority's own list again; if it is refused too, report it as an attack.";
    WrongRole 110 "certificate-wrong-role"
        "The certificate's identity has another role than this connection needs."
        "A client's certificate was used as a coordinator's, or the reverse."
        "Check which certificate the settings point at; issue one for the right role.";
    WrongUsage 111 "certificate-wrong-usage"
        "The extended key usage allows another purpose than this connection."
        "The certificate was issued for something else."
        "Issue it again: clientAuth for a client, serverAuth for a coordinator.";
    NoUsage 112 "certificate-no-usage"
        "The certificate names no extended key usage."
        "It could be used for anything, so it is accepted for nothing."
        "Issue it again: clientAuth for a client, serverAuth for a coordinator.";
    WrongKeyUsage 113 "certificate-wrong-key-usage"
        "The key usage does not allow digital signatures."
        "Its bearer could not prove in a handshake that it holds the key."
        "Issue it again with the key usage digitalSignature.";
    ForeignDomain 114 "certificate-foreign-domain"
        "The certificate belongs to another trust domain."
        "Its bearer is enrolled in another federation."
        "Check the trust domain in the settings and the address that was dialled.";
    WrongPeer 115 "certificate-wrong-peer"
        "A genuine coordinator answered, but not the expected one."
        "The address leads elsewhere, or the coordinator was given a new identity."
        "Check the coordinator's address and identity in the settings against the enrolment bundle.";
    WrongHost 116 "certificate-wrong-host"
        "The coordinator's certificate does not name the host or address that was dialled."
        "The connection may have been led to another machine."
        "Dial a name the certificate carries, or issue the coordinator's certificate with this name.";
    NoIdentity 117 "certificate-no-identity"
        "The certificate carries no identity: no URI among its alternative names."
        "It cannot be told who its bearer is; the common name is never looked at."
        "Issue it again with one URI: spiffe://DOMAIN/ORGANISATION/client/ID or /coordinator/ID.";
    SeveralIdentities 118 "certificate-several-identities"
        "The certificate carries several URIs among its alternative names."
        "Its bearer could pass for each of them."
        "Issue it again with one URI and no other.";
    ForeignIdentity 119 "certificate-foreign-identity"
        "The certificate's URI is not of the form of an identity here."
        "It was issued for another system, or with a slip of the pen."
        "Issue it again with one URI: spiffe://DOMAIN/ORGANISATION/client/ID or /coordinator/ID.";
    NoCertificate 120 "certificate-missing"
        "The client presented no certificate."
        "Nobody is served without one."
        "Set the client's certificate and key in its settings.";
    Unreadable 121 "certificate-unreadable"
        "The certificate is unreadable or of an unsupported kind."
        "It was damaged, or made with an algorithm that is not accepted."
        "Issue it again; `tributary certs inspect` shows what can be read.";
    ChainTooLong 122 "certificate-chain-too-long"
        "The chain has more than 4 certificates."
        "No authority here needs more tiers, and long chains cost the verifier time."
        "Present the leaf and the authorities between it and the root, without the root and in order.";
    TooLarge 123 "certificate-too-large"
        "A certificate of the chain has more than 16 KiB."
        "No certificate needs that much, and large ones cost the verifier time."
        "Issue it again without the extensions that make it large.";
    AuthorityAsLeaf 124 "certificate-authority-as-leaf"
        "An authority's certificate was presented as a daemon's."
        "An authority's key signs certificates and opens no connection."
        "Set the daemon's own certificate in its settings; if an authority's key was used, find out by whom.";
    IssuedByLeaf 125 "certificate-issued-by-leaf"
        "The certificate was issued by a certificate that is no authority."
        "A daemon's key was used to issue certificates."
        "Report it as an attack, and revoke the certificate that issued it.";
    WrongAuthority 126 "certificate-wrong-authority"
        "The certificate was issued by an authority that may not speak for its organisation."
        "A trusted authority named a member of an organisation that has, or is, another's."
        "Have the organisation's own authority issue it, or correct the trust-ORGANISATION.pem files.";
    KeyMismatch 127 "certificate-key-mismatch"
        "The certificate is for another key."
        "Whoever presents it does not hold its private key."
        "Give the certificate that was issued for this key, or make the request again.";

    RevocationListOlder 128 "certificate-revocation-list-older"
        "The list is older than one that was in force here."
        "Somebody may want to take a revocation back; what was in force stays in force."
        "Install the authority's newest list; if it is the newest, ask the authority who issues lists under its name.";
    Denied 129 "certificate-denied"
        "The bearer is on the federation's deny-list."
        "Its certificate may be good, and the federation has cut it off."
        "Ask the federation's authority why (`tributary certs deny --list`).";
    DenyListForged 130 "certificate-deny-list-forged"
        "The deny-list is not signed by an issuing authority that stands."
        "It was altered, or made by an authority that was revoked or has ended, so nothing it says is believed."
        "Have the authority sign it again (`tributary certs crl --authority DIR`); if it is refused again, report it as an attack.";
    LifeTooLong 131 "certificate-life-too-long"
        "The certificate is valid for longer than any may be: 398 days, or 3,660 for an authority."
        "A certificate that outlives every revocation is what a thief of an authority's key makes."
        "Have it issued again for a shorter time; if no honest authority issued it, report a stolen key, and have that authority revoked.";
    TlsVersion 201 "tls-version"
        "The peer does not speak TLS 1.3."
        "It is another program, too old, or a gateway terminates TLS in between."
        "Update the peer, or let the connection through unopened.";
    TlsKeyExchange 202 "tls-key-exchange"
        "The two sides have no key exchange in common."
        "This side demands X25519MLKEM768, and the peer or a gateway in between does not know it."
        "Update the peer, or choose the preferred instead of the required post-quantum exchange on both sides.";
    TlsApplicationProtocol 203 "tls-application-protocol"
        "The peer does not speak the protocol tributary/1."
        "It is another program or another version."
        "Check the address that was dialled and both versions.";
    TlsCipherSuite 204 "tls-cipher-suite"
        "The two sides have no cipher suite in common."
        "This side takes AES-256-GCM and AES-128-GCM of TLS 1.3."
        "Update the peer, or let the connection through unopened.";
    TlsSignature 205 "tls-signature-scheme"
        "The two sides have no signature scheme in common."
        "The certificate's key is of a kind that the other side does not verify."
        "Issue the certificate for an ECDSA key on P-256.";
    TlsIncompatible 206 "tls-incompatible"
        "The peer left out something that TLS 1.3 demands."
        "The peer is another program, too old, or a gateway terminates TLS in between."
        "Let the connection through unopened; update the peer.";
    TlsDamaged 207 "tls-damaged"
        "A message of the handshake is malformed, too large or cannot be decrypted."
        "The connection was disturbed, or the peer breaks the rules of TLS."
        "Connect again; if it persists, look for a gateway in between and report it.";
    TlsOther 208 "tls-other"
        "The handshake failed for a reason that is not about certificates."
        "The connection was cut or disturbed."
        "Connect again; if it persists, look at both logs.";
    TlsHttp 209 "tls-http"
        "The peer speaks HTTP, not TLS."
        "A web server, a proxy or a gateway answers at this address and port, and no coordinator."
        "Check host and port (coordinator.address in the settings, or the bundle's); ask who runs what answers there.";

    TokenUnknown 301 "token-unknown"
        "The office does not know this token."
        "It was never given out, was removed, or was mistyped."
        "Ask for a new enrolment bundle (`tributary certs token`).";
    TokenUsed 302 "token-used"
        "The token was used already, with other keys."
        "A token enrols one machine. If the first use was not yours, somebody else holds the bundle."
        "Ask for a new enrolment bundle; if you did not use the first, report it and have that identity revoked.";
    TokenExpired 303 "token-expired"
        "The token has expired."
        "A token is good for a few hours, so that a lost bundle opens nothing later."
        "Ask for a new enrolment bundle (`tributary certs token`).";
    TokenOtherIdentity 304 "token-other-identity"
        "The token is for another identity than the request names."
        "A token enrols the branch it was made for and no other."
        "Use the bundle that was made for this branch.";
    TokenMalformed 305 "token-malformed"
        "The token is not 32 hexadecimal digits."
        "It was cut off or mistyped."
        "Copy the enrolment bundle again.";
    RequestTooLong 306 "request-too-long"
        "The request has more than 64 KiB."
        "It is no request of this program, and was not read."
        "Make the request again.";
    RequestUnreadable 307 "request-unreadable"
        "The request cannot be read."
        "It was damaged on its way, or is another file."
        "Make the request again and carry it unchanged.";
    RequestVersion 308 "request-version"
        "The request has a version that this office does not know."
        "Branch and office run different versions of this program."
        "Update the older one.";
    RequestUnproven 309 "request-unproven"
        "The certificate request is not signed by its own key."
        "The sender does not prove that it holds the private key."
        "Make the request again; if it is refused again, report it as an attack.";
    RequestForged 310 "request-forged"
        "The signing key's signature on the request is wrong."
        "The request was altered, or the sender does not hold the signing key."
        "Make the request again; if it is refused again, report it as an attack.";
    RequestIdentity 311 "request-identity"
        "The certificate request does not name exactly one identity of a branch."
        "It cannot be told for whom it is."
        "Make the request with `tributary client enrol`, or with one URI as its only alternative name.";
    RequestExtras 312 "request-extras"
        "The certificate request asks for more than an identity."
        "A branch's certificate carries its URI and no host, no other name and no right of an authority."
        "Make the request with one URI as its only alternative name.";
    RequestKeyKind 313 "request-key-kind"
        "The certificate request is for a key of another kind than ECDSA on P-256 or P-384."
        "Other kinds are not accepted here."
        "Make the request again with such a key.";
    ApprovalPending 314 "enrolment-approval-pending"
        "The request waits for a person's approval."
        "Nothing is wrong: somebody must compare its fingerprint and approve it."
        "Read the fingerprint to the office over the phone (`tributary certs approve`), then send the same request again.";
    KeyTaken 315 "enrolment-key-taken"
        "One of the keys belongs to another member."
        "Two members with one key could not be told apart; it may have been copied."
        "Make fresh keys on this machine and enrol again.";
    MemberRevoked 316 "member-revoked"
        "The member was revoked."
        "The federation ended its membership; its keys are not believed any more."
        "Ask the federation why; it comes back with a new token (`tributary certs token --again`) and fresh keys.";
    MemberAlready 317 "member-already"
        "The identity is enrolled already."
        "A second enrolment would shut the first machine out."
        "Choose another id, or ask for a token that starts this one anew (`tributary certs token --again`).";
    MemberUnknown 318 "member-unknown"
        "No member has this identity."
        "Only who was enrolled can renew."
        "Enrol with a token first (`tributary client enrol`).";
    RenewalForged 319 "renewal-forged"
        "The renewal is not signed by the member's signing key."
        "Whoever asks does not hold the key that the roster names."
        "Check the signing key in the settings; if it is the right one, report it as an attack.";
    RenewalTooLate 320 "renewal-too-late"
        "The certificate expired more than 30 days ago."
        "So long after its end a certificate is not renewed."
        "Enrol again with a token (`tributary certs token --again`).";
    RenewalSequence 321 "renewal-sequence"
        "The renewal's number is not above the last one."
        "It is an old renewal sent again, or two machines hold the same signing key."
        "Make the renewal again; if it is refused again, find out who else holds the signing key.";
    RenewalSameKey 322 "renewal-same-key"
        "The renewal is for a TLS key that was used before."
        "A renewed certificate has a fresh key."
        "Make the renewal again with a fresh key.";
    SigningKeyExpired 323 "signing-key-expired"
        "The member's signing key has expired."
        "The roster vouches for a signing key for one year."
        "Enrol again with a token (`tributary certs token --again`).";
    AnswerUnreadable 324 "answer-unreadable"
        "The office's answer cannot be read, or is of another version."
        "It was damaged on its way, or branch and office run different versions."
        "Ask again, or carry the answer again.";
    AnswerAuthority 325 "answer-authority"
        "The answer does not come from the authority that the bundle names."
        "Its authority has another fingerprint, or its signature is wrong: somebody else answered, or altered the answer."
        "Do not install it. Compare the bundle's fingerprint with the office over the phone; report a difference as an attack.";
    AnswerPin 326 "answer-pin"
        "The answer names another coordinator or other roster authorities than the bundle."
        "Somebody else answered, or the federation changed since the bundle was made."
        "Do not install it. Ask for a new enrolment bundle and compare it over the phone.";
    AnswerOtherKeys 327 "answer-other-keys"
        "The answer's certificate is for another key or another identity than this branch asked for."
        "It belongs to another request."
        "Install the answer to this folder's own request.";
    OfficeUnavailable 328 "office-unavailable"
        "The office could not use its own files."
        "Nothing was issued or changed; the office's log says more."
        "Have the office's operator look at the authority's folder, then send the same request again.";
    ApprovalUnknown 329 "approval-unknown"
        "No waiting request has this fingerprint."
        "It was mistyped, is not there yet, or a request with other keys waits instead."
        "Compare it with `tributary certs approve --list`. If the branch reads another one, do not approve: report it.";

    RenewalTooOften 330 "renewal-too-often"
        "The member has eight certificates that are valid at the same time."
        "A branch needs two or three: it renews far too often, or somebody else holds its keys and renews as well."
        "Look at the branch's clock and log. Wait until certificates end, or revoke the branch and enrol it with fresh keys.";

    RefusedByPeer 401 "certificate-refused-by-peer"
        "The peer refused this side's certificate."
        "The peer's log says why; it does not tell us."
        "Run `tributary certs inspect` on this side's certificate, then look into the peer's log.";
    TlsRefusedByPeer 402 "tls-refused-by-peer"
        "The peer found nothing in common with this side: key exchange, cipher suite or signature scheme."
        "The two sides are of different versions or settings, or a gateway terminates TLS in between."
        "Compare both versions and the post-quantum setting; let the connection through unopened.";
    DamagedByPeer 403 "tls-damaged-by-peer"
        "The peer could not read a message of this side's handshake."
        "The connection was disturbed, or something too large was sent, such as a long chain."
        "Connect again; if it persists, look at the certificate chain and for a gateway in between.";
    ClosedByPeer 404 "tls-closed-by-peer"
        "The peer ended the handshake without a reason that is about certificates."
        "It may be stopping, overloaded or faulty."
        "Connect again; if it persists, look at the peer's log.";
    UnknownToUs 405 "refused-for-unknown-reason"
        "The peer refused with a number that this version does not know."
        "The peer is of a newer version."
        "Update this side, or look the number up in the peer's documentation.";
}

//! What the operator is told of members who are not let in: by name, because a certificate says it, and with what to do.

use rustls::pki_types::CertificateDer;
use tributary_certs::ended::Ended;
use tributary_certs::identity::identity_of;
use tributary_certs::inspect::date;
use tributary_protocol::roster::MemberName;
use tributary_transport::End;

use super::Door;
use super::admission::Refusal;
use super::conversation::{Arrival, Trouble};

impl Door {
    /// Somebody with a member's name was refused.
    pub(super) fn tell_of_refusal(&self, certificate: &CertificateDer<'static>, refusal: &Refusal) {
        self.tell_of(certificate, format!("{:?}", refusal.code), refusal.explanation.clone());
    }

    /// The first record of a member is none that this release reads.
    pub(super) fn tell_of_greeting(&self, certificate: &CertificateDer<'static>, end: &End) {
        if let End::Faulty(reason) = end {
            let release = env!("CARGO_PKG_VERSION");
            let reason = format!("{reason}. This coordinator runs release {release}: have the older side updated");
            self.tell_of(certificate, "OtherRelease".into(), reason);
        }
    }

    /// Certificates that were shown after their end.
    pub(super) fn tell_of_ended(&self) {
        for Ended { name, not_after } in self.ended.take() {
            let reason = format!(
                "its certificate ended on {}. Its daemon asks the office for another one, and a person there approves it \
                 (`tributary certs approve`). Where no office is kept, its operator renews by file (`tributary client renew`)",
                date(not_after)
            );
            self.tell(&name, Trouble { code: "CertificateEnded".into(), reason });
        }
    }

    fn tell_of(&self, certificate: &CertificateDer<'static>, code: String, reason: String) {
        if let Some(name) = identity_of(certificate).ok().and_then(|identity| identity.member_name()) {
            self.tell(&name, Trouble { code, reason });
        }
    }

    /// Where the machine has no time for it, the operator hears of it the next time.
    fn tell(&self, name: &MemberName, trouble: Trouble) {
        if let Some(client) = self.members.named(name) {
            let _ = self.inputs.try_send(Arrival::TurnedAway(client, trouble));
        }
    }
}

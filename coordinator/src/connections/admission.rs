//! Who is let in by the roster, and what the others are told.

use rustls::pki_types::CertificateDer;
use tributary_certs::identity::{Identity, identity_of, spki_sha256_of};
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{RejectCode, ToClient};
use tributary_transport::limits::{CLOSING_TIME, TRIAL_TIME};
use tributary_transport::{Greeted, Link as Wires, PeerFault};

use super::Door;
use super::conversation::control_frame;
use super::members::Stranger;
use super::seats::new_link;

/// Why somebody may not come in.
pub(super) struct Refusal {
    pub(super) code: RejectCode,
    pub(super) explanation: String,
}

impl Door {
    /// Tells a peer why it is refused: in a message, or, where many are being told, in the connection's end. Without a refusal it is welcomed,
    /// and stays for as long as it tries out the path, which is not long.
    pub(super) async fn explain(&self, greeted: Greeted, refusal: Option<Refusal>) -> Result<(), PeerFault> {
        if let Some(Refusal { explanation, .. }) = &refusal
            && let Some(left_out) = self.hush.may_speak()
        {
            tracing::warn!(explanation, left_out, "connection refused");
        }
        let Ok(_permit) = self.refusals.try_acquire() else {
            let crowded = "too many are being told the same; ask again later".to_owned();
            greeted.dismiss(&refusal.map_or(crowded, |refusal| refusal.explanation)).await;
            return Ok(());
        };
        let mut link = Wires::new(self.timers);
        link.welcome(greeted, 0, self.greeting_back(new_link()))?;
        match refusal {
            Some(Refusal { code, explanation }) => {
                let explanation = explanation.into();
                link.send([control_frame(&ToClient::Refused { code, explanation })]);
                let _ = tokio::time::timeout(CLOSING_TIME, link.flush()).await;
            }
            None => {
                let _ = tokio::time::timeout(TRIAL_TIME, link.tend_to_end()).await;
            }
        }
        link.close("refused").await;
        Ok(())
    }

    /// Who the certificate says it is, if the roster knows it.
    pub(super) fn admit(
        &self,
        leaf: &CertificateDer<'static>,
        binding: &[u8],
    ) -> Result<(ClientId, Identity), Refusal> {
        let stranger = |explanation: String| Refusal { code: RejectCode::NotInRoster, explanation };
        let identity = identity_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let key = spki_sha256_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let admitted = self.members.admit(&identity, &key, binding);
        let entry = admitted.map_err(|why| stranger(unknown(&identity, &why)))?;
        if entry.not_after < (self.unix_seconds)() {
            let explanation = format!(
                "the roster's entry of client {} has ended, so {identity} may not take part; enrol it anew and have the next roster signed",
                entry.client
            );
            return Err(Refusal { code: RejectCode::EntryEnded, explanation });
        }
        if let Some(explanation) = self.standing.refuses(leaf, &identity, &key, &entry, (self.unix_seconds)()) {
            return Err(Refusal { code: RejectCode::Denied, explanation });
        }
        Ok((entry.client, identity))
    }
}

pub(super) fn already(identity: &Identity) -> Refusal {
    let explanation = format!(
        "{identity} is connected already from another process, and one for each branch is allowed; the first stays, because it answers. \
         Stop the other client"
    );
    Refusal { code: RejectCode::AlreadyConnected, explanation }
}

pub(super) fn moved(identity: &Identity) -> Refusal {
    let explanation =
        format!("{identity} has another number in the roster that came into force just now; it may connect again");
    Refusal { code: RejectCode::NotInRoster, explanation }
}

fn unknown(identity: &Identity, why: &Stranger) -> String {
    match why {
        Stranger::Key => format!(
            "{identity} has a valid certificate, but its key is not in this coordinator's roster; enrol it, have the roster signed again, and \
             give the coordinator the new one"
        ),
        Stranger::Name(name) => format!(
            "{identity} has a valid certificate, but the roster has its key under the name {name}: somebody was given a certificate for \
             another's key; find out who issued it, and enrol the branch anew"
        ),
        Stranger::OlderKey(client) => format!(
            "{identity} proves an older key than client {client} has used here before: an old copy of its folder was put back, or its old key \
             was stolen. Use the newest copy, or enrol it anew (`tributary certs token --again`)"
        ),
        Stranger::Leaving(client) => format!(
            "client {client} is not in the newest roster as {identity}, or has other keys there; it may connect again when that roster is in force"
        ),
        Stranger::Unkept => format!(
            "{identity} proves a newer key, and the coordinator cannot write that down; its operator must look at its log and the disk"
        ),
    }
}

//! A web service: one POST of the message as JSON. No redirect is followed, and of the answer only the status counts.

use std::sync::Arc;
use std::time::Duration;

use tributary_certs::provider::provider_of_others;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error};

use super::delivery::{Hook, HookFault};
use crate::lines;
use crate::notices::message::Message;
use crate::notices::settings::Webhook;

/// Longest head of an answer, in bytes; its body is not read.
const HEAD_BYTES_MAX: usize = 16 << 10;

pub(super) struct Web {
    webhook: Webhook,
    agent: Agent,
    limit: Duration,
}

impl Web {
    pub(super) fn new(webhook: Webhook, limit: Duration) -> Self {
        let roots: Vec<Certificate<'static>> =
            webhook.trust.iter().map(|root| Certificate::from_der(root.as_ref()).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(provider_of_others())
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(limit))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(HEAD_BYTES_MAX)
            // The address in the settings is the only one that is spoken to.
            .proxy(None)
            .max_idle_connections(0)
            .user_agent("tributary")
            .build();
        Self { webhook, agent: config.new_agent(), limit }
    }
}

impl Hook for Web {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn target(&self) -> String {
        self.webhook.host.clone()
    }

    fn deliver(&mut self, message: &Message) -> Result<(), HookFault> {
        let mut request = self.agent.post(self.webhook.url.reveal()).content_type("application/json");
        if let Some(token) = &self.webhook.token {
            request = request.header("authorization", format!("Bearer {}", token.reveal()));
        }
        let answer = request.send(lines::json(message)).map_err(|found| fault(found, self.limit))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(HookFault::Status(status.as_u16())) }
    }
}

/// The address may be a secret, and some of the library's faults tell it.
fn fault(fault: Error, limit: Duration) -> HookFault {
    match fault {
        Error::Timeout(_) => HookFault::TooSlow(limit),
        Error::Io(fault) => HookFault::Network(fault),
        Error::HostNotFound => HookFault::Web("its name has no address".into()),
        Error::ConnectionFailed => HookFault::Web("no connection came about".into()),
        Error::Rustls(fault) => HookFault::Web(format!("TLS: {fault}")),
        Error::Tls(fault) => HookFault::Web(format!("TLS: {fault}")),
        Error::LargeResponseHeader(..) => HookFault::Web("the head of its answer is too long".into()),
        _ => HookFault::Web("what it answered is no answer that can be read".into()),
    }
}

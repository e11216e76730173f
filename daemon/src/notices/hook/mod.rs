//! The ways in which a message leaves. Each is bounded in time and in what it reads, and says of a failure only what no secret is in.

mod command;
mod delivery;
mod smtp;
mod syslog;
mod webhook;

use std::time::Duration;

pub use self::delivery::HookFault;
pub(super) use self::delivery::{Hook, TIME_LIMIT};
use super::settings::NoticesSettings;

/// The ways that the settings name, each with this limit of time for one message.
pub(super) fn hooks(settings: &NoticesSettings, limit: Duration) -> Vec<Box<dyn Hook>> {
    let mut hooks: Vec<Box<dyn Hook>> = Vec::new();
    if let Some(program) = &settings.command {
        hooks.push(Box::new(command::Command { program: program.clone(), language: settings.language, limit }));
    }
    if let Some(smtp) = &settings.smtp {
        hooks.push(Box::new(smtp::Mail { smtp: smtp.clone(), language: settings.language, limit }));
    }
    if let Some(webhook) = &settings.webhook {
        hooks.push(Box::new(webhook::Web::new(webhook.clone(), limit)));
    }
    if let Some(address) = &settings.syslog {
        hooks.push(Box::new(syslog::Syslog { address: address.clone(), language: settings.language, limit }));
    }
    hooks
}

#[cfg(test)]
mod tests;

//! A program of the operator's: the message as JSON on its standard input, and the most important of it in variables. It inherits nothing else.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::delivery::{Hook, HookFault, within};
use crate::lines;
use crate::notices::message::Message;
use tributary_texts::Language;

/// How long the system is given to end a program.
const ENDING_TIME: Duration = Duration::from_secs(2);

pub(super) struct Command {
    pub(super) program: PathBuf,
    pub(super) language: Language,
    pub(super) limit: Duration,
}

impl Hook for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn target(&self) -> String {
        self.program.display().to_string()
    }

    fn deliver(&mut self, message: &Message) -> Result<(), HookFault> {
        within(self.limit + ENDING_TIME, async {
            let mut command = tokio::process::Command::new(&self.program);
            command.env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
            command.env("TRIBUTARY_NOTICE_KIND", message.kind());
            command.env("TRIBUTARY_NOTICE_SEVERITY", lines::json(&message.severity()).trim_matches('"'));
            command.env("TRIBUTARY_NOTICE_SUBJECT", message.headline(self.language));
            command.env("TRIBUTARY_NOTICE_BODY", message.body(self.language));
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().map_err(HookFault::Program)?;
            let input = child.stdin.take();
            let done = async {
                if let Some(mut input) = input {
                    // A program may do without what it is told.
                    let _ = input.write_all(format!("{}\n", lines::json(message)).as_bytes()).await;
                }
                child.wait().await
            };
            let Ok(ended) = tokio::time::timeout(self.limit, done).await else {
                // One that takes too long is ended.
                let _ = child.kill().await;
                return Err(HookFault::TooSlow(self.limit));
            };
            let status = ended.map_err(HookFault::Program)?;
            if status.success() { Ok(()) } else { Err(HookFault::Ended(status)) }
        })
    }
}

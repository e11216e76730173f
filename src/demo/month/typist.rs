//! Commands as people type them: this executable, run to its end, with a record of every line.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

/// Whoever types.
pub(super) struct Typist {
    executable: PathBuf,
    record: File,
    /// Who typed last.
    last: String,
}

impl Typist {
    /// One who records into a new file.
    ///
    /// # Errors
    /// If the file cannot be written, or the system does not say where this executable lies.
    pub(super) fn new(record: &Path) -> anyhow::Result<Self> {
        let executable = std::env::current_exe().context("the system does not say where this executable lies")?;
        let record =
            File::create(record).with_context(|| format!("{} cannot be written; check the space", record.display()))?;
        Ok(Self { executable, record, last: String::new() })
    }

    /// Types a line, and waits for its end. What it printed.
    ///
    /// # Errors
    /// If the command fails, with its own words.
    pub(super) async fn types(&mut self, who: &str, words: &Words) -> anyhow::Result<String> {
        if self.last != who {
            writeln!(self.record, "\n# {who}")?;
            who.clone_into(&mut self.last);
        }
        writeln!(self.record, "{words}")?;
        let mut command = Command::new(&self.executable);
        // In English, whatever this machine speaks, unless a word of the line says otherwise.
        command.args(words.0.iter().map(|word| &word.typed)).env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("another process could not be started; check this user's limit")?;
        let said = String::from_utf8(output.stderr).unwrap_or_default();
        ensure!(output.status.success(), "this command failed ({}): {words}\n{}", output.status, said.trim());
        String::from_utf8(output.stdout).with_context(|| format!("the output of this command is not text: {words}"))
    }

    /// The same for a command that prints one JSON object.
    ///
    /// # Errors
    /// If the command fails, or prints something else.
    pub(super) async fn asks(&mut self, who: &str, words: &Words) -> anyhow::Result<serde_json::Value> {
        let words = words.clone().word("--json");
        let out = self.types(who, &words).await?;
        serde_json::from_str(&out).with_context(|| format!("this command printed no JSON object: {words}"))
    }
}

/// A command line after the executable's name.
#[derive(Clone)]
pub(super) struct Words(Vec<Word>);

/// A word of a line, and what the record and errors show in its place.
#[derive(Clone)]
struct Word {
    typed: OsString,
    shown: Option<String>,
}

impl From<&OsStr> for Word {
    fn from(typed: &OsStr) -> Self {
        Self { typed: typed.to_owned(), shown: None }
    }
}

impl Words {
    /// It begins with these words, which are separated by blanks.
    pub(super) fn new(words: &str) -> Self {
        Self(words.split_whitespace().map(|word| OsStr::new(word).into()).collect())
    }

    /// One word more.
    pub(super) fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.push(word.as_ref().into());
        self
    }

    /// An option with its value.
    pub(super) fn with(self, option: &str, value: impl AsRef<OsStr>) -> Self {
        self.word(option).word(value)
    }

    /// The same with another word in the place of the value wherever the line is shown.
    pub(super) fn with_shown(self, option: &str, value: impl AsRef<OsStr>, shown: &str) -> Self {
        let mut words = self.word(option);
        words.0.push(Word { typed: value.as_ref().to_owned(), shown: Some(shown.to_owned()) });
        words
    }
}

impl std::fmt::Display for Words {
    /// As a shell takes it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "tributary")?;
        for word in &self.0 {
            let word = word.shown.clone().unwrap_or_else(|| Path::new(&word.typed).display().to_string());
            let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,@".contains(character);
            match word.chars().all(plain) && !word.is_empty() {
                true => write!(formatter, " {word}")?,
                false => write!(formatter, " '{}'", word.replace('\'', r"'\''"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_that_a_shell_takes() {
        let words = Words::new("model  promote").word("9f86").with("--reason", "it's better").with("--out", "/a/b.c");
        assert_eq!(words.to_string(), r"tributary model promote 9f86 --reason 'it'\''s better' --out /a/b.c");
    }

    #[test]
    fn a_word_that_is_not_shown_is_typed() {
        let words = Words::new("client customer explain").with_shown("--id", "6222020000001", "CUSTOMER");
        let words = words.with("--reply", "/a/reply.html");
        assert_eq!(words.to_string(), "tributary client customer explain --id CUSTOMER --reply /a/reply.html");
        assert_eq!(words.0[4].typed, "6222020000001");
    }
}

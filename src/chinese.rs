//! The help of `tributary client` in Chinese.

use std::ffi::OsString;

use clap::Command;
use tributary_texts::Language;
use tributary_texts::help::{HEADINGS, chinese};

/// The one command whose people read Chinese.
const CLIENT: &str = "client";

/// The command line with a client's help in the language that these words or the locale ask for.
pub(crate) fn in_language(command: Command, words: impl IntoIterator<Item = OsString>) -> Command {
    match asked(words).unwrap_or_else(Language::of_environment) {
        Language::English => command,
        Language::Chinese => translated(command),
    }
}

/// What `--lang` says, wherever it stands.
fn asked(words: impl IntoIterator<Item = OsString>) -> Option<Language> {
    let mut words = words.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut language = None;
    while let Some(word) = words.next() {
        let value = if word == "--lang" { words.next() } else { word.strip_prefix("--lang=").map(str::to_owned) };
        language = value.and_then(|value| Language::parse(&value)).or(language);
    }
    language
}

fn translated(mut command: Command) -> Command {
    // Help, version and their own command come into being here.
    command.build();
    command.mut_subcommand(CLIENT, said)
}

/// A command and those below it. What the table lacks stays as it is.
fn said(command: Command) -> Command {
    let [usage, commands, arguments, options] = HEADINGS;
    let about = command.get_about().and_then(|about| chinese(&about.to_string()));
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let mut command = command
        .subcommand_help_heading(commands)
        .help_template(format!("{{about-with-newline}}\n{usage}{{usage}}\n\n{{all-args}}"))
        .mut_args(|argument| {
            let heading = if argument.is_positional() { arguments } else { options };
            match argument.get_help().and_then(|help| chinese(&help.to_string())) {
                Some(help) => argument.help(help).help_heading(heading),
                None => argument.help_heading(heading),
            }
        });
    if let Some(about) = about {
        command = command.about(about);
    }
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, said))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;
    use tributary_texts::help::sentences;

    use super::*;
    use crate::command::CommandLine;

    fn client(mut command: Command) -> Command {
        command.build();
        command.get_subcommands().find(|below| below.get_name() == CLIENT).expect("the client").clone()
    }

    /// Whatever the help of a command and of those below it says.
    fn spoken(command: &Command, all: &mut BTreeSet<String>) {
        all.extend(command.get_about().map(ToString::to_string));
        all.extend(command.get_arguments().filter_map(|argument| argument.get_help()).map(ToString::to_string));
        assert!(command.get_long_about().is_none(), "{}", command.get_name());
        assert!(command.get_arguments().all(|argument| argument.get_long_help().is_none()), "{}", command.get_name());
        command.get_subcommands().for_each(|below| spoken(below, all));
    }

    #[test]
    fn the_table_has_every_sentence_of_the_help_and_no_other() {
        let mut all = BTreeSet::new();
        spoken(&client(CommandLine::command()), &mut all);
        let known: BTreeSet<String> = sentences().map(str::to_owned).collect();
        let (lacking, left): (Vec<_>, Vec<_>) = (all.difference(&known).collect(), known.difference(&all).collect());
        assert!(lacking.is_empty() && left.is_empty(), "lacking {lacking:#?}; left over {left:#?}");
    }

    #[test]
    fn the_language_is_asked_for_anywhere_on_the_line_and_the_command_line_stays_as_it_is() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(asked(words("tributary client --lang zh run --help")), Some(Language::Chinese));
        assert_eq!(asked(words("tributary client run --lang=en --help")), Some(Language::English));
        assert_eq!(asked(words("tributary client run --lang fr")), None);
        let all = translated(CommandLine::command());
        let help = |line: &str| all.clone().try_get_matches_from(words(line)).map(drop).unwrap_err().to_string();
        let run = help("tributary client run --help");
        for text in ["参加所有已授权的运行", "用法：", "选项:", "配置文件", "--config <FILE>", "显示帮助"]
        {
            assert!(run.contains(text), "{text}: {run}");
        }
        assert!(!run.contains("Usage") && !run.contains("Options"), "{run}");
        assert!(help("tributary client --help").contains("命令:"));
        assert!(help("tributary client authorise grant --help").contains("一次运行的 epsilon 上限"));
        assert!(help("tributary plan --help").contains("Usage"), "others stay in English");
        all.try_get_matches_from(words("tributary client --lang zh run --config client.toml")).expect("as before");
    }
}

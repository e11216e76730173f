//! A branch's commands in Chinese and in English: `--lang` decides, else the locale, and programs read the same in both.

use std::fs;
use std::process::Command;

use crate::support::{EXECUTABLE, Finished, finished};

/// Types a command under a locale.
fn typed(locale: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new(EXECUTABLE);
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", locale);
    finished(&command.args(arguments).output().unwrap())
}

#[test]
fn a_branch_reads_its_own_language() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let faulty = path("faulty.toml");
    fs::write(&faulty, "[client]\ncolour = 1\n").unwrap();
    let check = ["dataset", "check", "--config", &faulty];
    let preflight = ["preflight", "--config", &faulty];
    let run = ["run", "--config", &faulty];
    for command in [&check[..], &preflight[..], &run[..]] {
        let asked = |locale: &str, lang: &[&str]| typed(locale, &[&["client"], lang, command].concat());
        for (locale, lang) in [("zh_CN.UTF-8", &[][..]), ("C", &["--lang", "zh"][..])] {
            let told = asked(locale, lang);
            assert_eq!(told.code, Some(2), "{}", told.err);
            assert!(told.err.contains("处错误") && told.err.contains("client.colour：现为"), "{}", told.err);
        }
        for (locale, lang) in [("en_GB.UTF-8", &[][..]), ("zh_CN.UTF-8", &["--lang", "en"][..])] {
            let told = asked(locale, lang);
            assert_eq!(told.code, Some(2), "{}", told.err);
            assert!(told.err.contains("client.colour: found a key that means nothing here"), "{}", told.err);
        }
    }
    let written = typed("zh_CN.UTF-8", &["client", "init", &path("new")]);
    assert!(written.out.starts_with("已写入 ") && written.code == Some(0), "{} {}", written.out, written.err);
    let refused = typed("C", &["client", "init", &path("other"), "--coordinator", "nowhere", "--lang", "zh"]);
    assert!(refused.err.contains("不是 HOST:PORT 的形式"), "{}", refused.err);
    // No other language is known, and the other roles speak English.
    assert_eq!(typed("C", &["client", "--lang", "fr", "run", "--config", &faulty]).code, Some(64));
    let coordinator = typed("zh_CN.UTF-8", &["coordinator", "serve", "--config", &faulty]);
    assert!(coordinator.err.contains("found nothing") && coordinator.code == Some(2), "{}", coordinator.err);
}

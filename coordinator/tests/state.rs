//! The coordinator's state is its user's alone, and what a crash tore off is told.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../tests/log.rs"]
mod log;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use log::logged;
use support::{Federation, now};
use tributary_certs::enrolment::names;
use tributary_coordinator::cli::serve_reporting;
use tributary_coordinator::{Ends, Opened};

/// Starts the coordinator and stops it at once; how it ended and what the log was told.
fn serve(config: &Path) -> (Result<(), String>, String) {
    let (end, log) = logged(|| serve_reporting(config, Ends::Never, &mut |_| {}, std::future::ready(())));
    (end.map_err(|fault| fault.to_string()), log)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn state_that_others_may_use_is_refused_and_nothing_changes() {
    let federation = Federation::new(2);
    let config = federation.settings(|text| text);
    let (state, heads) = (federation.path("state"), federation.path("heads"));
    let numbers = federation.coordinator().join("list-numbers");
    let _ = fs::remove_file(&numbers);
    // One that an operator made, before the daemon's first start.
    fs::remove_dir_all(&state).unwrap();
    fs::create_dir(&state).unwrap();
    set(&state, 0o755);
    let refused = serve(&config).0.unwrap_err();
    assert!(refused.contains(&format!("chmod 700 {}", state.display())), "{refused}");
    assert!(fs::read_dir(&state).unwrap().next().is_none() && !heads.exists() && !numbers.exists(), "nothing is made");
    fs::remove_dir(&state).unwrap();
    federation.settings(|text| text);
    serve(&config).0.unwrap();
    let (ledger, kept) = (state.join("audit.log"), heads.join("budgets.ledger"));
    let inside = ["models", "sessions", "plans", "rounds", "sums"].map(|name| state.join(name));
    for folder in [&state, &heads].into_iter().chain(&inside) {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in [&ledger, &kept] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let before = fs::read(&ledger).unwrap();
    for (path, loose, right) in
        [(&state, 0o750, 0o700), (&heads, 0o701, 0o700), (&ledger, 0o644, 0o600), (&kept, 0o660, 0o600)]
    {
        set(path, loose);
        let refused = serve(&config).0.unwrap_err();
        assert!(refused.contains(&format!("chmod {right:o} {}", path.display())), "{refused}");
        assert_eq!((mode(path), fs::read(&ledger).unwrap()), (loose, before.clone()));
        set(path, right);
    }
    // A folder may be a link to a private one, a ledger may not.
    fs::rename(&state, federation.path("disk")).unwrap();
    symlink(federation.path("disk"), &state).unwrap();
    serve(&config).0.unwrap();
    fs::rename(&ledger, federation.path("elsewhere")).unwrap();
    symlink(federation.path("elsewhere"), &ledger).unwrap();
    let refused = serve(&config).0.unwrap_err();
    assert!(refused.contains("is a link, and not a file"), "{refused}");
}

#[test]
fn lists_that_are_damaged_between_the_check_and_the_start_are_refused() {
    let federation = Federation::new(2);
    let opened = Opened::open(&federation.settings(|text| text), now()).unwrap();
    fs::write(federation.coordinator().join(names::REVOCATIONS), "half a file").unwrap();
    let ended = tributary_coordinator::run(opened, Ends::Never, &mut |_| {}, std::future::ready(()));
    let refused = ended.unwrap_err().to_string();
    assert!(refused.contains("identity.revocations"), "{refused}");
    assert!(!federation.path("state/audit.log").exists(), "nothing is made");
}

#[test]
fn a_torn_tail_is_told_when_it_is_cut() {
    let federation = Federation::new(2);
    let config = federation.settings(|text| text);
    serve(&config).0.unwrap();
    for (file, bytes) in [("state/audit.log", 5), ("heads/budgets.ledger", 3)] {
        let file = federation.path(file);
        let whole = fs::read(&file).unwrap();
        fs::write(&file, [whole.clone(), vec![9; bytes]].concat()).unwrap();
        let (end, log) = serve(&config);
        end.unwrap();
        let told = format!("{}: the last {bytes} bytes were an incomplete entry", file.display());
        assert!(log.lines().any(|line| line.starts_with("WARN") && line.contains(&told)), "{log}");
        assert!(fs::read(&file).unwrap().starts_with(&whole));
        let (end, log) = serve(&config);
        end.unwrap();
        assert!(!log.contains("incomplete entry"), "once: {log}");
    }
}

/// What an activated plan needs at each later start lies in the state, and not where it was carried from.
#[test]
fn an_activated_plan_lies_in_the_state_with_its_schema() {
    let federation = Federation::new(2);
    federation.settings(|text| text);
    let carried = federation.plan();
    let files = |folder: &Path| -> Vec<std::path::PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let folders = files(&federation.path("state/plans"));
    let [folder] = folders.as_slice() else { panic!("one plan: {folders:?}") };
    let mut kept: Vec<Vec<u8>> = files(folder).iter().map(|path| fs::read(path).unwrap()).collect();
    let mut expected = [&carried.file, &carried.schema].map(|path| fs::read(path).unwrap()).to_vec();
    kept.sort_unstable();
    expected.sort_unstable();
    assert!(kept == expected, "the plan and its schema: {:?}", files(folder));
}

//! Tokens that SoftHSM plays, in a folder of a test's own. Every crate's tests take this one file.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use tributary_storage::files::{Existing, write_private};

/// In the environment, has tests fail where there is no SoftHSM.
pub(crate) const SWITCH: &str = "TRIBUTARY_TEST_TOKEN";
/// What is missing then.
pub(crate) const MISSING: &str = "SoftHSM (softhsm2) is not installed";
/// Digits that nothing else prints.
pub(crate) const PIN: &str = "8675309";

const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM's library, where it is installed.
pub(crate) fn module() -> Option<&'static Path> {
    MODULES.into_iter().map(Path::new).find(|module| module.exists())
}

/// Makes a place for tokens in a folder, `tokens`, and the file `pin`.
pub(crate) fn begin(folder: &Path) {
    let tokens = folder.join("tokens");
    fs::create_dir(&tokens).expect("a folder of the test's own");
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    fs::write(folder.join("softhsm2.conf"), text).expect("a folder of the test's own");
    write_private(&folder.join("pin"), format!("{PIN}\n").as_bytes(), Existing::Keep).expect("a folder of its own");
}

/// A process whose tokens are in a folder: SoftHSM takes their place from the environment.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("SOFTHSM2_CONF", folder.join("softhsm2.conf"));
    command
}

/// Makes a token of this label, with [`PIN`].
pub(crate) fn make_token(folder: &Path, label: &str) {
    let mut command = command("softhsm2-util", folder);
    command.args(["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN]);
    let output = command.output().expect("softhsm2-util comes with its library");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

//! The file that names the token of a person's key, in the place of the key. It says which library is loaded into the process that signs, so that it
//! is private as a key is. The PIN is in another file.
//!
//! ```text
//! tributary person token 1
//! id 3f0a..                               what joins the halves of this folder's key in the token (CKA_ID)
//! module /usr/lib/softhsm/libsofthsm2.so
//! token anna
//! key plan owner
//! pin-file /home/anna/pin
//! ```

use std::path::{Path, PathBuf, absolute};

use super::PeopleError;
use crate::lines::{body, hex, unhex};
use crate::token::{TokenError, TokenLimits, TokenSettings, is_label};
use tributary_storage::files::{self, Existing, FileError};

const TITLE: &str = "tributary person token 1";
const WHAT: &str = "place of a person's key, as `tributary certs person request` writes it";

/// Bytes of an id.
pub(super) const ID_BYTES: usize = 16;

/// Where a person's key in a token is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What joins the key's halves.
    pub(super) id: [u8; ID_BYTES],
    /// The token.
    pub(super) settings: TokenSettings,
}

/// The settings with paths that lead to the same files from every folder, and with the limits of a person.
pub(super) fn settled(settings: &TokenSettings) -> Result<TokenSettings, PeopleError> {
    let whole = |path: &Path| {
        let whole = absolute(path).map_err(FileError::system("finding", path))?;
        let plain = whole.to_str().is_some_and(|text| !text.chars().any(char::is_control));
        if plain { Ok(whole) } else { Err(PeopleError::from(TokenError::Path { path: path.to_owned() })) }
    };
    let TokenSettings { module, token, key, pin_file, .. } = settings;
    Ok(TokenSettings {
        module: whole(module)?,
        token: token.clone(),
        key: key.clone(),
        pin_file: whole(pin_file)?,
        limits: TokenLimits::PERSON,
    })
}

impl Place {
    fn print(&self) -> String {
        let Self { id, settings: TokenSettings { module, token, key, pin_file, .. } } = self;
        let (module, pin_file, id) = (module.display(), pin_file.display(), hex(id));
        format!("{TITLE}\nid {id}\nmodule {module}\ntoken {token}\nkey {key}\npin-file {pin_file}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = body(text, TITLE)?;
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let id = unhex(value("id")?)?.try_into().ok()?;
        let path = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        let label = |text: &str| is_label(text).then(|| text.to_owned());
        let settings = TokenSettings {
            module: path(value("module")?)?,
            token: label(value("token")?)?,
            key: label(value("key")?)?,
            pin_file: path(value("pin-file")?)?,
            limits: TokenLimits::PERSON,
        };
        lines.next().is_none().then_some(Self { id, settings })
    }

    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = files::read_private(path)?;
        let invalid = || FileError::content(path, WHAT);
        let text = core::str::from_utf8(&bytes).map_err(|_| invalid())?;
        files::judge_title(path, text, TITLE)?;
        Self::parse(text).ok_or_else(invalid)
    }

    /// Writes the file; never replaces one.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_private(path, self.print().as_bytes(), Existing::Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::PERSON_TOKEN;

    fn place() -> Place {
        let settings = TokenSettings {
            module: "/usr/lib/softhsm/libsofthsm2.so".into(),
            token: "anna 1".into(),
            key: "plan owner, \u{4e2d}".into(),
            pin_file: "/home/anna/a pin".into(),
            limits: TokenLimits::PERSON,
        };
        Place { id: [0x3f; ID_BYTES], settings }
    }

    #[test]
    fn a_place_has_one_text_and_every_other_one_is_refused() {
        let text = place().print();
        assert_eq!(Place::parse(&text), Some(place()));
        let bad = [
            text.trim_end().to_owned(),
            format!("{text}pin 1234\n"),
            text.replace('\n', "\r\n"),
            text.replace("id 3f", "id 3F"),
            text.replace("id 3f", "id "),
            text.replace("module /", "module "),
            text.replace("pin-file /", "pin-file ../"),
            text.replace("token anna 1", "token "),
            text.replace("key plan", "key pl\u{7}an"),
            text.replace("key plan", &format!("key {}", "x".repeat(64))),
            text.replace("token anna 1\nkey plan owner", "key plan owner\ntoken anna 1"),
            text.replace("token anna 1\n", ""),
        ];
        for bad in &bad {
            assert_ne!(*bad, text);
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn whoever_else_could_change_the_place_or_wrote_another_version_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PERSON_TOKEN);
        place().write(&path).unwrap();
        assert_eq!(Place::read(&path).unwrap(), place());
        assert!(matches!(place().write(&path), Err(FileError::Exists { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).unwrap();
        assert!(matches!(Place::read(&path), Err(FileError::NotPrivate { .. })));
        for (version, found) in [("token 2", 2), ("token 0", 0)] {
            let text = place().print().replace("token 1\n", &format!("{version}\n"));
            files::write_private(&path, text.as_bytes(), Existing::Replace).unwrap();
            assert!(matches!(Place::read(&path), Err(FileError::Version { found: of, .. }) if of == found));
        }
        files::write_private(&path, b"\xff", Existing::Replace).unwrap();
        assert!(matches!(Place::read(&path), Err(FileError::Content { .. })));
    }

    #[test]
    fn paths_are_written_whole_or_not_at_all() {
        let here = TokenSettings { pin_file: "a/pin".into(), limits: TokenLimits::default(), ..place().settings };
        let settled_here = settled(&here).unwrap();
        assert!(settled_here.pin_file.is_absolute() && settled_here.pin_file.ends_with("a/pin"));
        assert_eq!(settled_here.limits, TokenLimits::PERSON);
        let two_lines = TokenSettings { module: "/a\nb".into(), ..here };
        assert!(matches!(settled(&two_lines), Err(PeopleError::Token(TokenError::Path { .. }))));
    }

    #[test]
    fn what_is_settled_names_the_same_token_and_key() {
        let settings = place().settings;
        let given = TokenSettings { limits: TokenLimits::default(), ..settings.clone() };
        assert_eq!(settled(&given).unwrap(), settings);
    }
}

//! Modes, owners, links and crashes.

use super::draft::{no_modes, place_new};
use super::*;
use crate::faults::with_mode;
use crate::needed;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_private_file_is_private_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_private(&path, b"secret", Existing::Keep).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(read_private(&path).unwrap().as_slice(), b"secret");
    assert_eq!(names(folder.path()), ["key"]);
}

/// A stick of FAT knows no links: the system refuses with what means "not permitted".
#[test]
fn a_medium_without_links_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (draft, path) = (folder.path().join("draft"), folder.path().join("key"));
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::Unsupported] {
        let link = |_: &Path, _: &Path| Err(io::Error::from(kind));
        fs::write(&draft, b"secret").unwrap();
        place_new(&draft, &path, link).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), names(folder.path()).len()), (&b"secret"[..], 1));
        fs::write(&draft, b"another").unwrap();
        assert!(matches!(place_new(&draft, &path, link), Err(FileError::Exists { .. })), "{kind:?}");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        fs::remove_file(&path).unwrap();
    }
    // What it had made of its own goes, where it cannot be replaced.
    let gone = folder.path().join("no draft");
    let unlinked = |_: &Path, _: &Path| Err(io::Error::from(io::ErrorKind::Unsupported));
    assert!(place_new(&gone, &path, unlinked).is_err() && !path.exists());
    let full = |_: &Path, _: &Path| Err(io::Error::from(io::ErrorKind::StorageFull));
    assert!(matches!(place_new(&draft, &path, full), Err(FileError::System { .. })));
}

/// What a stick of FAT shows for every file, whatever mode it was made with.
#[test]
fn a_medium_without_modes_is_told_from_one_with_them() {
    let folder = Path::new("usb");
    assert!(no_modes(folder, (0o600, 1000), 1000).is_none() && no_modes(folder, (0o700, 1000), 1000).is_none());
    for (mode, owner) in [(0o755, 1000), (0o644, 1000), (0o777, 1000), (0o600, 0)] {
        let told = no_modes(folder, (mode, owner), 1000).unwrap().to_string();
        assert!(told.contains("FAT") && told.contains("umask=077") && told.contains("uid=1000"), "{told}");
    }
    let real = tempfile::tempdir().unwrap();
    keeps_secrets(real.path()).unwrap();
    assert_eq!(names(real.path()), [""; 0]);
    fs::set_permissions(real.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(keeps_secrets(real.path()), Err(FileError::OpenFolder { .. })));
}

#[test]
fn what_is_believed_is_a_file_that_nobody_else_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("roster-last"), folder.path().join("link"));
    write_public(&path, b"text", Existing::Keep).unwrap();
    assert_eq!(read_own(&path, "text").unwrap(), "text");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(read_own(&link, "text"), Err(FileError::NotOwn { .. })));
    assert!(matches!(read_own(folder.path(), "text"), Err(FileError::NotOwn { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(read_own(&path, "text"), Err(FileError::NotOwn { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(read_own(&path, "text"), Err(FileError::OpenFolder { .. })));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_private(&path, b"canary", Existing::Keep).unwrap();
    for open in [0o640, 0o604, 0o620, 0o610, 0o644, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = read_private(&path).unwrap_err();
        assert!(matches!(error, FileError::NotPrivate { mode, .. } if mode == open), "{open:o}");
        assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("canary"));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read_private(&path).is_ok());
}

/// Another user than this process's.
const STRANGER: u32 = 54_321;

/// Gives a file away, which only the superuser can.
fn give_away(path: &Path) -> bool {
    let may = user() == 0;
    if may {
        std::os::unix::fs::chown(path, Some(STRANGER), None).unwrap();
    } else {
        needed::skip("TRIBUTARY_TEST_ROOT", "a key of another user", "giving a file to another user needs root");
    }
    may
}

#[test]
fn a_key_of_another_user_is_refused_and_both_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_private(&path, b"secret", Existing::Keep).unwrap();
    if !give_away(&path) {
        return;
    }
    let error = read_private(&path).unwrap_err();
    assert!(matches!(error, FileError::OtherOwner { owner: STRANGER, user: 0, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("user 54321,") && text.contains("root (user 0)") && text.contains("chown"), "{text}");
    // An open mode is said first: the key may have been copied.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(read_private(&path), Err(FileError::NotPrivate { .. })));
}

#[test]
fn a_folder_that_others_may_change_keeps_no_secrets() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("key");
    write_private(&path, b"secret", Existing::Keep).unwrap();
    let open = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    for bits in [0o770, 0o702, 0o775, 0o777, 0o730] {
        open(bits);
        let error = read_private(&path).unwrap_err();
        assert!(matches!(error, FileError::OpenFolder { mode, .. } if mode == bits), "{error}");
        assert!(error.to_string().contains("chmod go-w") && error.to_string().contains(&format!("{bits:04o}")));
        let error = write_private(&folder.join("new"), b"secret", Existing::Keep).unwrap_err();
        assert!(matches!(error, FileError::OpenFolder { .. }), "{error}");
        let error = write_stored(&folder.join("store"), &FORMAT, b"secret", Existing::Replace).unwrap_err();
        assert!(matches!(error, FileError::OpenFolder { .. }), "{error}");
        assert!(matches!(begin_private(&folder.join("begun")), Err(FileError::OpenFolder { .. })));
        assert!(write_public(&folder.join("list"), b"public", Existing::Replace).is_ok());
    }
    for bits in [0o700, 0o755, 0o1777] {
        open(bits);
        assert!(read_private(&path).is_ok(), "{bits:o}");
    }
    assert_eq!(names(&folder).len(), 2);
    if give_away(&folder) {
        open(0o700);
        let error = read_private(&path).unwrap_err();
        assert!(matches!(error, FileError::OpenFolder { owner: STRANGER, .. }), "{error}");
    }
}

#[test]
fn a_key_is_never_replaced_and_a_list_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_public(&path, b"one", Existing::Keep).unwrap();
    assert_eq!(mode(&path), 0o644);
    assert!(matches!(write_public(&path, b"two", Existing::Keep), Err(FileError::Exists { .. })));
    assert_eq!(read_public(&path).unwrap(), b"one");
    write_public(&path, b"three", Existing::Replace).unwrap();
    assert_eq!(read_public(&path).unwrap(), b"three");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn missing_and_oversized_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = read_public(&missing).unwrap_err();
    assert!(error.to_string().contains("missing") && error.to_string().contains("Check that the folder exists"));
    let full = FileError::system("writing", &missing)(io::ErrorKind::StorageFull.into()).to_string();
    assert!(full.contains("Make room on its disk"), "{full}");
    assert!(matches!(write_public(&missing.join("x"), b"", Existing::Keep), Err(FileError::System { .. })));
    let long = folder.path().join("long");
    fs::File::create(&long).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
    assert!(matches!(read_public(&long), Err(FileError::TooLong { .. })));
}

/// Whatever may be written can be read back, by every way in.
#[test]
fn the_longest_file_is_written_and_read_and_a_longer_one_is_neither() {
    type Read = fn(&Path) -> Result<usize, FileError>;
    let reads: [Read; 6] = [
        |path| read_public(path).map(|bytes| bytes.len()),
        |path| read_text(path, "text").map(|text| text.len()),
        |path| read_titled(path, "a list 1", "list").map(|text| text.len()),
        |path| read_private(path).map(|bytes| bytes.len()),
        |path| read_own(path, "text").map(|text| text.len()),
        |path| read_itself(path).map(|bytes| bytes.len()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let (path, long) = (folder.path().join("file"), folder.path().join("long"));
    let most = usize::try_from(FILE_BYTES_MAX).unwrap();
    let mut bytes = vec![b'x'; most];
    write_public(&path, &bytes, Existing::Keep).unwrap();
    write_private(&path, &bytes, Existing::Replace).unwrap();
    for read in reads {
        assert_eq!(read(&path).unwrap(), most);
    }
    bytes.push(b'x');
    for refused in [write_public(&long, &bytes, Existing::Keep), write_private(&long, &bytes, Existing::Keep)] {
        assert!(matches!(refused, Err(FileError::TooLong { most: FILE_BYTES_MAX, .. })));
    }
    assert_eq!(names(folder.path()), ["file"]);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"x").unwrap();
    for read in reads {
        assert!(matches!(read(&path), Err(FileError::TooLong { most: FILE_BYTES_MAX, .. })));
    }
}

/// A vector that grows leaves a copy of the secret behind. One byte more than the file shows that it is at its end.
#[test]
fn a_secret_is_read_into_one_place_of_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for length in [0, 1, 32, 1000] {
        write_private(&path, &vec![7; length], Existing::Replace).unwrap();
        let read = read_private(&path).unwrap();
        assert_eq!((read.len(), read.capacity()), (length, length + 1));
    }
}

/// Each way that writes a secret looks at the file before the secret is in it, and leaves nothing there.
#[test]
fn no_secret_is_written_to_a_medium_without_modes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    type Write = fn(&Path) -> Result<(), FileError>;
    let writes: [Write; 3] = [
        |path| write_private(path, b"secret", Existing::Keep),
        |path| write_stored(path, &FORMAT, b"secret", Existing::Keep),
        |path| keeps_secrets(folder_of(path)),
    ];
    for write in writes {
        for mode in [0o755, 0o640, 0o604] {
            let told = with_mode(mode, || write(&path)).unwrap_err();
            assert!(matches!(told, FileError::NoModes { mode: found, .. } if found == mode), "{told}");
            assert_eq!(names(folder.path()), [""; 0]);
        }
    }
    with_mode(0o755, || write_public(&path, b"public", Existing::Keep)).unwrap();
}

#[test]
fn a_new_folder_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    create_private_folder(&path).unwrap();
    create_private_folder(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
}

/// A pipe without a writer would keep its reader waiting for ever: it is refused by every way in, as are folders.
#[test]
fn what_is_no_ordinary_file_is_never_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("lock");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    let refused = |found: Result<(), FileError>| {
        let told = found.unwrap_err().to_string();
        assert!(told.contains("no ordinary file"), "{told}");
    };
    for path in [&pipe, folder.path()] {
        refused(read_public(path).map(drop));
        refused(read_text(path, "text").map(drop));
        refused(read_private(path).map(drop));
        refused(open_file(path).map(drop));
        refused(open_itself(path).map(drop));
        refused(read_stored(path, &FORMAT).map(drop));
    }
    refused(crate::lock::FolderLock::take(folder.path()).map(drop));
    let journal = crate::journal::Journal::<u32>::open(&pipe, tributary_protocol::log::LedgerId::BUDGET);
    assert!(journal.err().unwrap().to_string().contains("no ordinary file"));
    let read = crate::journal::read_whole::<u32>(&pipe, tributary_protocol::log::LedgerId::BUDGET);
    assert!(read.err().unwrap().to_string().contains("no ordinary file"));
}

/// A link leads to another file tomorrow.
#[test]
fn whoever_asks_for_the_file_itself_is_given_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let [file, link, broken] = ["file", "link", "broken"].map(|name| folder.path().join(name));
    fs::write(&file, b"own").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::os::unix::fs::symlink(folder.path().join("none"), &broken).unwrap();
    assert_eq!(read_itself(&file).unwrap(), b"own");
    assert_eq!(read_public(&link).unwrap(), b"own");
    for link in [&link, &broken] {
        for told in [read_itself(link).unwrap_err(), read_stored(link, &FORMAT).unwrap_err()] {
            let words = told.to_string();
            assert!(words.contains("is a link") && words.contains(&shown(link).to_string()), "{words}");
            assert!(!told.is_absent(), "a link to nothing is something");
        }
    }
    assert!(read_itself(&folder.path().join("none")).unwrap_err().is_absent());
    assert_eq!(read_itself_at_most(&file, 3).unwrap(), b"own");
    assert!(matches!(read_itself_at_most(&file, 2), Err(FileError::TooLong { most: 2, .. })));
    assert_eq!(read_itself_at_most(&file, u64::MAX).unwrap(), b"own");
}

/// What is only begun has nothing in it, leaves nothing when it is given up, and needs its folder.
#[test]
fn a_private_file_is_begun_before_anything_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    assert!(begin_private(&folder.path().join("none/model.onnx")).is_err_and(|fault| fault.is_absent()));
    let (given_up, mut draft) = (begin_private(&path).unwrap(), begin_private(&path).unwrap());
    assert_eq!(given_up.reopen().unwrap().metadata().unwrap().len(), 0);
    drop(given_up);
    draft.write_all(b"whole").unwrap();
    draft.place(&path, Existing::Keep).unwrap();
    assert_eq!((read_private(&path).unwrap().as_slice(), names(folder.path()).len()), (&b"whole"[..], 1));
}

/// Between two looks a file may become a pipe or a link: neither keeps a reader waiting, and no link is followed.
#[test]
fn what_is_exchanged_between_two_looks_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let [file, link, pipe] = ["file", "link", "pipe"].map(|name| folder.path().join(name));
    fs::write(&file, b"own").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (options, follows) in [(without_waiting(), true), (without_following(), false)] {
        let mut bytes = Vec::new();
        options.open(&file).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"own");
        assert_eq!(options.open(&pipe).unwrap().read(&mut bytes).unwrap(), 0, "nobody writes");
        assert_eq!(
            options.open(&link).err().and_then(|fault| fault.raw_os_error()),
            (!follows).then_some(nix::libc::ELOOP)
        );
    }
}

const FORMAT: Versioned = Versioned {
    what: "a test",
    magic: *b"TRIBTEST",
    version: 2,
    since: tributary_protocol::versioned::Release { major: 0, minor: 2 },
    older: "Make it anew",
};

#[test]
fn a_stored_file_begins_with_its_header_and_another_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stored");
    write_stored(&path, &FORMAT, b"bytes", Existing::Keep).unwrap();
    assert_eq!(fs::read(&path).unwrap(), [&FORMAT.header()[..], b"bytes"].concat());
    assert_eq!(read_stored(&path, &FORMAT).unwrap(), b"bytes");
    for (bytes, part) in [
        (&b"bytes"[..], "an earlier release wrote it"),
        (b"TRIBTEST\x01\0\0\0", "of version 1, which an older release wrote"),
        (b"TRIBTEST\x03\0\0\0\x01\0\x07\0", "use release 1.7 or later"),
    ] {
        fs::write(&path, bytes).unwrap();
        let told = read_stored(&path, &FORMAT).unwrap_err().to_string();
        assert!(told.contains(part) && told.contains("Nothing was changed"), "{told}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

/// A file that cannot be read is not one of another layout.
#[cfg(target_os = "linux")]
#[test]
fn a_stored_file_that_cannot_be_read_says_so() {
    // It can be opened, and the first bytes of a process are nobody's.
    let told = read_stored(Path::new("/proc/self/mem"), &FORMAT).unwrap_err();
    assert!(matches!(told, FileError::System { action: "reading", .. }), "{told}");
}

/// What else is wrong with a title, the reader of the text says.
#[test]
fn a_text_of_another_version_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        read_titled(&path, "a list 3", "list")
    };
    for found in [2, 4] {
        let text = format!("a list {found}\nof something\n");
        assert!(matches!(read(&text), Err(FileError::Version { found: told, reads: 3, .. }) if told == found));
    }
    for text in ["a list 3\nof something\n", "a list 02\n", "another list 2\n", "a list\n", ""] {
        assert_eq!(read(text).unwrap(), text);
    }
}

/// A name with a line end and an escape of a terminal stays on its line.
#[test]
fn a_path_is_printed_on_one_line() {
    let told = read_public(Path::new("no\n\u{1b}[2Jsuch")).unwrap_err().to_string();
    assert!(!told.contains('\n') && !told.contains('\u{1b}') && told.contains("\\u{a}\\u{1b}"), "{told}");
}

/// A process that is killed drops nothing. Whatever it had written of a file, whoever reads finds the old one or none, and the next write goes through.
#[test]
fn a_write_that_is_killed_at_any_step_leaves_the_old_file_or_the_new_one() {
    let text = b"a file of some length";
    for (existing, before) in
        [(Existing::Replace, Some(b"before".as_slice())), (Existing::Replace, None), (Existing::Keep, None)]
    {
        for written in 0..=text.len() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("plan");
            before.iter().for_each(|bytes| write_public(&path, bytes, Existing::Replace).unwrap());
            let mut draft = Draft::new(folder.path(), 0o644).unwrap();
            draft.write_all(&text[..written]).unwrap();
            std::mem::forget(draft);
            assert_eq!(read_public(&path).ok().as_deref(), before, "killed after {written} bytes");
            write_public(&path, text, existing).unwrap();
            assert_eq!(read_public(&path).unwrap(), text);
            let others = names(folder.path()).into_iter().filter(|name| name != "plan");
            assert!(
                others.clone().count() == 1
                    && others.into_iter().all(|name| name.starts_with('.') && name.ends_with(".tmp"))
            );
        }
    }
    // Killed after the name is given: a link has two names, and the second one is nobody's.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order");
    let mut draft = Draft::new(folder.path(), 0o644).unwrap();
    draft.write_all(text).unwrap();
    let temporary = folder.path().join(&names(folder.path())[0]);
    std::mem::forget(draft);
    place_new(&temporary, &path, |from, to| fs::hard_link(from, to)).unwrap();
    assert_eq!(read_public(&path).unwrap(), text);
    assert!(matches!(write_public(&path, b"other", Existing::Keep), Err(FileError::Exists { .. })));
}

/// In a folder with the sticky bit others add files, and change none. On a file the bit means nothing.
#[test]
fn only_a_folder_s_sticky_bit_keeps_others_from_changing_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "public").unwrap();
    let may = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        !only_we_may_change(&fs::metadata(path).unwrap())
    };
    assert_eq!(
        [0o600, 0o644, 0o620, 0o602, 0o1620, 0o1602].map(|mode| may(&file, mode)),
        [false, false, true, true, true, true]
    );
    assert_eq!([0o700, 0o755, 0o777, 0o1777].map(|mode| may(folder.path(), mode)), [false, false, true, false]);
}

/// What somebody else gave is an ordinary file of a bounded length: a pipe would keep its reader waiting for ever.
#[cfg(unix)]
#[test]
fn what_is_given_is_an_ordinary_file_of_a_bounded_length() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
    std::fs::write(&file, [7; 9]).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(read_at_most(&file, 9).unwrap(), [7; 9]);
    assert!(matches!(read_at_most(&file, 8), Err(FileError::TooLong { most: 8, .. })));
    assert!(matches!(read_at_most(&pipe, 9), Err(FileError::NotFile { .. })));
    assert!(matches!(read_at_most(folder.path(), 9), Err(FileError::NotFile { .. })));
}

use super::*;
use tributary_storage::files::{Existing, write_private};

#[test]
fn a_pin_is_one_line_of_a_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        write_private(&path, text, Existing::Replace).unwrap();
        read_pin(&path)
    };
    for text in ["1234", "1234\n", "1234\r\n"] {
        assert_eq!(read("pin", text.as_bytes()).unwrap().as_slice(), b"1234");
    }
    assert_eq!(read("pin", b" 12 34 ").unwrap().as_slice(), b" 12 34 ");
    assert_eq!(read("pin", &[b'1'; PIN_BYTES_MAX]).unwrap().len(), PIN_BYTES_MAX);
    assert!(read("pin", &[b'1'; PIN_BYTES_MAX + 1]).is_err());
    // Letters that no folder's name happens to hold, with signs that no path has: an error names the file, and never what is in it.
    const SECRET: &str = "\u{1d70b}?sesame?\u{1d70b}";
    let line = SECRET.as_bytes();
    let long = [line, &[b'?'; PIN_BYTES_MAX]].concat();
    let bad =
        [&b""[..], b"\n", &[line, b"\n", line].concat(), &[line, b"\n\n"].concat(), &[line, b"\t"].concat(), &long];
    for text in bad {
        let error = read("pin", text).err().unwrap();
        assert!(matches!(error, FileError::Content { .. }), "{error}");
        for said in [error.to_string(), format!("{error:?}")] {
            assert!(said.contains("pin"), "{said}");
            assert!(!said.contains("sesame"), "the PIN was printed");
        }
    }
    assert!(matches!(read_pin(&folder.path().join("none")), Err(FileError::System { .. })));
}

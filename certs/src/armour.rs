//! The PEM text of private keys (RFC 7468) without copies that nobody erases: general readers and writers leave pieces of the text behind in freed
//! memory, where a core dump finds them.
//!
//! Symbols are translated by arithmetic, as no branch and no table look-up may depend on a key.

use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN PRIVATE KEY-----";
const END: &[u8] = b"-----END PRIVATE KEY-----";

/// Symbols on a line (RFC 7468, section 2).
const LINE: usize = 64;

/// The PEM text of a PKCS#8 key.
pub(crate) fn enclose(der: &[u8]) -> Zeroizing<Vec<u8>> {
    let symbols = der.len().div_ceil(3) * 4;
    // Reserved at once, so that no half-filled copy is left behind by a growing vector.
    let mut text = Zeroizing::new(Vec::with_capacity(BEGIN.len() + END.len() + 2 + symbols + symbols.div_ceil(LINE)));
    text.extend_from_slice(BEGIN);
    text.push(b'\n');
    for line in der.chunks(LINE / 4 * 3) {
        for piece in line.chunks(3) {
            let mut bits = Zeroizing::new([0; 3]);
            bits[..piece.len()].copy_from_slice(piece);
            let four = [bits[0] >> 2, bits[0] << 4 | bits[1] >> 4, bits[1] << 2 | bits[2] >> 6, bits[2]];
            text.extend(four.iter().take(piece.len() + 1).map(|value| symbol(value & 63)));
            text.extend(core::iter::repeat_n(b'=', 3 - piece.len()));
        }
        text.push(b'\n');
    }
    text.extend_from_slice(END);
    text.push(b'\n');
    text
}

/// The first PKCS#8 key in a PEM text; `None` if there is none or it is damaged. What stands outside its markers is passed over.
pub(crate) fn open(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find(|line| *line == BEGIN)?;
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    loop {
        let line = lines.next()?;
        if line == END {
            break;
        }
        symbols.extend_from_slice(line);
    }
    let padding = symbols.iter().rev().take_while(|symbol| **symbol == b'=').count();
    if symbols.is_empty() || symbols.len() % 4 != 0 || padding > 2 {
        return None;
    }
    let mut der = Zeroizing::new(Vec::with_capacity(symbols.len() / 4 * 3));
    for four in symbols[..symbols.len() - padding].chunks(4) {
        let mut bits = Zeroizing::new(0_u32);
        for symbol in four {
            *bits = *bits << 6 | u32::from(value(*symbol)?);
        }
        // Left-aligned in three bytes; what is left over is nought in the one encoding of a key.
        *bits <<= 6 * (4 - four.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        let (kept, rest) = bytes.split_at(four.len() - 1);
        if rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        der.extend_from_slice(kept);
    }
    Some(der)
}

/// The symbol of a value below 64 (RFC 4648, section 4): each line moves those beyond one alphabet's end to the next.
fn symbol(value: u8) -> u8 {
    let value = i16::from(value);
    let mut symbol = value + i16::from(b'A');
    symbol += ((25 - value) >> 8) & 6;
    symbol -= ((51 - value) >> 8) & 75;
    symbol -= ((61 - value) >> 8) & 15;
    symbol += ((62 - value) >> 8) & 3;
    u8::try_from(symbol).expect("all symbols are ASCII")
}

/// The value of a symbol; `None` if it is none. Each line adds to -1 where the symbol lies between its bounds.
fn value(symbol: u8) -> Option<u8> {
    let symbol = i16::from(symbol);
    let mut value = -1;
    value += (((64 - symbol) & (symbol - 91)) >> 8) & (symbol - 64);
    value += (((96 - symbol) & (symbol - 123)) >> 8) & (symbol - 70);
    value += (((47 - symbol) & (symbol - 58)) >> 8) & (symbol + 5);
    value += (((42 - symbol) & (symbol - 44)) >> 8) & 63;
    value += (((46 - symbol) & (symbol - 48)) >> 8) & 64;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::pki_types::pem::PemObject as _;

    #[test]
    fn symbols_are_those_of_the_standard() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let made: Vec<u8> = (0..64).map(symbol).collect();
        assert_eq!(made, alphabet);
        for byte in 0..=255 {
            let at = alphabet.iter().position(|symbol| *symbol == byte);
            assert_eq!(value(byte).map(usize::from), at, "{byte}");
        }
    }

    #[test]
    fn what_stands_around_a_key_is_passed_over() {
        let text = "a comment\r\n-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n-----BEGIN PRIVATE KEY-----\r\n\
                    AQID\r\nBAU=\r\n-----END PRIVATE KEY-----\r\nmore";
        assert_eq!(open(text.as_bytes()).unwrap().as_slice(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn damaged_text_is_no_key() {
        for body in ["", "AQI", "AQ==A", "A===", "====", "AQ=I", "AQI_", "AR==", "AQJ=", "AQ ID"] {
            let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            assert!(open(text.as_bytes()).is_none(), "{body}");
        }
        for text in ["", "AQID", "-----BEGIN PRIVATE KEY-----\nAQID\n", "-----BEGIN RSA PRIVATE KEY-----\nAQID\n"] {
            assert!(open(text.as_bytes()).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn other_readers_and_writers_agree(der in proptest::collection::vec(any::<u8>(), 1..300)) {
            let text = enclose(&der);
            let theirs = PrivatePkcs8KeyDer::from_pem_slice(&text).unwrap();
            prop_assert_eq!(theirs.secret_pkcs8_der(), der.as_slice());
            let theirs = pem::encode_config(
                &pem::Pem::new("PRIVATE KEY", der.clone()),
                pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
            );
            prop_assert_eq!(text.as_slice(), theirs.as_bytes());
            prop_assert_eq!(text.capacity(), text.len());
            let back = open(&text).unwrap();
            prop_assert_eq!(back.as_slice(), der.as_slice());
        }

        #[test]
        fn no_text_makes_the_reader_stumble(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut enclosed = [BEGIN, b"\n".as_slice()].concat();
            enclosed.extend_from_slice(&text);
            enclosed.extend_from_slice(b"\n");
            enclosed.extend_from_slice(END);
            let _ = open(&enclosed);
        }
    }
}

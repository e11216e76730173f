//! Enrolment tokens: 128 bits, good once, for one identity, for hours. Stored as a hash alone, so that the folder enrols nobody.
//!
//! ```text
//! tributary tokens 1
//! token 5e88.. expires 1900086400 approval no again no keys none identity spiffe://..
//! ```

use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::entropy::Entropy;
use zeroize::Zeroizing;

use crate::identity::Identity;
use crate::lines::{Fields, hex, read_list, unhex, write_list};
use tributary_storage::files::FileError;

/// Bytes of a token.
pub const TOKEN_BYTES: usize = 16;

/// Longest life of a token, in hours: a courier's time.
pub const TOKEN_HOURS_MAX: u64 = 72;

/// How long a token's line stays after it expired, in seconds: 90 days, so that a late or doubled use is told from an unknown one.
const REMEMBERED_SECONDS: u64 = 90 * 86_400;

const TITLE: &str = "tributary tokens 1";
pub(crate) const TOKENS: &str = "tokens";

/// A token. It has no `Debug`; its bytes are erased when dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; TOKEN_BYTES]>);

impl Token {
    /// A fresh one.
    #[must_use]
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The token of its 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(unhex(text)?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// Its 32 hexadecimal digits: the secret itself.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.0.as_slice()))
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Digest {
        Canonical::new("tributary/token/1").bytes(self.0.as_slice()).finish()
    }
}

/// What is known of a token that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenLine {
    pub(crate) digest: Digest,
    pub(crate) identity: Identity,
    /// Last second, Unix.
    pub(crate) expires: u64,
    /// Whether a person must approve what it asks for.
    pub(crate) approval: bool,
    /// Whether it starts an enrolled or revoked member anew.
    pub(crate) again: bool,
    /// The keys it was used with.
    pub(crate) keys: Option<Digest>,
}

impl TokenLine {
    fn line(&self) -> String {
        let Self { digest, identity, expires, approval, again, keys } = self;
        let yes = |is: &bool| if *is { "yes" } else { "no" };
        let keys = keys.map_or_else(|| "none".to_owned(), |keys| keys.to_string());
        let (approval, again) = (yes(approval), yes(again));
        format!("token {digest} expires {expires} approval {approval} again {again} keys {keys} identity {identity}\n")
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let (digest, expires) = (fields.digest("token")?, fields.number("expires")?);
        let (approval, again) = (fields.yes("approval")?, fields.yes("again")?);
        let keys = match fields.text("keys")? {
            "none" => None,
            digits => Some(Digest::from_hex(digits)?),
        };
        let identity = fields.identity("identity")?;
        fields.end().map(|()| Self { digest, identity, expires, approval, again, keys })
    }
}

pub(crate) fn read_tokens(folder: &Path) -> Result<Vec<TokenLine>, FileError> {
    read_list(&folder.join(TOKENS), TITLE, "list of enrolment tokens", TokenLine::parse)
}

/// Writes the list without what is long past. The folder's lock is held.
pub(crate) fn write_tokens(folder: &Path, tokens: &[TokenLine], now: u64) -> Result<(), FileError> {
    let kept = tokens.iter().filter(|line| line.expires.saturating_add(REMEMBERED_SECONDS) >= now);
    write_list(&folder.join(TOKENS), TITLE, kept.map(TokenLine::line))
}

/// The line of a token. Every line is compared, each in constant time, so that the time taken says nothing about how close a guess was.
pub(crate) fn find<'a>(tokens: &'a mut [TokenLine], token: &Token) -> Option<&'a mut TokenLine> {
    let digest = token.digest();
    let same = |line: &TokenLine| verify_slices_are_equal(line.digest.as_bytes(), digest.as_bytes()).is_ok();
    tokens.iter_mut().fold(None, |found, line| if same(line) { Some(line) } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_token_has_one_text_and_its_line_does_not_hold_it() {
        let token = Token::generate(&mut OsEntropy);
        let text = token.expose();
        assert_eq!(Token::parse(&text).unwrap().digest(), token.digest());
        for bad in ["", &text[1..], &text[2..], &format!("{}00", text.as_str()), &text.to_uppercase().replace('0', "A")]
        {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
        let identity = Identity::parse("spiffe://federation.example/north-bank/client/x").unwrap();
        let mut line =
            TokenLine { digest: token.digest(), identity, expires: 5, approval: true, again: false, keys: None };
        assert!(!line.line().contains(text.as_str()));
        assert_eq!(TokenLine::parse(line.line().trim_end()), Some(line.clone()));
        line.keys = Some(Digest::of(b"keys"));
        assert_eq!(TokenLine::parse(line.line().trim_end()), Some(line.clone()));
        assert_eq!(TokenLine::parse(&format!("{} more", line.line().trim_end())), None);
    }

    #[test]
    fn a_line_is_kept_for_ninety_days_after_its_token_has_ended_and_found_by_the_token_alone() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::parse("spiffe://federation.example/north-bank/client/x").unwrap();
        let tokens: Vec<Token> = (0..3).map(|_| Token::generate(&mut OsEntropy)).collect();
        let line = |token: &Token, expires| TokenLine {
            digest: token.digest(),
            identity: identity.clone(),
            expires,
            approval: false,
            again: false,
            keys: None,
        };
        let mut lines: Vec<TokenLine> =
            tokens.iter().zip([10, 11, u64::MAX]).map(|(token, end)| line(token, end)).collect();
        let kept = |now| {
            write_tokens(folder.path(), &lines, now).unwrap();
            read_tokens(folder.path()).unwrap()
        };
        assert_eq!(kept(REMEMBERED_SECONDS + 10), lines);
        assert_eq!(kept(REMEMBERED_SECONDS + 11), lines[1..]);
        for (place, token) in tokens.iter().enumerate() {
            let expected = lines[place].clone();
            assert_eq!(find(&mut lines, token), Some(&mut expected.clone()));
        }
        assert_eq!(find(&mut lines, &Token::generate(&mut OsEntropy)), None);
    }
}

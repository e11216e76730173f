//! Who may ask: looked at before anything else of a request.

use std::net::SocketAddr;
use std::path::Path;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Uri};
use tributary_protocol::digest::Digest;
use tributary_storage::files::{Existing, FileError, read_private, write_private};

/// Fewest bytes of a token.
const TOKEN_BYTES_MIN: usize = 32;

/// What a request must show.
#[derive(Clone)]
pub(super) struct Guard {
    /// The names by which this place is asked.
    hosts: Vec<String>,
    /// SHA-256 of the token; nothing on a socket, whose mode says who may ask.
    token: Option<Digest>,
}

/// Why a request is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// It asks for another place, or for none.
    Host,
    /// A page in a browser asks.
    Origin,
    /// It does not show the token.
    Token,
}

impl Guard {
    /// Of a socket.
    pub(super) fn socket() -> Self {
        Self { hosts: vec!["localhost".into()], token: None }
    }

    /// Of a loopback address.
    pub(super) fn loopback(address: SocketAddr, token: &str) -> Self {
        let hosts = vec![format!("localhost:{}", address.port()), address.to_string()];
        Self { hosts, token: Some(Digest::of(token.as_bytes())) }
    }

    /// Judges a request by its first line and its headers.
    pub(super) fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        // A name that somebody's own server leads to this address is none of these.
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let known = host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)));
        if !known || hosts.next().is_some() || uri.authority().is_some() {
            return Err(Denied::Host);
        }
        let from_a_page = HeaderName::from_static("sec-fetch-site");
        if headers.contains_key(ORIGIN) || headers.contains_key(from_a_page) {
            return Err(Denied::Origin);
        }
        let Some(token) = &self.token else { return Ok(()) };
        let shown = headers.get(AUTHORIZATION).and_then(|shown| shown.as_bytes().strip_prefix(b"Bearer "));
        // Digests are compared, each byte of them: the time tells nothing of the token.
        let shown = Digest::of(shown.unwrap_or_default());
        let differs = token.0.iter().zip(&shown.0).fold(0, |differs, (own, other)| differs | (own ^ other));
        if differs == 0 { Ok(()) } else { Err(Denied::Token) }
    }
}

/// The token of a file of mode 0600; a file that is not there is made, with a new token.
pub(super) fn token_of(path: &Path) -> Result<String, FileError> {
    const WHAT: &str = "token: one line of at least 32 letters and digits";
    if !path.exists() {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|fault| FileError::system("making a token for", path)(std::io::Error::other(fault.to_string())))?;
        write_private(path, format!("{}\n", Digest(bytes)).as_bytes(), Existing::Keep)?;
    }
    let bytes = read_private(path)?;
    let token = std::str::from_utf8(&bytes).map(str::trim_end).unwrap_or_default();
    let fits = token.len() >= TOKEN_BYTES_MIN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(token.to_owned()) } else { Err(FileError::content(path, WHAT)) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use tributary_storage::faults::each_sync_fails_once;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn judged(guard: &Guard, uri: &str, headers: &[(&'static str, &str)]) -> Result<(), Denied> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(*name, HeaderValue::from_str(value).unwrap());
        }
        guard.judge(&uri.parse().unwrap(), &all)
    }

    #[test]
    fn a_page_that_had_its_name_lead_here_is_refused_and_so_is_who_has_no_token() {
        let bearer = format!("Bearer {TOKEN}");
        let token = ("authorization", bearer.as_str());
        let four = Guard::loopback("127.0.0.1:8080".parse().unwrap(), TOKEN);
        let six = Guard::loopback("[::1]:8080".parse().unwrap(), TOKEN);
        let asks = |guard: &Guard, host| judged(guard, "/v1/health", &[("host", host), token]);
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"] {
            assert_eq!(asks(&four, host), Ok(()), "{host}");
        }
        assert_eq!([asks(&six, "[::1]:8080"), asks(&six, "localhost:8080")], [Ok(()); 2]);
        for host in ["evil.example:8080", "127.0.0.1", "localhost", "127.0.0.1:80", "127.0.0.1.evil.example:8080", ""] {
            assert_eq!(asks(&four, host), Err(Denied::Host), "{host}");
        }
        assert_eq!(asks(&six, "127.0.0.1:8080"), Err(Denied::Host));
        let host = ("host", "localhost:8080");
        assert_eq!(judged(&four, "/", &[token]), Err(Denied::Host));
        assert_eq!(judged(&four, "/", &[host, ("host", "evil.example"), token]), Err(Denied::Host));
        assert_eq!(judged(&four, "http://evil.example/", &[host, token]), Err(Denied::Host));
        assert_eq!(judged(&four, "/", &[host, ("origin", "null"), token]), Err(Denied::Origin));
        assert_eq!(judged(&four, "/", &[host, ("sec-fetch-site", "none"), token]), Err(Denied::Origin));
        for shown in ["", "Bearer ", "Basic x", &bearer[..bearer.len() - 1], &format!("{bearer}0"), TOKEN] {
            assert_eq!(judged(&four, "/", &[host, ("authorization", shown)]), Err(Denied::Token), "{shown}");
        }
        assert_eq!(judged(&four, "/", &[host]), Err(Denied::Token));
        let socket = Guard::socket();
        assert_eq!(judged(&socket, "/", &[("host", "localhost")]), Ok(()));
        assert_eq!(judged(&socket, "/", &[("host", "evil.example")]), Err(Denied::Host));
    }

    #[test]
    fn a_token_is_made_once_and_lies_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let made = token_of(&path).unwrap();
        assert_eq!((made.len(), token_of(&path).unwrap()), (64, made.clone()));
        std::fs::write(&path, "short\n").unwrap();
        assert!(token_of(&path).unwrap_err().to_string().contains("token"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::write(&path, &made).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(token_of(&path).is_err(), "others may read it");
        }
    }

    #[test]
    fn a_token_that_cannot_be_written_is_made_again() {
        let made = each_sync_fails_once(
            || tempfile::tempdir().unwrap(),
            |folder| {
                let token = token_of(&folder.path().join("token"))?;
                assert_eq!(token_of(&folder.path().join("token")).unwrap(), token);
                Ok::<_, FileError>(())
            },
        );
        assert_eq!(made, 2);
    }
}

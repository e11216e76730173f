//! Every address of a name is tried (Happy Eyeballs, RFC 8305): the families take turns, and the next attempt begins when one has failed or has
//! had no answer for a quarter of a second. Whichever succeeds first is taken.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::fault::DialFault;

/// Between the beginnings of two attempts (RFC 8305, section 5).
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried.
pub const ADDRESSES_MAX: usize = 16;

/// How long the name service may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// Who knows the addresses of a name.
#[derive(Clone, Default)]
pub struct Resolver(Option<Arc<Given>>);

type Given = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Resolver(given)" } else { "Resolver(system)" })
    }
}

impl Resolver {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// One that answers HOST:PORT at once.
    #[must_use]
    pub fn given(answer: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(answer)))
    }

    /// The addresses of HOST:PORT, in the order in which they are tried; at least one.
    pub(crate) async fn look_up(&self, name: &str) -> Result<Vec<SocketAddr>, DialFault> {
        let failed = |fault: String| DialFault::Name { name: name.to_owned(), fault };
        let found = match &self.0 {
            Some(given) => given(name).map_err(|fault| failed(fault.to_string()))?,
            None => {
                let found = tokio::time::timeout(LOOK_UP_TIME, tokio::net::lookup_host(name)).await;
                let seconds = LOOK_UP_TIME.as_secs();
                let found =
                    found.map_err(|_| failed(format!("the name service did not answer within {seconds} seconds")))?;
                found.map_err(|fault| failed(fault.to_string()))?.collect()
            }
        };
        match in_turns(found) {
            none if none.is_empty() => Err(failed("it has no address".into())),
            addresses => Ok(addresses),
        }
    }
}

/// Each address once, the families in turns, beginning with the resolver's first (RFC 8305, section 4).
fn in_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = found.first().map(SocketAddr::is_ipv6) else { return Vec::new() };
    let (mut leading, mut following) = (VecDeque::new(), VecDeque::new());
    for address in found {
        let family = if address.is_ipv6() == first { &mut leading } else { &mut following };
        if !family.contains(&address) {
            family.push_back(address);
        }
    }
    let mut ordered = Vec::new();
    while !(leading.is_empty() && following.is_empty()) {
        ordered.extend(leading.pop_front().into_iter().chain(following.pop_front()));
    }
    ordered.truncate(ADDRESSES_MAX);
    ordered
}

/// Tries the addresses one after the other, each beside those that have not answered, for `patience` in all.
///
/// # Errors
/// The one fault, or one for each address. An address that did not answer has [`DialFault::Silence`] of `what`.
pub(crate) async fn first_of<T, F: Future<Output = Result<T, DialFault>>>(
    addresses: &[SocketAddr],
    patience: Duration,
    what: &'static str,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, DialFault> {
    let mut waiting: VecDeque<SocketAddr> = addresses.iter().copied().collect();
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut faults: Vec<(SocketAddr, DialFault)> = Vec::new();
    let mut end = pin!(tokio::time::sleep(patience));
    loop {
        if let Some(address) = waiting.pop_front() {
            running.push((address, Box::pin(attempt(address))));
        }
        let mut delay = pin!(tokio::time::sleep(ATTEMPT_DELAY));
        let ended = poll_fn(|context| {
            let mut index = 0;
            while let Some((address, attempt)) = running.get_mut(index) {
                match attempt.as_mut().poll(context) {
                    Poll::Ready(Ok(made)) => return Poll::Ready(Some(Ok(made))),
                    Poll::Ready(Err(fault)) => {
                        faults.push((*address, fault));
                        drop(running.swap_remove(index));
                        return Poll::Ready(None);
                    }
                    Poll::Pending => index += 1,
                }
            }
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Some(Err(())));
            }
            match !waiting.is_empty() && delay.as_mut().poll(context).is_ready() {
                true => Poll::Ready(None),
                false => Poll::Pending,
            }
        })
        .await;
        match ended {
            Some(Ok(made)) => return Ok(made),
            Some(Err(())) => {
                faults.extend(running.drain(..).map(|(address, _)| (address, DialFault::Silence { what })));
                break;
            }
            None if running.is_empty() && waiting.is_empty() => break,
            None => {}
        }
    }
    faults.sort_by_key(|(address, _)| addresses.iter().position(|other| other == address));
    match faults.len() {
        1 => Err(faults.remove(0).1),
        _ => Err(DialFault::Addresses(faults)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    #[test]
    fn the_families_take_turns_and_nothing_is_tried_twice() {
        let found = ["[::1]:7", "[::2]:7", "[::1]:7", "[::3]:7", "1.0.0.1:7", "1.0.0.2:7"].map(address);
        let wanted = ["[::1]:7", "1.0.0.1:7", "[::2]:7", "1.0.0.2:7", "[::3]:7"].map(address);
        assert_eq!(in_turns(found.to_vec()), wanted);
        // Whichever family the resolver names first.
        let found = ["1.0.0.1:7", "1.0.0.2:7", "[::1]:7", "1.0.0.1:7", "[::2]:7", "[::3]:7"].map(address);
        let wanted = ["1.0.0.1:7", "[::1]:7", "1.0.0.2:7", "[::2]:7", "[::3]:7"].map(address);
        assert_eq!(in_turns(found.to_vec()), wanted);
        assert_eq!(in_turns(vec![]), []);
        let many = (0..100).map(|port| SocketAddr::from(([1, 1, 1, 1], port))).collect();
        assert_eq!(in_turns(many).len(), ADDRESSES_MAX);
    }

    /// What was tried, and what came of it: an address at port 1 answers, at 2 refuses, at 3 stays silent.
    fn tried(addresses: &[&str], patience: Duration) -> (Vec<SocketAddr>, Result<SocketAddr, DialFault>) {
        let (addresses, begun) = (addresses.iter().copied().map(address).collect::<Vec<_>>(), RefCell::new(Vec::new()));
        let result = run(first_of(&addresses, patience, "UDP", |address| {
            begun.borrow_mut().push(address);
            async move {
                match address.port() {
                    1 => Ok(address),
                    2 => Err(DialFault::Failed("refused".into())),
                    _ => std::future::pending().await,
                }
            }
        }));
        (begun.into_inner(), result)
    }

    #[test]
    fn a_silent_or_refusing_address_costs_a_moment_and_not_the_connection() {
        let long = Duration::from_secs(60);
        let (begun, result) = tried(&["[::1]:3", "127.0.0.1:1", "[::1]:1"], long);
        assert_eq!(result.unwrap(), address("127.0.0.1:1"));
        assert_eq!(begun.len(), 2, "whoever answers ends the search");
        let (_, result) = tried(&["[::1]:2", "127.0.0.1:1"], long);
        assert_eq!(result.unwrap(), address("127.0.0.1:1"));
    }

    #[test]
    fn a_fault_names_each_address() {
        let (_, result) = tried(&["[::1]:2"], Duration::from_secs(60));
        assert!(matches!(result.unwrap_err(), DialFault::Failed(_)), "one address needs no list");
        let (_, result) = tried(&["[::1]:3", "127.0.0.1:2"], Duration::from_millis(600));
        let text = result.unwrap_err().to_string();
        assert!(text.contains("[::1]:3: nobody answered") && text.contains("127.0.0.1:2: refused"), "{text}");
        // In the order in which they were given, whichever of them ended first.
        let given = ["[::1]:3", "127.0.0.1:2", "127.0.0.2:2", "[::2]:2"];
        let (begun, result) = tried(&given, Duration::from_secs(1));
        let Err(DialFault::Addresses(faults)) = result else { panic!("nobody answers") };
        let (named, silent): (Vec<_>, Vec<_>) = faults
            .iter()
            .map(|(address, fault)| (*address, matches!(fault, DialFault::Silence { what: "UDP" })))
            .unzip();
        assert_eq!((&named[..], silent), (&given.map(address)[..], vec![true, false, false, false]));
        assert_eq!(begun, named);
    }

    #[test]
    fn a_resolver_that_knows_nothing_is_named() {
        let nothing = Resolver::given(|_| Ok(vec![]));
        let text = run(nothing.look_up("fl.example:7443")).unwrap_err().to_string();
        assert!(text.contains("fl.example:7443") && text.contains("it has no address"), "{text}");
    }
}

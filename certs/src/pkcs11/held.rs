//! A token that can be reached, and a key in it that was found: what keys of every kind share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Halves};
use super::device::{Device, Found, Id, Place};
use super::pool::{Pool, Unanswered};
use crate::token::{TokenError, TokenLimits, TokenSettings};
use tributary_storage::files::{self, FileError};

/// Longest PIN, in bytes: more than any token takes.
pub const PIN_BYTES_MAX: usize = 255;

/// How long finding or making a key may take: libraries look for readers, and tokens take seconds to make a key.
const OPEN_DEADLINE: Duration = Duration::from_secs(60);

/// Threads that can reach a token. The PIN was read, and is tried with the first call.
pub(super) struct Reach<A: Algorithm> {
    pool: Pool<Device<A>>,
    pub(super) place: Arc<Place<A>>,
    limits: TokenLimits,
}

/// A key that was found or made. Its sessions end with it.
pub(super) struct Held<A: Algorithm> {
    pub(super) reach: Reach<A>,
    pub(super) public: A::Public,
}

impl<A: Algorithm> Reach<A> {
    pub(super) fn start(settings: &TokenSettings) -> Result<Self, TokenError> {
        let TokenSettings { module, token, key, pin_file, limits } = settings.clone();
        let pin = read_pin(&pin_file)?;
        let place = Arc::new(Place::new(module, token, key, pin));
        let pool = Pool::start(limits.threads, limits.waiting, || Device::new(&place));
        let pool = pool.map_err(|source| TokenError::Threads { threads: limits.threads, source })?;
        Ok(Self { pool, place, limits })
    }

    /// Whether nothing has the key's label yet.
    pub(super) fn is_free(&self) -> Result<(), TokenError> {
        self.call(OPEN_DEADLINE, Device::is_free)
    }

    pub(super) fn find(&self) -> Result<Found<A>, TokenError> {
        self.call(OPEN_DEADLINE, Device::find)
    }

    /// Makes the key. After [`TokenError::Late`] the token may hold it all the same.
    pub(super) fn generate(&self, id: Id) -> Result<Found<A>, TokenError> {
        self.call(OPEN_DEADLINE, move |device| device.generate(id))
    }

    pub(super) fn hold(self, found: &Found<A>) -> Held<A> {
        Held { reach: self, public: found.public }
    }

    fn call<T: Send + 'static>(
        &self,
        deadline: Duration,
        call: impl FnOnce(&mut Device<A>) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let token = || self.place.token.clone();
        self.pool.call(deadline, call).map_err(|why| match why {
            Unanswered::Busy => TokenError::Busy { token: token(), waiting: self.limits.waiting },
            Unanswered::Late => TokenError::Late { token: token(), deadline },
        })?
    }
}

impl<A: Algorithm> Held<A> {
    /// Signs a message. Waits for the token, but no longer than the deadline.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Halves, TokenError> {
        let input = A::input(message);
        self.reach.call(self.reach.limits.deadline, move |device| device.sign(&input))
    }
}

/// The PIN of a file, without the line's end.
fn read_pin(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut pin = files::read_private(path)?;
    if pin.ends_with(b"\n") {
        pin.pop();
    }
    if pin.ends_with(b"\r") {
        pin.pop();
    }
    let printable = pin.iter().all(|byte| !byte.is_ascii_control());
    if pin.is_empty() || pin.len() > PIN_BYTES_MAX || !printable {
        return Err(FileError::content(path, "PIN file (one line of text)"));
    }
    Ok(pin)
}

#[cfg(test)]
mod tests;

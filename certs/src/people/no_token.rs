//! In the place of a person's key in a token, where this build uses none: it says so.

use std::path::Path;

use tributary_protocol::secagg::suite::VerifyingKey;

use super::PeopleError;
use super::key::PersonKey;
use crate::token::{TokenError, TokenSettings};

/// No token answers.
pub(super) enum Reached {}

pub(super) fn reach(_: &TokenSettings, _: &Path) -> Result<Reached, PeopleError> {
    Err(TokenError::NotBuilt.into())
}

impl Reached {
    pub(super) fn make(self, _: &Path) -> Result<Box<dyn PersonKey>, PeopleError> {
        match self {}
    }
}

pub(super) fn open(_: &Path, _: &VerifyingKey, _: &Path) -> Result<Box<dyn PersonKey>, PeopleError> {
    Err(TokenError::NotBuilt.into())
}

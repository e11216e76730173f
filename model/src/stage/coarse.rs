//! Numbers of groups of coarse blocks, as settings write them.

use tributary_protocol::digest::Canonical;

use super::frame::COARSE_MAX;
use crate::canonical::{DecodeError, Reader};

/// Most groups of a coarse block.
const GROUPS_MAX: u32 = 256;

/// The numbers without the zeros after them.
pub(super) fn groups_of(coarse: &[u32; COARSE_MAX]) -> &[u32] {
    &coarse[..coarse.iter().take_while(|groups| **groups > 0).count()]
}

pub(super) fn write_coarse(body: Canonical, coarse: &[u32; COARSE_MAX]) -> Canonical {
    coarse.iter().fold(body, |body, groups| body.u32(*groups))
}

/// Numbers from 2 on, ascending, then zeros.
pub(super) fn read_coarse(reader: &mut Reader<'_>) -> Result<[u32; COARSE_MAX], DecodeError> {
    let mut coarse = [0; COARSE_MAX];
    for groups in &mut coarse {
        *groups = reader.u32_in(0..=GROUPS_MAX)?;
    }
    let groups = groups_of(&coarse);
    let ascending = groups.windows(2).all(|pair| pair[0] < pair[1]) && groups.iter().all(|groups| *groups > 1);
    let ended = coarse[groups.len()..].iter().all(|groups| *groups == 0);
    if ascending && ended { Ok(coarse) } else { Err(DecodeError::Range) }
}

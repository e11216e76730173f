//! What stages of clipped gradients and differences of models have in common: how clip settings and an optimizer are written.

use tributary_protocol::digest::Canonical;

use crate::canonical::{DecodeError, Reader};
use crate::server_optimizer::OptimizerSettings;
use crate::update::{ClipForm, ClipRule, ClipSettings, ClipUnit};

/// Longest encoding of an optimizer's settings.
const OPTIMIZER_BYTES_MAX: usize = 256;

/// Clip settings into an encoding. A loss bound is above 0, so its bits are: 0 stands for no riders.
pub(super) fn write_clip(body: Canonical, clip: &ClipSettings) -> Canonical {
    let form = match clip.form {
        ClipForm::Exact => 0,
        ClipForm::Chunked => 1,
    };
    body.u64(clip.example_clip_norm.to_bits())
        .u32(clip.clip_units)
        .u8(form)
        .u64(clip.loss_bound.map_or(0, f64::to_bits))
}

/// Clip settings, every value within its limits.
pub(super) fn read_clip(reader: &mut Reader<'_>) -> Result<ClipSettings, DecodeError> {
    let example_clip_norm = reader.f64()?;
    let clip_units = reader.u32()?;
    let form = match reader.u8()? {
        0 => ClipForm::Exact,
        1 => ClipForm::Chunked,
        _ => return Err(DecodeError::Range),
    };
    let loss_bound = Some(reader.f64()?).filter(|bound| *bound != 0.0);
    let clip = ClipSettings { example_clip_norm, clip_units, form, loss_bound };
    ClipRule::new(clip, ClipUnit::Customer).map_err(|_| DecodeError::Range)?;
    Ok(clip)
}

/// An optimizer's settings into an encoding.
pub(super) fn write_optimizer(body: Canonical, optimizer: &OptimizerSettings) -> Canonical {
    body.bytes(&optimizer.encode())
}

/// An optimizer's settings, every value within its limits.
pub(super) fn read_optimizer(reader: &mut Reader<'_>) -> Result<OptimizerSettings, DecodeError> {
    OptimizerSettings::decode(reader.bytes(OPTIMIZER_BYTES_MAX)?)
}

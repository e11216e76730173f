//! The slots of a micro-batch, and values of all of them.

use burn_tensor::{Device, Tensor, TensorData};
use tributary_protocol::defence::{Defence, stands};
use zeroize::Zeroizing;

/// Slots of a micro-batch: always this many rows, padding included.
pub const SLOTS: usize = 256;

/// Largest absolute value of a row's activations and gradients: 2^40. Squares of norms then fit 64-bit floats with room to spare.
pub(crate) const ROW_ABS_MAX: f32 = (1_u64 << 40) as f32;

/// Absolute values below are 0: 2^-40.
pub(crate) const ROW_ABS_MIN: f32 = 1.0 / ROW_ABS_MAX;

/// The same number of values for each slot, slot by slot, and the sum of their squares.
pub(super) struct SlotValues {
    pub(super) values: Zeroizing<Vec<f32>>,
    pub(super) squares: Zeroizing<Vec<f64>>,
}

impl SlotValues {
    /// Settles a layer's values: what is too large marks its row and becomes 0, what is too small becomes 0, and the squares are summed.
    pub(super) fn settled(mut values: Zeroizing<Vec<f32>>, faulty: &mut [bool; SLOTS]) -> Self {
        let width = values.len() / SLOTS;
        let mut squares = Zeroizing::new(vec![0.0; SLOTS]);
        for ((slot, faulty), square) in values.chunks_exact_mut(width).zip(faulty).zip(squares.iter_mut()) {
            if stands(Defence::RowFaults) && stands(Defence::WideNorms) {
                let mut fits = true;
                for value in slot.iter_mut() {
                    let size = value.abs();
                    // A value that is no number is not within the bound either.
                    let within = size <= ROW_ABS_MAX;
                    fits &= within;
                    *value = if within & (size >= ROW_ABS_MIN) { *value } else { 0.0 };
                }
                *faulty |= !fits;
            }
            *square = if stands(Defence::WideNorms) { sum_of_squares(slot) } else { narrow_sum_of_squares(slot) };
        }
        Self { values, squares }
    }
}

/// In eight lanes, which are then added: one order on every machine, and one that vector units have. In 64-bit floats no square of a 32-bit
/// float vanishes.
fn sum_of_squares(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0_f64; 8];
    for chunk in chunks.iter().map(<[f32; 8]>::as_slice).chain([rest]) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            let wide = f64::from(*value);
            *lane += wide * wide;
        }
    }
    lanes.iter().sum()
}

/// What [`Defence::WideNorms`] is there for: a square below 2^-149 vanishes.
fn narrow_sum_of_squares(values: &[f32]) -> f64 {
    f64::from(values.iter().map(|value| value * value).sum::<f32>())
}

/// Slots x whatever there is for each.
pub(super) fn tensor(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let width = values.len() / SLOTS;
    Tensor::from_data(TensorData::new(values, [SLOTS, width]), device)
}

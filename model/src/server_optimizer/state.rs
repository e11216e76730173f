//! The optimizer's state in its canonical encoding, and one step over it, in 64-bit floats and a fixed order: the same sums give the same
//! model on every machine.
//!
//! ```text
//! header: label, digests of settings and architecture, steps taken
//! coordinates: model, first moment, [second moment], [sum of the tail's models], little-endian, one coordinate after the other
//! digest of all of it (32 bytes, BLAKE3)
//! ```
//!
//! A coordinate stays together, so that a state can be stepped piece by piece while it is read from one file and written to the next: a
//! coordinator needs memory for the model and not for its moments.

use tributary_protocol::digest::Canonical;

use super::settings::{OptimizerSettings, UpdateRule};
use crate::architecture::Architecture;
use crate::canonical::{DecodeError, Reader};
use crate::parameters::{PARAMETER_ABS_MAX, ParametersError};

const LABEL: &str = "tributary/server-optimizer-state/3";

/// Bytes of the header: the label after its length, two digests, the steps.
const HEADER_BYTES: usize = 4 + LABEL.len() + 2 * 32 + 4;

/// Most values of a coordinate.
const WIDTH_MAX: usize = 4;

/// A step that cannot be taken, or a state that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptimizerError {
    /// The update has another length.
    #[error("the update has {found} values for {expected} parameters: it belongs to another plan")]
    Length {
        /// Parameters.
        expected: usize,
        /// Values.
        found: usize,
    },
    /// The step leads nowhere. The optimizer is as before the step.
    #[error(
        "parameter {0} is not finite or far too large after the step: training diverged; lower the learning rate or the noise"
    )]
    Diverged(usize),
    /// More steps than a plan can have.
    #[error("the optimizer has taken as many steps as it can count; end the plan")]
    Steps,
    /// The bytes of a state are damaged.
    #[error("the optimizer's saved state cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// A piece of a state ends within a coordinate, or has more of them than gradients came.
    #[error(
        "a piece of the optimizer's state is no whole number of coordinates: this is a fault of this program, report it"
    )]
    Piece,
    /// The bytes are another optimizer's or architecture's state.
    #[error("the optimizer's saved state belongs to other settings or another architecture; restore the right file")]
    OtherPlan,
}

impl From<ParametersError> for OptimizerError {
    /// Values that a step made are no model.
    fn from(fault: ParametersError) -> Self {
        match fault {
            ParametersError::Value(index) => Self::Diverged(index),
            ParametersError::Length { expected, found } => Self::Length { expected, found },
            ParametersError::Ragged(_) => Self::Piece,
        }
    }
}

/// How the state of one plan's optimizer is laid out.
#[derive(Clone, PartialEq)]
pub struct StateLayout {
    settings: OptimizerSettings,
    architecture: Architecture,
}

/// One step, to be taken coordinate by coordinate in their order.
pub struct StateStep<'a> {
    layout: &'a StateLayout,
    /// Steps taken when this one is.
    steps: u32,
    /// Coordinates moved so far.
    moved: usize,
    arithmetic: Arithmetic,
    in_tail: bool,
}

/// The update rule with what is the same for all coordinates of a step.
enum Arithmetic {
    Sgd { learning_rate: f64, momentum: f64 },
    Adam { learning_rate: f64, beta1: f64, beta2: f64, epsilon: f64, first_share: f64, second_share: f64 },
}

/// The values of one coordinate.
type Coordinate = [f64; WIDTH_MAX];

impl StateLayout {
    /// The layout of a plan's optimizer.
    #[must_use]
    pub fn new(settings: OptimizerSettings, architecture: &Architecture) -> Self {
        Self { settings, architecture: architecture.clone() }
    }

    /// The network.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Bytes of the header.
    #[must_use]
    pub const fn header_bytes(&self) -> usize {
        HEADER_BYTES
    }

    /// Bytes of one coordinate.
    #[must_use]
    pub fn coordinate_bytes(&self) -> usize {
        8 * self.width()
    }

    /// Bytes of all coordinates.
    #[must_use]
    pub fn coordinates_bytes(&self) -> usize {
        self.coordinate_bytes() * self.architecture.parameter_count()
    }

    /// The header of a state after so many steps.
    #[must_use]
    pub fn header(&self, steps: u32) -> Vec<u8> {
        let (settings, architecture) = (self.settings.digest(), self.architecture.digest());
        Canonical::new(LABEL).digest(&settings).digest(&architecture).u32(steps).into_bytes()
    }

    /// The steps that a header names.
    ///
    /// # Errors
    /// If it is damaged, or belongs to other settings or another architecture.
    pub fn read_header(&self, bytes: &[u8]) -> Result<u32, OptimizerError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        if reader.digest()? != self.settings.digest() || reader.digest()? != self.architecture.digest() {
            return Err(OptimizerError::OtherPlan);
        }
        let steps = reader.u32()?;
        reader.finish()?;
        Ok(steps)
    }

    /// The coordinates of a state before any step: the model, every moment zero.
    pub fn initial<'a>(&'a self, model: &'a [f32]) -> impl Iterator<Item = u8> + 'a {
        let rest = 8 * (self.width() - 1);
        model
            .iter()
            .flat_map(move |value| f64::from(*value).to_le_bytes().into_iter().chain(std::iter::repeat_n(0, rest)))
    }

    /// The model in a piece of a state whose first coordinate is `first`: as training goes on with it, or, with `steps` taken, as it is
    /// released: the tail's average where the settings ask for one and the tail has begun.
    ///
    /// # Errors
    /// [`OptimizerError::Diverged`] for a value beyond its limits, [`OptimizerError::Piece`].
    pub fn model(&self, first: usize, piece: &[u8], released_after: Option<u32>) -> Result<Vec<f32>, OptimizerError> {
        let tail = released_after.zip(self.settings.tail_start()).filter(|(steps, start)| steps > start);
        self.fits(piece)?;
        let coordinates = piece.chunks_exact(self.coordinate_bytes()).enumerate();
        let value = |(offset, bytes)| {
            let index = first + offset;
            let coordinate = self.read(bytes);
            self.check(index, &coordinate)?;
            let value = match tail {
                Some((steps, start)) => coordinate[self.width() - 1] / f64::from(steps - start),
                None => coordinate[0],
            };
            if value.abs() <= f64::from(PARAMETER_ABS_MAX) {
                Ok(nearest(value))
            } else {
                Err(OptimizerError::Diverged(index))
            }
        };
        coordinates.map(value).collect()
    }

    /// The step that follows `steps` taken ones.
    ///
    /// # Errors
    /// [`OptimizerError::Steps`].
    pub fn step(&self, steps: u32) -> Result<StateStep<'_>, OptimizerError> {
        let steps = steps.checked_add(1).ok_or(OptimizerError::Steps)?;
        let arithmetic = match self.settings.update_rule() {
            UpdateRule::Sgd { learning_rate, momentum } => Arithmetic::Sgd { learning_rate, momentum },
            UpdateRule::Adam { learning_rate, beta1, beta2, epsilon } => Arithmetic::Adam {
                learning_rate,
                beta1,
                beta2,
                epsilon,
                first_share: 1.0 - power(beta1, steps),
                second_share: 1.0 - power(beta2, steps),
            },
        };
        let in_tail = self.settings.tail_start().is_some_and(|start| steps > start);
        Ok(StateStep { layout: self, steps, moved: 0, arithmetic, in_tail })
    }

    /// Values of a coordinate: model, first moment, and those that the settings add.
    fn width(&self) -> usize {
        let second = usize::from(matches!(self.settings.update_rule(), UpdateRule::Adam { .. }));
        2 + second + usize::from(self.settings.tail_start().is_some())
    }

    fn fits(&self, piece: &[u8]) -> Result<(), OptimizerError> {
        let whole = piece.len().is_multiple_of(self.coordinate_bytes());
        if whole { Ok(()) } else { Err(OptimizerError::Piece) }
    }

    fn read(&self, bytes: &[u8]) -> Coordinate {
        let mut coordinate = [0.0; WIDTH_MAX];
        coordinate.iter_mut().zip(bytes.as_chunks().0).for_each(|(value, bytes)| *value = f64::from_le_bytes(*bytes));
        coordinate
    }

    /// Every value finite, the model within its limits. What a coordinate does not have is zero.
    fn check(&self, index: usize, coordinate: &Coordinate) -> Result<(), OptimizerError> {
        let [model, moments @ ..] = coordinate;
        let sound = model.abs() <= f64::from(PARAMETER_ABS_MAX) && moments.iter().all(|value| value.is_finite());
        if sound { Ok(()) } else { Err(OptimizerError::Diverged(index)) }
    }
}

impl StateStep<'_> {
    /// Steps taken when this one is.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Moves the next coordinates, a piece of the state, by one mean gradient each, and hands out the next round's model.
    ///
    /// # Errors
    /// [`OptimizerError`]; then this step leads nowhere, and the piece is of no use any more.
    pub fn advance(
        &mut self,
        piece: &mut [u8],
        mut gradients: impl Iterator<Item = f64>,
        mut model: impl FnMut(f32),
    ) -> Result<(), OptimizerError> {
        let (layout, width) = (self.layout, self.layout.width());
        layout.fits(piece)?;
        for bytes in piece.chunks_exact_mut(layout.coordinate_bytes()) {
            let gradient = gradients.next().ok_or(OptimizerError::Piece)?;
            let mut coordinate = layout.read(bytes);
            self.arithmetic.advance(&mut coordinate, gradient);
            if self.in_tail {
                coordinate[width - 1] += coordinate[0];
            }
            layout.check(self.moved, &coordinate)?;
            model(nearest(coordinate[0]));
            bytes.as_chunks_mut().0.iter_mut().zip(coordinate).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
            self.moved += 1;
        }
        Ok(())
    }
}

impl Arithmetic {
    fn advance(&self, coordinate: &mut Coordinate, gradient: f64) {
        let [model, first, second, _] = coordinate;
        match *self {
            Self::Sgd { learning_rate, momentum } => {
                *first = momentum * *first + gradient;
                *model -= learning_rate * *first;
            }
            Self::Adam { learning_rate, beta1, beta2, epsilon, first_share, second_share } => {
                *first = beta1 * *first + (1.0 - beta1) * gradient;
                *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                *model -= learning_rate * (*first / first_share) / ((*second / second_share).sqrt() + epsilon);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a model is released in 32-bit floats")]
fn nearest(value: f64) -> f32 {
    value as f32
}

/// base^exponent by squaring: multiplications alone, so that every machine rounds alike.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::super::settings::OptimizerFields;
    use super::*;

    fn layout(tail_start: Option<u32>, head: &str) -> StateLayout {
        let update_rule = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap();
        StateLayout::new(settings, &Architecture::logistic(1, &[head]).unwrap())
    }

    #[test]
    fn a_damaged_or_foreign_header_is_refused() {
        let own = layout(Some(1), "churn");
        let header = own.header(7);
        assert_eq!(header.len(), own.header_bytes());
        assert_eq!(own.read_header(&header), Ok(7));
        for length in 0..header.len() {
            assert!(own.read_header(&header[..length]).is_err());
        }
        for other in [layout(None, "churn"), layout(Some(2), "churn"), layout(Some(1), "deposit")] {
            assert_eq!(other.read_header(&header), Err(OptimizerError::OtherPlan));
        }
    }

    #[test]
    fn a_piece_holds_whole_coordinates_within_their_limits() {
        let layout = layout(Some(1), "churn");
        let sound: Vec<u8> = layout.initial(&[0.5, -0.25]).collect();
        assert_eq!(layout.model(0, &sound, None).as_deref(), Ok(&[0.5, -0.25][..]));
        assert_eq!(layout.model(0, &sound[..31], None), Err(OptimizerError::Piece));
        for (place, value) in [(0, f64::NAN), (4, 1e30), (5, f64::INFINITY), (6, f64::NAN), (7, f64::NEG_INFINITY)] {
            let mut piece = sound.clone();
            piece[8 * place..8 * place + 8].copy_from_slice(&value.to_le_bytes());
            assert_eq!(layout.model(10, &piece, None), Err(OptimizerError::Diverged(10 + place / 4)));
        }
    }
}

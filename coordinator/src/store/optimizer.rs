//! The optimizer's state lies in its file and nowhere else: a step reads one file and writes the next, piece by piece, so that the
//! coordinator's memory holds models and not the moments that belong to them.

use std::io::{Read, Write as _};
use std::path::Path;

use tributary_model::canonical::DecodeError;
use tributary_model::parameters::Parameters;
use tributary_model::server_optimizer::{OptimizerError, StateLayout};
use tributary_protocol::digest::{Digest, VectorHasher};
use tributary_protocol::versioned::{HEADER_BYTES, Release, Versioned};
use tributary_storage::files::{Draft, Existing, FileError, open_file};

use super::{StateName, Store, StoreError};

/// The layout of a stored optimizer state.
const OPTIMIZER_FORMAT: Versioned = Versioned {
    what: "an optimizer's state",
    magic: *b"TRIBOPTS",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Run the plan anew",
};

/// Coordinates read, stepped and written at once.
const PIECE_COORDINATES: usize = 4_096;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The step leads nowhere; the state is as it was.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
}

/// A step that was taken: the next model, and the optimizer's state that belongs to it, which has no name yet.
pub struct Stepped {
    /// The next round's model: little-endian 32-bit floats.
    pub model: Vec<u8>,
    /// Steps taken, this one counted.
    pub steps: u32,
    /// For [`Store::keep_optimizer`].
    pub state: OptimizerDraft,
}

/// A state that has no name yet: nothing is left of it when it is dropped.
pub struct OptimizerDraft(Draft);

impl Store {
    /// Stores the state with which a stage begins: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn begin_optimizer(
        &self,
        layout: &StateLayout,
        name: StateName,
        initial: &Parameters,
    ) -> Result<(), StoreError> {
        let path = self.optimizer_file(name);
        let (mut draft, mut hasher) = self.draft(layout, 0)?;
        for values in initial.values().chunks(PIECE_COORDINATES) {
            append(&mut draft, &mut hasher, &layout.initial(values).collect::<Vec<u8>>(), &path)?;
        }
        seal(&mut draft, hasher, &path)?;
        Ok(draft.place(&path, Existing::Replace)?)
    }

    /// Verifies that the state of a model is there, whole, and that model's.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read, is damaged, or belongs to another plan or model.
    pub fn verify_optimizer(
        &self,
        layout: &StateLayout,
        name: StateName,
        expected: &Parameters,
    ) -> Result<(), StoreError> {
        if self.model_behind(layout, name, None)? == *expected {
            return Ok(());
        }
        Err(StoreError::OtherModel { path: self.optimizer_file(name), expected: name.model.short() })
    }

    /// The model to release after the rounds of `name`.
    ///
    /// # Errors
    /// [`StoreError`] if the state cannot be read, or leads beyond a model's limits.
    pub fn released(&self, layout: &StateLayout, name: StateName) -> Result<Parameters, StoreError> {
        self.model_behind(layout, name, Some(name.steps))
    }

    /// Takes a step from a model's state, with one mean gradient for each parameter. Nothing has a new name before
    /// [`Store::keep_optimizer`].
    ///
    /// # Errors
    /// [`StepError`]; the state is as it was.
    pub fn step_optimizer(
        &self,
        layout: &StateLayout,
        from: StateName,
        mut gradients: impl Iterator<Item = f64>,
    ) -> Result<Stepped, StepError> {
        let path = self.optimizer_file(from);
        let mut step = layout.step(from.steps)?;
        let (mut draft, mut hasher) = self.draft(layout, step.steps())?;
        let mut model = Vec::with_capacity(size_of::<f32>() * layout.architecture().parameter_count());
        self.read_optimizer(layout, from, |_, piece| {
            step.advance(piece, &mut gradients, |value| model.extend_from_slice(&value.to_le_bytes()))?;
            Ok::<(), StepError>(append(&mut draft, &mut hasher, piece, &path)?)
        })?;
        seal(&mut draft, hasher, &path)?;
        Ok(Stepped { model, steps: step.steps(), state: OptimizerDraft(draft) })
    }

    /// Gives the state of a step's model its name: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn keep_optimizer(&self, name: StateName, state: OptimizerDraft) -> Result<(), StoreError> {
        Ok(state.0.place(&self.optimizer_file(name), Existing::Replace)?)
    }

    /// The model that a state says.
    fn model_behind(
        &self,
        layout: &StateLayout,
        name: StateName,
        released_after: Option<u32>,
    ) -> Result<Parameters, StoreError> {
        let path = self.optimizer_file(name);
        let unusable = |fault| StoreError::Optimizer { path: path.clone(), fault };
        let mut values = Vec::with_capacity(layout.architecture().parameter_count());
        self.read_optimizer(layout, name, |first, piece| {
            values.extend(layout.model(first, piece, released_after).map_err(unusable)?);
            Ok::<(), StoreError>(())
        })?;
        parameters(layout, values).map_err(unusable)
    }

    /// Reads a state piece by piece; its digest is verified after the last one.
    fn read_optimizer<E: From<StoreError>>(
        &self,
        layout: &StateLayout,
        name: StateName,
        mut each: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.optimizer_file(name);
        let system = |fault| StoreError::System { action: "reading", path: path.clone(), fault };
        let unusable = |fault: OptimizerError| StoreError::Optimizer { path: path.clone(), fault };
        let mut file = open_file(&path).map_err(StoreError::from)?;
        let mut first = Vec::with_capacity(HEADER_BYTES);
        (&file).take(HEADER_BYTES as u64).read_to_end(&mut first).map_err(system)?;
        let other = |fault| StoreError::from(FileError::Layout { path: path.clone(), fault });
        OPTIMIZER_FORMAT.read(&first).map_err(other)?;
        let expected =
            HEADER_BYTES + layout.header_bytes() + layout.coordinates_bytes() + Digest::ZERO.as_bytes().len();
        if file.metadata().map_err(system)?.len() != expected as u64 {
            return Err(unusable(OptimizerError::OtherPlan).into());
        }
        let (mut hasher, mut header) = (VectorHasher::new(), vec![0; layout.header_bytes()]);
        file.read_exact(&mut header).map_err(system)?;
        hasher.update(&header);
        if layout.read_header(&header).map_err(unusable)? != name.steps {
            return Err(StoreError::OtherModel { path, expected: name.model.short() }.into());
        }
        let mut piece = vec![0; PIECE_COORDINATES * layout.coordinate_bytes()];
        let parameters = layout.architecture().parameter_count();
        for first in (0..parameters).step_by(PIECE_COORDINATES) {
            let piece = &mut piece[..PIECE_COORDINATES.min(parameters - first) * layout.coordinate_bytes()];
            file.read_exact(piece).map_err(system)?;
            hasher.update(piece);
            each(first, piece)?;
        }
        let mut digest = [0; 32];
        file.read_exact(&mut digest).map_err(system)?;
        if hasher.finish() != Digest(digest) {
            return Err(unusable(DecodeError::Range.into()).into());
        }
        Ok(())
    }

    fn draft(&self, layout: &StateLayout, steps: u32) -> Result<(Draft, VectorHasher), StoreError> {
        let folder = self.run.join("optimizer");
        let system = |fault| StoreError::System { action: "writing to", path: folder.clone(), fault };
        let mut draft = Draft::private(&folder).map_err(system)?;
        let mut hasher = VectorHasher::new();
        draft.write_all(&OPTIMIZER_FORMAT.header()).map_err(system)?;
        append(&mut draft, &mut hasher, &layout.header(steps), &folder)?;
        Ok((draft, hasher))
    }
}

fn append(draft: &mut Draft, hasher: &mut VectorHasher, bytes: &[u8], path: &Path) -> Result<(), StoreError> {
    hasher.update(bytes);
    let system =
        |fault| StoreError::System { action: "writing the state that follows", path: path.to_path_buf(), fault };
    draft.write_all(bytes).map_err(system)
}

/// Puts the digest after the state.
fn seal(draft: &mut Draft, hasher: VectorHasher, path: &Path) -> Result<(), StoreError> {
    let digest = hasher.finish();
    append(draft, &mut VectorHasher::new(), digest.as_bytes(), path)
}

fn parameters(layout: &StateLayout, values: Vec<f32>) -> Result<Parameters, OptimizerError> {
    Parameters::new(layout.architecture().clone(), values).map_err(OptimizerError::from)
}

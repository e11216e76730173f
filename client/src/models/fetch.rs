//! A model on its way: piece after piece, and no more bytes than it has. Every piece but the last has the full length: the coordinator cannot make this
//! branch ask for each byte by itself.

use tributary_model::architecture::Architecture;
use tributary_model::parameters::{Parameters, digest_of};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::ToCoordinator;
use tributary_protocol::registry::ModelManifest;
use tributary_protocol::time::Millis;

/// A model on its way.
pub(super) struct Fetch {
    manifest: ModelManifest,
    model: Digest,
    bytes: Vec<u8>,
    /// Bytes of every piece but the last.
    piece: usize,
    /// When the last piece was asked for.
    pub(super) asked: Millis,
}

/// What a piece comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// Another one is needed.
    More,
    /// All is here, and is what the manifest says.
    Whole,
    /// The coordinator has none.
    Nothing,
    /// It is not what the manifest says.
    Faulty,
}

impl Fetch {
    /// A model of which nothing is here yet, in pieces of so many bytes.
    pub(super) fn new(manifest: ModelManifest, piece: usize, now: Millis) -> Self {
        let model = manifest.digest();
        Self { manifest, model, bytes: Vec::new(), piece, asked: now }
    }

    pub(super) fn manifest(&self) -> &ModelManifest {
        &self.manifest
    }

    /// Asks for the next piece.
    pub(super) fn question(&self) -> ToCoordinator {
        ToCoordinator::ModelPiece { model: self.model, from: self.bytes.len() as u64 }
    }

    /// Whether a piece is the one that was asked for.
    pub(super) fn is_answer(&self, model: &Digest, from: u64) -> bool {
        self.model == *model && from == self.bytes.len() as u64
    }

    /// Takes a piece. Memory grows with what has come, never with what is promised.
    pub(super) fn add(&mut self, piece: &[u8], now: Millis) -> Fetched {
        if piece.is_empty() {
            return Fetched::Nothing;
        }
        let lacking = self.manifest.parameter_bytes.saturating_sub(self.bytes.len() as u64);
        if piece.len() as u64 != lacking.min(self.piece as u64) {
            return Fetched::Faulty;
        }
        self.bytes.extend_from_slice(piece);
        self.asked = now;
        if piece.len() as u64 != lacking {
            return Fetched::More;
        }
        match self.is_genuine() {
            true => Fetched::Whole,
            false => Fetched::Faulty,
        }
    }

    /// Whether these are the parameters of the digest, and parameters at all.
    fn is_genuine(&self) -> bool {
        let Ok(architecture) = Architecture::decode(&self.manifest.architecture) else { return false };
        digest_of(&architecture, &self.bytes) == self.manifest.parameters
            && Parameters::from_le_bytes(&architecture, &self.bytes).is_ok()
    }

    pub(super) fn into_parts(self) -> (ModelManifest, Vec<u8>) {
        (self.manifest, self.bytes)
    }
}

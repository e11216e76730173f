//! An audit bundle: one file with everything that somebody needs who verifies a federation without a network and without believing anybody in it.
//!
//! ```text
//! file    = header (16 bytes, `protocol::versioned`) | parts, one after the other | table | trailer
//! table   = number of parts u32 | for each, names ascending: length of the name u16 | name | length of the part u64 | SHA-256 of the part
//! trailer = offset of the table u64 | length of the table u64 | SHA-256 of the table
//! ```
//!
//! Integers are little-endian. Parts have the names that their files have in the coordinator's state folder ([`crate::Item`]). So one content has one
//! encoding, and what lies in a bundle is judged by the code that judges the folder. The digest of the table names the bundle: it covers every byte.
//!
//! In the place of the whole journal a bundle may have a part of it, with proofs that it is one (`part.rs`). What is left out is said to be not in this bundle.
//!
//! A bundle is signed by nobody. What is in it is: by the branches, by people, and by the authorities of the roster.

mod audit;
mod checked;
mod checkpoints;
mod contents;
mod days;
mod fault;
mod format;
mod grants;
mod model;
mod part;
mod reader;
mod replicated;
mod sent;
mod writer;

pub use audit::{Authority, Options, audit};
pub use checked::{Audited, Standing};
pub use checkpoints::{CheckpointsReport, Held};
pub use contents::{Contents, DAY_MS};
pub use fault::Fault;
pub use format::{BundleFault, CONTENTS, NAME_BYTES_MAX, PART, PART_BYTES_MAX};
pub use model::{BundledModel, bundled_model};
pub use part::PartWriter;
pub use reader::{Bundle, Source, Walked, walk};
pub use replicated::{gate_figures, measured};
pub use sent::{InSum, Sent, in_sum};
pub use writer::BundleWriter;

//! What is learnt from: a schema, or so many fields of which nothing is known.

use std::fmt::Write as _;

use tributary_model::blocks::Blocks;
use tributary_model::schema::{Level, Schema, WIDTH_MAX};

/// Most fields that can be asked about without a schema.
pub const FIELDS_MAX: u32 = 128;
/// Bins of a field of which nothing is known.
const BINS: usize = 16;

/// The fields.
pub struct Scene {
    schema: Schema,
    invented: bool,
}

impl Scene {
    /// Of a schema.
    #[must_use]
    pub fn of(schema: Schema) -> Self {
        Self { schema, invented: false }
    }

    /// So many numbers with bins, and one label; nothing unless there are 1 to [`FIELDS_MAX`].
    #[must_use]
    pub fn of_fields(fields: u32) -> Option<Self> {
        (1..=FIELDS_MAX).contains(&fields).then(|| Self::invented(fields as usize, BINS)).flatten()
    }

    fn invented(fields: usize, bins: usize) -> Option<Self> {
        let bins = bins.clamp(2, 256.min(WIDTH_MAX / fields.max(1)));
        let edges: Vec<String> = (1..bins).map(|edge| edge.to_string()).collect();
        let mut text = "name = \"unknown\"\nversion = 1\nnecessity = \"none\"\n".to_owned();
        for field in 0..fields {
            let written = write!(
                text,
                "[[fields]]\nname = \"field_{field}\"\nkind = \"numeric\"\nmin = 0\nmax = {bins}\ntransform = \"bins\"\nedges = [{}]\n\
                 class = \"C1\"\nlevel = \"L1\"\n",
                edges.join(", ")
            );
            written.ok()?;
        }
        text.push_str("[[labels]]\nname = \"label\"\npositive = [\"1\"]\nnegative = [\"0\"]\n");
        Some(Self { schema: Schema::parse(&text).ok()?, invented: true })
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether it stands for any schema with so many fields.
    #[must_use]
    pub fn is_invented(&self) -> bool {
        self.invented
    }

    /// One in so many of the fields, each as wide as all are in the mean; nothing where none is left.
    pub(super) fn alike(&self, one_in: usize) -> Option<Self> {
        let fields = self.schema.fields().len();
        let left = fields.checked_div(one_in).filter(|left| *left > 0)?;
        Self::invented(left, self.schema.width().checked_div(fields)?)
    }

    /// Whether every number has bins, so that tables can be learnt.
    pub(super) fn has_bins(&self) -> bool {
        Blocks::of(&self.schema, &[]).is_ok()
    }

    /// Whether a plan of it must be of high materiality.
    pub(super) fn is_severe(&self) -> bool {
        self.schema.inputs_of(Level::L4).next().is_some()
    }
}

//! Time of scoring customers on one core: `cargo bench -p tributary-model --bench score --features synthetic`.
//!
//! Invented customers of the sample schemas, 100,000 rows. Each line is for all heads: encoding, logits and deciles alone, and with every field's contribution
//! and the reasons. The goal is 2 s for 100,000 customers with an additive model, all of it together. The bench fails beyond that. It counts
//! the time of this thread on its core, so that it says the same beside other work.

use std::hint::black_box;

use cpu_time::ThreadTime;
use tributary_model::architecture::{Architecture, ArchitectureFields, PairShape};
use tributary_model::features::{EncodedRow, RawBatch, RowForm};
use tributary_model::pairs::{Pairing, values};
use tributary_model::parameters::Parameters;
use tributary_model::schema::{Decimal, Schema};
use tributary_model::score::{CutSearch, Scorer, probability, reasons};
use tributary_model::synthetic::{BINNED_SCHEMA_TOML, SCHEMA_TOML, SyntheticSpec, generate};

const CUSTOMERS: usize = 100_000;

/// Most seconds for so many customers, from their text to their reasons, with an additive model.
const SECONDS_MAX: f64 = 2.0;

/// Numbers that a counter scatters.
fn scattered(count: usize) -> impl Iterator<Item = f32> {
    (0_u32..).take(count).map(|place| (place.wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 1.0)
}

/// Rows of a schema, one after the other, and how long their encoding takes.
fn encoded(schema: &Schema) -> (Vec<u8>, f64) {
    let spec = SyntheticSpec { branches: 1, customers_per_branch: CUSTOMERS, holdout_fraction: 0.0, seed: 1 };
    let data = generate(&spec);
    let header: Vec<&str> = data.header.iter().map(String::as_str).collect();
    let mut batch = RawBatch::to_score(schema, &header, Decimal::Point).expect("the schema's columns");
    let mut all = Vec::new();
    let start = ThreadTime::now();
    let rows = data.branches.iter().flat_map(|branch| &branch.training).cycle().take(CUSTOMERS);
    for (number, row) in (1..).zip(rows) {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        batch.push(number, &row).expect("a row of the schema");
        all.extend_from_slice(batch.encoded().bytes());
    }
    (all, start.elapsed().as_secs_f64())
}

fn model(schema: &Schema, hidden: &[u32], pairs: u32) -> Parameters {
    let shape = PairShape { tables: pairs, groups: 8 };
    let network = Architecture::new(ArchitectureFields {
        inputs: u32::try_from(schema.width()).expect("a schema's width"),
        hidden: hidden.to_vec(),
        activation: Default::default(),
        heads: schema.labels().iter().map(|label| label.name.clone()).collect(),
        pairs: (pairs > 0).then_some(shape),
    })
    .expect("a network");
    let linear = network.layout().last().map_or(0, |layer| layer.end());
    let mut all: Vec<f32> = scattered(linear).map(|value| value / 4.0).collect();
    if pairs > 0 {
        let mut first = 0;
        let spans = schema.fields().iter().map(|field| {
            let span = first..first + field.width();
            first = span.end;
            span
        });
        let spans: Vec<_> = spans.collect();
        let cells: Vec<f32> = scattered(pairs as usize * shape.cells() * network.heads().len()).collect();
        let groups = (0_u32..).take(schema.width()).map(|slot| slot % 8).collect();
        let fields = Pairing::first(shape, schema.width(), spans.len()).fields;
        all.extend(values(shape, &spans, &Pairing { groups, fields }, &cells));
    }
    Parameters::new(network, all).expect("a model")
}

fn main() {
    for (name, text, hidden, pairs, customers) in [
        ("logistic regression", SCHEMA_TOML, &[][..], 0, CUSTOMERS),
        ("additive, bins", BINNED_SCHEMA_TOML, &[][..], 0, CUSTOMERS),
        ("additive, bins, 40 tables of pairs", BINNED_SCHEMA_TOML, &[][..], 40, CUSTOMERS),
        ("additive, bins, 120 tables of pairs", BINNED_SCHEMA_TOML, &[][..], 120, CUSTOMERS),
        ("perceptron 64, 32", SCHEMA_TOML, &[64, 32][..], 0, 1_000),
    ] {
        let schema = Schema::parse(text).expect("a sample");
        let form = RowForm::of(&schema);
        let (all, encoding) = encoded(&schema);
        let scorer = Scorer::new(&schema, &model(&schema, hidden, pairs)).expect("a model of the schema");
        let mut scored = scorer.room();
        let rows = || all.chunks_exact(form.bytes()).take(customers).map(EncodedRow::new);
        let start = ThreadTime::now();
        let mut search = CutSearch::new();
        let mut logits = Vec::with_capacity(customers);
        for row in rows() {
            scorer.score(row, &mut scored);
            logits.push(scored.logits()[0]);
            black_box(probability(scored.logits()[0]));
        }
        for _ in 0..CutSearch::PASSES {
            logits.iter().for_each(|logit| search.see(*logit));
            black_box(search.end_pass());
        }
        let alone = start.elapsed().as_secs_f64();
        let start = ThreadTime::now();
        for row in rows() {
            scorer.explain(row, &mut scored);
            for head in 0..scorer.heads().len() {
                black_box(reasons(&scored, head));
            }
        }
        let explained = start.elapsed().as_secs_f64();
        println!(
            "{name}: {customers} customers, scores and deciles {alone:.3} s, with contributions and reasons {explained:.3} s; \
             {CUSTOMERS} rows encoded in {encoding:.3} s"
        );
        let whole = encoding + alone + explained;
        assert!(!hidden.is_empty() || whole <= SECONDS_MAX, "{name}: {whole:.3} s for {customers} customers");
    }
}

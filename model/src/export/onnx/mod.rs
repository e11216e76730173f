//! ONNX of the whole way from columns to probabilities, for every network that there is.
//!
//! Each column is an input of rows x 1: doubles, where NaN is missing, or texts. The outputs `logit` and `probability` have one column for each head.
//! Arithmetic is that of doubles.

mod fields;
mod graph;
mod proto;

use std::ops::Range;

use prost::Message as _;

use self::fields::{Encoded, Source, encoded};
use self::graph::{Builder, Name};
use self::proto::{Attribute, DOUBLE, IR_VERSION, Model, OPERATORS, OperatorSet, Pair, STRING, Value};
use super::column::{Column, ColumnKind, column_of, columns, number_of};
use super::{ExportFault, Stamp};
use crate::additive::{AdditiveFault, head_number};
use crate::architecture::{Activation, LayerShape};
use crate::pairs::PairTables;
use crate::parameters::{Parameters, WEIGHT_ABS_MIN};
use crate::schema::{Field, FieldKind, Schema};

/// A model as ONNX: all heads, or one.
///
/// # Errors
/// If the schema is another one, or there is no such head.
pub fn onnx(
    parameters: &Parameters,
    schema: &Schema,
    head: Option<&str>,
    stamp: &Stamp,
) -> Result<Vec<u8>, ExportFault> {
    let architecture = parameters.architecture();
    let (expected, found) = (architecture.inputs() as usize, schema.width());
    if expected != found {
        return Err(AdditiveFault::Schema { expected, found }.into());
    }
    let all = architecture.heads();
    let heads: Vec<usize> = match head {
        Some(head) => vec![head_number(parameters, head)?],
        None => (0..all.len()).collect(),
    };
    let columns = columns(schema);
    let [logit, probability] = ["logit", "probability"].map(|name| unlike(name, &columns));
    let names = columns.iter().map(|column| column.name.as_str()).chain([logit.as_str(), probability.as_str()]);
    let mut out = Builder::new(names);
    let (slots, refused) = slots(schema, &columns, &mut out);
    let mut scores = layers(parameters, &slots, &heads, &mut out);
    scores = pairs(parameters, &slots, &heads, scores, &mut out);
    if let Some(refused) = refused {
        let none = out.double(f64::NAN);
        scores = out.apply("Where", &[&refused, &none, &scores]);
    }
    let probabilities = out.apply("Sigmoid", &[&scores]);
    out.output(&logit, &scores);
    out.output(&probability, &probabilities);
    let width = i64::try_from(heads.len()).unwrap_or(i64::MAX);
    let graph = out.graph();
    graph.name = "tributary".into();
    graph.inputs = columns.iter().map(|column| Value::rows(&column.name, elements(column), 1)).collect();
    graph.outputs = [&logit, &probability].map(|name| Value::rows(name, DOUBLE, width)).into();
    let pair = |key: &str, value: String| Pair { key: key.into(), value };
    let heads: Vec<&str> = heads.iter().map(|head| all[*head].as_str()).collect();
    let named = [("tributary.heads", heads.join("\n")), ("tributary.outputs", format!("{logit}\n{probability}"))];
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: "tributary".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(out.finish()),
        operators: vec![OperatorSet { domain: String::new(), version: OPERATORS }],
        metadata: stamp.pairs().into_iter().chain(named).map(|(key, value)| pair(key, value)).collect(),
    };
    Ok(model.encode_to_vec())
}

fn elements(column: &Column) -> i32 {
    match column.kind {
        ColumnKind::Number => DOUBLE,
        ColumnKind::Text => STRING,
    }
}

/// A name that no column has.
fn unlike(name: &str, columns: &[Column]) -> String {
    let mut name = name.to_owned();
    while columns.iter().any(|column| column.name == name) {
        name.push('_');
    }
    name
}

/// Rows x width, and where a row is refused.
fn slots(schema: &Schema, columns: &[Column], out: &mut Builder) -> (Name, Option<Name>) {
    let reads_numbers = |field: &Field| match &field.kind {
        FieldKind::Numeric { .. } => true,
        FieldKind::Categorical { categories, .. } => {
            categories.iter().chain(&field.missing_codes).any(|item| number_of(item).is_some())
        }
    };
    let sources: Vec<Source> = columns
        .iter()
        .map(|column| {
            let numbers = schema.fields().iter().any(|field| field.column == column.name && reads_numbers(field));
            Source::of(column, numbers, out)
        })
        .collect();
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    for field in schema.fields() {
        let Encoded { slots, refused: own } = encoded(field, &sources[column_of(columns, field)], out);
        all.push(slots);
        refused.extend(own);
    }
    (out.concat(&all), out.any(refused))
}

/// The linear layers. Of the last one, the heads that are wanted.
fn layers(parameters: &Parameters, slots: &str, heads: &[usize], out: &mut Builder) -> Name {
    let layout = parameters.architecture().layout();
    // As scoring has them.
    let settled = |value: f32| if value.abs() < WEIGHT_ABS_MIN { 0.0 } else { value };
    let mut values = slots.to_owned();
    for (number, LayerShape { inputs, outputs, weights, biases }) in layout.iter().copied().enumerate() {
        let last = number + 1 == layout.len();
        let kept: Vec<usize> = if last { heads.to_vec() } else { (0..outputs).collect() };
        let row = |first: usize| kept.iter().map(move |output| settled(parameters.values()[first + output]));
        let matrix: Vec<f32> = (0..inputs).flat_map(|input| row(weights + input * outputs)).collect();
        let matrix = out.floats(&[inputs, kept.len()], &matrix);
        let bias = out.floats(&[1, kept.len()], &row(biases).collect::<Vec<f32>>());
        let product = out.apply("MatMul", &[&values, &matrix]);
        values = out.apply("Add", &[&product, &bias]);
        if !last {
            let operator = match parameters.architecture().activation() {
                Activation::Relu => "Relu",
                Activation::Tanh => "Tanh",
            };
            values = out.apply(operator, &[&values]);
        }
    }
    values
}

/// What tables of pairs add.
fn pairs(parameters: &Parameters, slots: &str, heads: &[usize], mut scores: Name, out: &mut Builder) -> Name {
    let Some(tables) = PairTables::of(parameters) else { return scores };
    let (side, all) = (tables.side(), parameters.architecture().heads().len());
    for (fields, cells) in tables.tables() {
        // For each slot its group: rows x groups is how much of each group a row has.
        let groups = |own: &Range<usize>, out: &mut Builder| {
            let mut matrix = vec![0.0; own.len() * side];
            for (place, slot) in own.clone().enumerate() {
                if let Some(group) = tables.group(slot) {
                    matrix[place * side + group] = 1.0;
                }
            }
            let [first, end, axis] =
                [own.start, own.end, 1].map(|number| out.wholes(&[i64::try_from(number).unwrap_or(0)]));
            let slots = out.apply("Slice", &[slots, &first, &end, &axis]);
            let matrix = out.floats(&[own.len(), side], &matrix);
            out.apply("MatMul", &[&slots, &matrix])
        };
        let [one, other] = [groups(&fields[0], out), groups(&fields[1], out)];
        let of_heads = cells.chunks_exact(all).flat_map(|cell| heads.iter().map(|head| cell[*head]));
        let cells = out.doubles(&[side, side * heads.len()], &of_heads.collect::<Vec<f64>>());
        let sides = |last: usize| [-1, i64::try_from(side).unwrap_or(0), i64::try_from(last).unwrap_or(0)];
        let cube = out.wholes(&sides(heads.len()));
        let rows = out.apply("MatMul", &[&one, &cells]);
        let rows = out.apply("Reshape", &[&rows, &cube]);
        let column = out.wholes(&sides(1));
        let other = out.apply("Reshape", &[&other, &column]);
        let product = out.apply("Mul", &[&rows, &other]);
        let axis = out.wholes(&[1]);
        let sum = out.apply_with("ReduceSum", &[&product, &axis], vec![Attribute::of_whole("keepdims", 0)], 1);
        scores = out.apply("Add", &[&scores, &sum]);
    }
    scores
}

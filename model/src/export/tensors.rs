//! The parameters alone, as safetensors: for whoever knows the encoding of rows, with the canonical schema beside.

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use super::{ExportFault, Stamp};
use crate::architecture::{Activation, LayerShape};
use crate::parameters::Parameters;
use crate::schema::Schema;

/// A model as safetensors: of each layer `layers.N.weight` (inputs x outputs) and `layers.N.bias`, and beside them what is left of the values as
/// `pairs`, where there are tables of pairs. `schema` holds the schema's canonical encoding, as bytes. The metadata name digests, network and heads.
///
/// # Errors
/// If the schema is another one.
pub fn safetensors(parameters: &Parameters, schema: &Schema, stamp: &Stamp) -> Result<Vec<u8>, ExportFault> {
    let architecture = parameters.architecture();
    let (expected, found) = (architecture.inputs() as usize, schema.width());
    if expected != found {
        return Err(crate::additive::AdditiveFault::Schema { expected, found }.into());
    }
    let layout = architecture.layout();
    let bytes = parameters.to_le_bytes();
    let part = |from: usize, to: usize| &bytes[4 * from..4 * to];
    let mut parts: Vec<(String, Dtype, Vec<usize>, &[u8])> = Vec::new();
    for (number, LayerShape { inputs, outputs, weights, biases }) in layout.iter().copied().enumerate() {
        let weight = (format!("layers.{number}.weight"), Dtype::F32, vec![inputs, outputs], part(weights, biases));
        let bias = (format!("layers.{number}.bias"), Dtype::F32, vec![outputs], part(biases, biases + outputs));
        parts.extend([weight, bias]);
    }
    let linear = layout.last().map_or(0, LayerShape::end);
    let all = parameters.values().len();
    if linear < all {
        parts.push(("pairs".into(), Dtype::F32, vec![all - linear], part(linear, all)));
    }
    let encoding = schema.encode();
    parts.push(("schema".into(), Dtype::U8, vec![encoding.len()], &encoding));
    let views = parts.into_iter().map(|(name, kind, shape, bytes)| Ok((name, TensorView::new(kind, shape, bytes)?)));
    let fault = |error: safetensors::SafeTensorError| ExportFault::Format(error.to_string());
    let views: Vec<(String, TensorView<'_>)> = views.collect::<Result<_, _>>().map_err(fault)?;
    let activation = match architecture.activation() {
        Activation::Relu => "relu",
        Activation::Tanh => "tanh",
    };
    let hidden: Vec<String> = architecture.hidden().iter().map(ToString::to_string).collect();
    let pairs = architecture.pairs().map(|pairs| format!("{} tables, {} groups", pairs.tables, pairs.groups));
    let named = [
        ("tributary.parameters", parameters.digest().to_string()),
        ("tributary.heads", architecture.heads().join("\n")),
        ("tributary.hidden", hidden.join(",")),
        ("tributary.activation", activation.to_owned()),
        ("tributary.pairs", pairs.unwrap_or_default()),
    ];
    let metadata = stamp.pairs().into_iter().chain(named).map(|(name, value)| (name.to_owned(), value));
    serialize(views, Some(metadata.collect())).map_err(fault)
}

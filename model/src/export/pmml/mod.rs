//! PMML 4.4 of additive models: a regression over what each field adds, from the columns as they are.

mod element;
mod expression;
mod field;

use self::element::Element;
use self::expression::{apply, derived, field as of_field, mapped, number, written};
use self::field::{Added, Names, added, column, slot};
use super::column::{Column, ColumnKind, column_of, columns};
use super::{ExportFault, Stamp};
use crate::additive::{Additive, PairTerm};
use crate::parameters::Parameters;
use crate::schema::Schema;

/// A model's head as PMML. Its result has the fields `logit` and `probability`, which are missing where the schema refuses the row.
///
/// # Errors
/// If the model is not additive, the schema is another one, there is no such head, or XML cannot hold a name or value.
pub fn pmml(parameters: &Parameters, schema: &Schema, head: &str, stamp: &Stamp) -> Result<Vec<u8>, ExportFault> {
    let additive = Additive::of(parameters, schema, head)?;
    let columns = columns(schema);
    let names = Names::unlike(&columns);
    let mut transformations = Vec::new();
    for (number, own) in columns.iter().enumerate() {
        transformations.extend(column(&names, number, own));
    }
    let mut summed = Vec::new();
    for (number, (own, term)) in schema.fields().iter().zip(&additive.fields).enumerate() {
        let of = column_of(&columns, own);
        let Added { derived, summed: names } = added(&names, (number, of), own, term, columns[of].kind);
        transformations.extend(derived);
        summed.extend(names);
    }
    for (place, pair) in additive.pairs.iter().enumerate() {
        let name = names.pair(place);
        transformations.extend(paired(&names, place, pair));
        summed.push(name);
    }
    let predictors =
        summed.iter().map(|name| Element::new("NumericPredictor").with("name", name).with("coefficient", "1"));
    let table = Element::new("RegressionTable").with("intercept", written(additive.intercept));
    let fields = columns.iter().map(|column| {
        Element::new("MiningField")
            .with("name", &column.name)
            .with("usageType", "active")
            .with("invalidValueTreatment", "asIs")
    });
    let model = Element::new("RegressionModel")
        .with("modelName", head)
        .with("functionName", "regression")
        .with("normalizationMethod", "none")
        .holding([
            Element::new("MiningSchema").holding(fields.collect::<Vec<_>>()),
            outputs(&columns),
            Element::new("LocalTransformations").holding(transformations),
            table.holding(predictors.collect::<Vec<_>>()),
        ]);
    let document = Element::new("PMML").with("version", "4.4").with("xmlns", "http://www.dmg.org/PMML-4_4").holding([
        header(stamp),
        dictionary(&columns),
        model,
    ]);
    document.document().map_err(ExportFault::Format)
}

fn header(stamp: &Stamp) -> Element {
    let pairs = stamp.pairs().into_iter();
    let stamps = pairs.map(|(name, value)| Element::new("Extension").with("name", name).with("value", value));
    let application = Element::new("Application").with("name", "tributary").with("version", env!("CARGO_PKG_VERSION"));
    Element::new("Header").holding(stamps.collect::<Vec<_>>()).holding([application])
}

fn dictionary(columns: &[Column]) -> Element {
    let fields = columns.iter().map(|column| {
        let (optype, kind) = match column.kind {
            ColumnKind::Number => ("continuous", "double"),
            ColumnKind::Text => ("categorical", "string"),
        };
        Element::new("DataField").with("name", &column.name).with("optype", optype).with("dataType", kind)
    });
    Element::new("DataDictionary").with("numberOfFields", columns.len()).holding(fields.collect::<Vec<_>>())
}

fn outputs(columns: &[Column]) -> Element {
    let [logit, probability] = ["logit", "probability"].map(|name| {
        let mut name = name.to_owned();
        while columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    });
    let output = |name: &str, feature: &str| {
        let own = Element::new("OutputField").with("name", name).with("optype", "continuous");
        own.with("dataType", "double").with("feature", feature)
    };
    let sigmoid = apply(
        "/",
        [number(1.0), apply("+", [number(1.0), apply("exp", [apply("-", [number(0.0), of_field(&logit)])])])],
    );
    let of_probability = output(&probability, "transformedValue").holding([sigmoid]);
    Element::new("Output").holding([output(&logit, "predictedValue"), of_probability])
}

/// What a table of a pair adds, by the slots of both fields: first each one's group.
fn paired(names: &Names, place: usize, pair: &PairTerm) -> Vec<Element> {
    const NO_GROUP: &str = "none";
    let group = |number: usize| format!("g{number}");
    let sides = [0, 1].map(|side| format!("{}{}", names.pair(place), ["a", "b"][side]));
    let mut all = Vec::new();
    for ((name, groups), of) in sides.iter().zip(&pair.groups).zip(pair.fields) {
        let rows = groups.iter().enumerate().filter_map(|(own, to)| Some((vec![slot(own)], group((*to)?))));
        let table = mapped(&[&names.field(of, "s")], rows, Some(NO_GROUP.into()), "string");
        all.push(derived(name, "string", table));
    }
    let cells = pair.cells.iter().enumerate();
    let rows = cells.map(|(cell, weight)| (vec![group(cell / pair.side), group(cell % pair.side)], written(*weight)));
    let table = mapped(&[&sides[0], &sides[1]], rows, Some(written(0.0)), "double");
    all.push(derived(&names.pair(place), "double", table));
    all
}

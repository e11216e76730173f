//! ONNX by onnxruntime and PMML by pypmml, where this machine has them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tributary_model::architecture::Activation;
use tributary_model::export::{ColumnKind, columns, onnx, pmml};
use tributary_model::parameters::Parameters;

use super::rows::{Value, expected, rows};
use super::{HEADS, additive, assert_equal, logistic, needed, perceptron, schema, stamp, with_weights};

const SWITCH: &str = "TRIBUTARY_TEST_PYTHON";

/// Reads columns, runs the model, prints a line for each row: the logit and the probability of each head, `nan` for none.
const ONNX: &str = r#"
import json, sys
import numpy, onnxruntime
model, columns = sys.argv[1:]
columns = json.load(open(columns, encoding="utf-8"))
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
feeds = {}
for name, (kind, values) in columns.items():
    if kind == "number":
        feeds[name] = numpy.array([[float("nan") if v is None else float(v)] for v in values], dtype=numpy.float64)
    else:
        feeds[name] = numpy.array([[v] for v in values], dtype=object)
meta = session.get_modelmeta().custom_metadata_map
assert meta["tributary.model"] == "07" * 32 and meta["tributary.valid_until"] == "2027-01-31", meta
logits, probabilities = session.run(None, feeds)
for row in range(len(logits)):
    print(*logits[row], *probabilities[row])
"#;

const PMML: &str = r#"
import json, sys
from pypmml import Model
model, columns = sys.argv[1:]
columns = json.load(open(columns, encoding="utf-8"))
names = list(columns)
rows = list(zip(*[[None if v is None else (float(v) if kind == "number" else v) for v in values] for kind, values in columns.values()]))
model = Model.load(model)
found = [field.name for field in model.inputFields]
order = [names.index(name) for name in found]
results = model.predict([[row[place] for place in order] for row in rows])
outputs = model.outputNames
logit, probability = outputs.index("logit"), outputs.index("probability")
for row in results:
    print(*["nan" if row[place] is None else row[place] for place in (logit, probability)])
model.close() if hasattr(model, "close") else None
"#;

/// An interpreter that has these packages.
fn interpreter(packages: &str) -> Result<PathBuf, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python/bin/python3");
    let has = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", &format!("import {packages}")]).output();
        asked.is_ok_and(|asked| asked.status.success())
    };
    [own, PathBuf::from("python3")].into_iter().find(has).ok_or_else(|| format!("no Python here has {packages}"))
}

/// A text in JSON.
fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn columns_json(rows: &[Vec<Value>]) -> String {
    let mut out = String::from("{");
    for (place, column) in columns(&schema()).iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(out, "{comma}{}:[{},[", json(&column.name), json(column.kind.name()));
        for (number, row) in rows.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let value = match &row[place] {
                Value::Number(None) => "null".to_owned(),
                Value::Number(Some(number)) => json(&format!("{number:?}")),
                Value::Text(text) => json(text),
            };
            let _ = write!(out, "{comma}{value}");
        }
        out.push_str("]]");
        debug_assert!(matches!(column.kind, ColumnKind::Number | ColumnKind::Text));
    }
    out + "}"
}

/// What the program prints: numbers of each row.
fn run(python: &Path, program: &str, model: &[u8], rows: &[Vec<Value>]) -> Vec<Vec<Option<f64>>> {
    let folder = tempfile::tempdir().unwrap();
    let [program_path, model_path, columns_path] =
        ["run.py", "model", "columns.json"].map(|name| folder.path().join(name));
    fs::write(&program_path, program).unwrap();
    fs::write(&model_path, model).unwrap();
    fs::write(&columns_path, columns_json(rows)).unwrap();
    let output = Command::new(python).args([&program_path, &model_path, &columns_path]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let number = |word: &str| word.parse::<f64>().ok().filter(|number| !number.is_nan());
    text(&output.stdout).lines().map(|line| line.split(' ').map(number).collect()).collect()
}

#[test]
fn onnx_gives_the_models_scores() {
    let python = match interpreter("onnxruntime, numpy") {
        Ok(python) => python,
        Err(missing) => return needed::skip(SWITCH, "ONNX by onnxruntime", missing),
    };
    let schema = schema();
    let rows = rows(&schema);
    let check = |model: &Parameters, head: Option<&str>| {
        let production = expected(&schema, model, &rows);
        let wanted: Vec<usize> =
            (0..HEADS.len()).filter(|place| head.is_none_or(|head| head == HEADS[*place])).collect();
        let printed = run(&python, ONNX, &onnx(model, &schema, head, &stamp(&schema)).unwrap(), &rows);
        for (place, own) in wanted.iter().enumerate() {
            let found: Vec<Option<f64>> = printed.iter().map(|row| row[wanted.len() + place]).collect();
            assert_equal(&production[*own], &found, HEADS[*own]);
            for row in &printed {
                let (logit, probability) = (row[place], row[wanted.len() + place]);
                let same = logit.zip(probability).is_none_or(|(z, p)| (1.0 / (1.0 + (-z).exp()) - p).abs() < 1e-9);
                assert!(same && logit.is_some() == probability.is_some());
            }
        }
    };
    check(&additive(&schema), None);
    check(&with_weights(&logistic(&schema), 3, &[]), Some("deposit"));
    check(&perceptron(&schema, Activation::Relu), None);
    check(&perceptron(&schema, Activation::Tanh), Some("churn"));
}

#[test]
fn pmml_gives_the_models_scores() {
    let python = match interpreter("pypmml") {
        Ok(python) => python,
        Err(missing) => return needed::skip(SWITCH, "PMML by pypmml", missing),
    };
    if Command::new("java").arg("-version").output().is_err() {
        return needed::skip(SWITCH, "PMML by pypmml", "there is no Java here");
    }
    let schema = schema();
    let rows = rows(&schema);
    let model = additive(&schema);
    for (head, production) in HEADS.iter().zip(expected(&schema, &model, &rows)) {
        let printed = run(&python, PMML, &pmml(&model, &schema, head, &stamp(&schema)).unwrap(), &rows);
        let found: Vec<Option<f64>> = printed.iter().map(|row| row[1]).collect();
        assert_equal(&production, &found, head);
    }
}

//! What stands in the files, whoever reads them: the stamp, tensors, and refusals.

use safetensors::SafeTensors;
use tributary_model::additive::AdditiveFault;
use tributary_model::architecture::Activation;
use tributary_model::export::{ColumnKind, ExportFault, columns, one_head, onnx, pmml, safetensors};
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;

use super::{TEXT, additive, logistic, perceptron, schema, stamp};

#[test]
fn tensors_hold_every_parameter_and_say_whose_they_are() {
    let schema = schema();
    for model in [additive(&schema), perceptron(&schema, Activation::Tanh)] {
        let bytes = safetensors(&model, &schema, &stamp(&schema)).unwrap();
        let read = SafeTensors::deserialize(&bytes).unwrap();
        let layers = model.architecture().hidden().len() + 1;
        let mut names: Vec<String> =
            (0..layers).flat_map(|layer| ["weight", "bias"].map(|part| format!("layers.{layer}.{part}"))).collect();
        names.extend(model.architecture().pairs().map(|_| "pairs".to_owned()));
        let all: Vec<u8> = names.iter().flat_map(|name| read.tensor(name).unwrap().data().to_vec()).collect();
        assert_eq!(all, model.to_le_bytes());
        assert_eq!(read.tensor("schema").unwrap().data(), schema.encode());
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let said = header.metadata().clone().unwrap();
        assert_eq!(said["tributary.parameters"], model.digest().to_string());
        assert_eq!(
            (said["tributary.model"].as_str(), said["tributary.export"].as_str()),
            ("07".repeat(32).as_str(), "7")
        );
        assert_eq!(
            (said["tributary.heads"].as_str(), said["tributary.valid_until"].as_str()),
            ("churn\ndeposit", "2027-01-31")
        );
    }
}

#[test]
fn columns_hold_numbers_or_texts() {
    let found: Vec<(String, ColumnKind, bool)> =
        columns(&schema()).into_iter().map(|column| (column.name, column.kind, column.optional)).collect();
    let expected = [
        ("年龄 of \"him\"", ColumnKind::Number, false),
        ("job`; DROP", ColumnKind::Text, false),
        ("region", ColumnKind::Text, false),
        ("balance", ColumnKind::Text, false),
        ("flow", ColumnKind::Number, false),
        ("calls", ColumnKind::Number, false),
        ("tier", ColumnKind::Text, false),
        ("months", ColumnKind::Number, true),
    ];
    assert_eq!(found, expected.map(|(name, kind, optional)| (name.to_owned(), kind, optional)));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (own, other) = (schema(), Schema::parse(&TEXT.replace(", \"a]b\"", "")).unwrap());
    let model = additive(&own);
    let schemas = AdditiveFault::Schema { expected: own.width(), found: other.width() };
    let faults = [
        onnx(&model, &other, None, &stamp(&other)).unwrap_err(),
        pmml(&model, &other, "churn", &stamp(&other)).unwrap_err(),
        safetensors(&model, &other, &stamp(&other)).unwrap_err(),
    ];
    assert_eq!(
        faults,
        [ExportFault::Sum(schemas.clone()), ExportFault::Sum(schemas.clone()), ExportFault::Sum(schemas)]
    );
    assert!(matches!(
        onnx(&model, &own, Some("loans"), &stamp(&own)),
        Err(ExportFault::Sum(AdditiveFault::Head { .. }))
    ));
    let deep = perceptron(&own, Activation::Relu);
    assert_eq!(pmml(&deep, &own, "churn", &stamp(&own)), Err(ExportFault::Sum(AdditiveFault::Hidden)));
    assert_eq!(one_head(&model, None), Err(ExportFault::Heads("churn, deposit".into())));
    assert_eq!(one_head(&model, Some("deposit")), Ok("deposit".into()));
    assert!(one_head(&model, Some("x")).is_err());
    let _ = Parameters::zero(&logistic(&own));
}

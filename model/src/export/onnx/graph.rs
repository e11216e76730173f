//! A graph of operators in the making. Every tensor has one row for each row of the table.

use std::collections::BTreeMap;

use super::proto::{Attribute, DOUBLE, FLOAT, Graph, INT64, Node, STRING, Tensor};

/// A tensor, by its name.
pub(super) type Name = String;

/// A graph in the making.
pub(super) struct Builder {
    /// What no column and no output begins with.
    prefix: String,
    graph: Graph,
    /// Constants that were made before, by their bytes.
    known: BTreeMap<(i32, Vec<i64>, Vec<u8>), Name>,
}

impl Builder {
    /// `names` are those of inputs and outputs.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut prefix = "t".to_owned();
        while names.clone().any(|name| name.starts_with(&prefix)) {
            prefix.push('_');
        }
        Self { prefix, graph: Graph::default(), known: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }

    fn fresh(&self) -> Name {
        format!("{}{}", self.prefix, self.graph.nodes.len() + self.graph.constants.len())
    }

    /// The result of an operator.
    pub(super) fn apply(&mut self, operator: &str, inputs: &[&str]) -> Name {
        self.apply_with(operator, inputs, Vec::new(), 1)
    }

    /// The first result of an operator that has so many.
    pub(super) fn apply_with(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
        results: usize,
    ) -> Name {
        let name = self.fresh();
        let beside = (1..results).map(|number| format!("{name}_{number}"));
        let node = Node {
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            outputs: std::iter::once(name.clone()).chain(beside).collect(),
            name: name.clone(),
            operator: operator.to_owned(),
            attributes,
        };
        self.graph.nodes.push(node);
        name
    }

    /// A tensor under the name of an output.
    pub(super) fn output(&mut self, name: &str, tensor: &str) {
        let node = Node {
            inputs: vec![tensor.to_owned()],
            outputs: vec![name.to_owned()],
            name: self.fresh(),
            operator: "Identity".into(),
            attributes: Vec::new(),
        };
        self.graph.nodes.push(node);
    }

    pub(super) fn graph(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// Side by side.
    pub(super) fn concat(&mut self, parts: &[Name]) -> Name {
        match parts {
            [one] => one.clone(),
            _ => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.apply_with("Concat", &parts, vec![Attribute::of_whole("axis", 1)], 1)
            }
        }
    }

    /// Whether one of them holds; nothing of none.
    pub(super) fn any(&mut self, conditions: Vec<Name>) -> Option<Name> {
        conditions.into_iter().reduce(|one, other| self.apply("Or", &[&one, &other]))
    }

    /// Truth as 1 and 0.
    pub(super) fn number(&mut self, condition: &str) -> Name {
        self.cast(condition, DOUBLE)
    }

    pub(super) fn cast(&mut self, tensor: &str, to: i32) -> Name {
        self.apply_with("Cast", &[tensor], vec![Attribute::of_whole("to", to.into())], 1)
    }

    /// Whether each text is one of a regular expression, whole.
    pub(super) fn matches(&mut self, texts: &str, pattern: &str) -> Name {
        self.apply_with("RegexFullMatch", &[texts], vec![Attribute::of_text("pattern", pattern)], 1)
    }

    /// One number.
    pub(super) fn double(&mut self, value: f64) -> Name {
        self.doubles(&[1, 1], &[value])
    }

    pub(super) fn doubles(&mut self, dimensions: &[usize], values: &[f64]) -> Name {
        self.constant(DOUBLE, dimensions, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// 32-bit numbers, which are read as doubles.
    pub(super) fn floats(&mut self, dimensions: &[usize], values: &[f32]) -> Name {
        let narrow = self.constant(FLOAT, dimensions, values.iter().flat_map(|value| value.to_le_bytes()).collect());
        self.cast(&narrow, DOUBLE)
    }

    /// A shape, or axes.
    pub(super) fn wholes(&mut self, values: &[i64]) -> Name {
        self.constant(INT64, &[values.len()], values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    pub(super) fn text(&mut self, text: &str) -> Name {
        self.constant(STRING, &[1, 1], text.into())
    }

    fn constant(&mut self, elements: i32, dimensions: &[usize], bytes: Vec<u8>) -> Name {
        let dimensions: Vec<i64> = dimensions.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect();
        let key = (elements, dimensions, bytes);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = self.fresh();
        let (raw, texts) =
            if elements == STRING { (Vec::new(), vec![key.2.clone()]) } else { (key.2.clone(), Vec::new()) };
        self.graph.constants.push(Tensor { dimensions: key.1.clone(), elements, texts, name: name.clone(), raw });
        self.known.insert(key, name.clone());
        name
    }
}

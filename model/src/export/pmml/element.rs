//! Elements of a document in the making.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// An element.
#[derive(Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    inside: Vec<Element>,
    text: Option<String>,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), inside: Vec::new(), text: None }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub(super) fn holding(mut self, inside: impl IntoIterator<Item = Element>) -> Self {
        self.inside.extend(inside);
        self
    }

    #[must_use]
    pub(super) fn saying(self, text: impl ToString) -> Self {
        Self { text: Some(text.to_string()), ..self }
    }

    /// The whole document.
    pub(super) fn document(&self) -> Result<Vec<u8>, String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        let told = |error: std::io::Error| error.to_string();
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))).map_err(told)?;
        self.write(&mut writer)?;
        let mut bytes = writer.into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> Result<(), String> {
        let told = |error: std::io::Error| error.to_string();
        let texts = self.attributes.iter().map(|(_, value)| value).chain(&self.text);
        if let Some(bad) = texts.flat_map(|text| text.chars()).find(|character| !is_allowed(*character)) {
            return Err(format!("XML cannot hold the character {bad:?}, which a name or a value of the schema has"));
        }
        let mut start = BytesStart::new(self.name);
        for (name, value) in &self.attributes {
            start.push_attribute((*name, value.as_str()));
        }
        if self.inside.is_empty() && self.text.is_none() {
            return writer.write_event(Event::Empty(start)).map_err(told);
        }
        writer.write_event(Event::Start(start)).map_err(told)?;
        if let Some(text) = &self.text {
            writer.write_event(Event::Text(BytesText::new(text))).map_err(told)?;
        }
        for inside in &self.inside {
            inside.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name))).map_err(told)
    }
}

/// Characters of XML 1.0.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r') || (character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
}

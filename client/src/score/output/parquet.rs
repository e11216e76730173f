//! Scores as a Parquet file. Groups of rows are written as they fill, so that no more than one of them is in memory.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;

use super::line::Line;

/// Rows of one group.
const GROUP_ROWS: usize = 1 << 15;

/// One column of the group that is being filled.
enum Column {
    Texts(Vec<ByteArray>, Vec<i16>),
    Numbers(Vec<f64>),
    Small(Vec<i32>),
    Whole(Vec<i64>, Vec<i16>),
}

/// Groups of rows.
pub(super) struct ParquetLines<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write + Send> ParquetLines<W> {
    pub(super) fn begin(out: W, names: &[String]) -> io::Result<Self> {
        let columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
        let types: Result<Vec<_>, ParquetError> =
            names.iter().zip(&columns).map(|(name, column)| column.of_type(name).map(Arc::new)).collect();
        let root = types.and_then(|types| Type::group_type_builder("scores").with_fields(types).build());
        let root = Arc::new(root.map_err(io::Error::other)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(out, root, Arc::new(properties)).map_err(io::Error::other)?;
        Ok(Self { file, columns, rows: 0 })
    }

    pub(super) fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut columns = self.columns.iter_mut();
        let mut put = |value: Value<'_>| {
            if let Some(column) = columns.next() {
                column.put(value);
            }
        };
        put(Value::Text(Some(line.customer)));
        for head in line.heads {
            put(Value::Number(head.score));
            put(Value::Number(head.probability));
            put(Value::Small(head.decile.into()));
            put(Value::Whole(head.points));
            for reason in head.reasons {
                put(Value::Text(Some(reason).filter(|own| !own.is_empty())));
            }
        }
        for text in [line.stage, line.action, line.notice, line.model] {
            put(Value::Text(Some(text).filter(|own| !own.is_empty())));
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS { self.write_group().map_err(io::Error::other) } else { Ok(()) }
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.write_group().map_err(io::Error::other)?;
        }
        self.file.into_inner().map_err(io::Error::other)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

/// One value of a line.
enum Value<'a> {
    Text(Option<&'a str>),
    Number(f64),
    Small(i32),
    Whole(Option<i64>),
}

impl Column {
    /// What a column of this name holds.
    fn named(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, last)| last) {
            Some("score" | "probability") => Self::Numbers(Vec::new()),
            Some("decile") => Self::Small(Vec::new()),
            Some("points") => Self::Whole(Vec::new(), Vec::new()),
            _ => Self::Texts(Vec::new(), Vec::new()),
        }
    }

    fn of_type(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, repetition, logical) = match self {
            Self::Texts(..) => (Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String)),
            Self::Numbers(_) => (Physical::DOUBLE, Repetition::REQUIRED, None),
            Self::Small(_) => (Physical::INT32, Repetition::REQUIRED, None),
            Self::Whole(..) => (Physical::INT64, Repetition::OPTIONAL, None),
        };
        let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
        builder.with_logical_type(logical).build()
    }

    fn put(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Texts(values, levels), Value::Text(text)) => {
                levels.push(i16::from(text.is_some()));
                values.extend(text.map(|text| ByteArray::from(text.as_bytes().to_vec())));
            }
            (Self::Numbers(values), Value::Number(number)) => values.push(number),
            (Self::Small(values), Value::Small(number)) => values.push(number),
            (Self::Whole(values, levels), Value::Whole(number)) => {
                levels.push(i16::from(number.is_some()));
                values.extend(number);
            }
            _ => unreachable!("values come in the order of the columns"),
        }
    }

    /// Writes the column, and empties it.
    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else { return Ok(()) };
        match (self, column.untyped()) {
            (Self::Texts(values, levels), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, Some(levels), None)?;
                values.clear();
                levels.clear();
            }
            (Self::Numbers(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(values, None, None)?;
                values.clear();
            }
            (Self::Small(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(values, None, None)?;
                values.clear();
            }
            (Self::Whole(values, levels), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, Some(levels), None)?;
                values.clear();
                levels.clear();
            }
            _ => unreachable!("columns are written as they were declared"),
        }
        column.close()
    }
}

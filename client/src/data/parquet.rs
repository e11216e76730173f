//! A Parquet file: columns become rows again, batch by batch. Columns that nobody reads are not unpacked.

use std::fs::{File, Metadata};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;
use tributary_model::features::Cell;
use tributary_model::schema::Decimal;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::printable::Printable;

use super::error::FileError;
use super::faults::Fault;
use super::fingerprint::Fingerprint;
use super::looks::must_be_ordinary;
use super::mapping::{ColumnKind, EPOCH};
use super::pages;
use super::sink::{Column, Sink, Values};

/// Rows that are unpacked at once.
const BATCH_ROWS: usize = 4096;

/// How a column's values are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Plain,
    /// Days since 1970-01-01.
    Days,
    /// So many of a unit are a day; and whether it is UTC's.
    Instants(i64, bool),
    /// Whole numbers that stand for decimals with so many digits after the point.
    Decimals(u32),
    /// Whole numbers without a sign, in as many bits.
    Unsigned32,
    Unsigned64,
    /// Not at all.
    Unread,
}

/// Some values of a column, without those that are missing.
enum Held {
    Flags(Vec<bool>),
    Wholes(Vec<i64>),
    Numbers(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Texts(Vec<String>),
    Nothing,
}

/// A column of a batch.
struct Leaf {
    form: Form,
    present: i16,
    levels: Vec<i16>,
    held: Held,
    /// How many values come before this row's, and whether it has one.
    passed: usize,
    here: bool,
}

/// The rows of a batch, one of which is looked at.
struct Batch {
    leaves: Vec<Leaf>,
}

impl Values for Batch {
    fn count(&self) -> usize {
        self.leaves.len()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        self.leaves.get(column).map_or(Cell::Missing, Leaf::cell)
    }
}

/// Reads a file; the digest of all of its bytes.
pub(super) fn read(path: &Path, sink: &mut dyn Sink) -> Result<Digest, FileError> {
    // The library panics at some files whose parts contradict each other. What was read of such a file is thrown away with its fault.
    let read = catch_unwind(AssertUnwindSafe(|| unpack(path, sink)));
    read.unwrap_or_else(|_| Err(broken(path, "its parts contradict each other")))
}

fn unpack(path: &Path, sink: &mut dyn Sink) -> Result<Digest, FileError> {
    let open = |source| FileError::Open { path: path.to_owned(), source };
    // Its end is read first, which a pipe does not have.
    must_be_ordinary(path)?;
    let file = File::open(path).map_err(open)?;
    let before = file.metadata().map_err(open)?;
    // Its parts are read in another order than they lie in, so the checksum is taken first, of the same open file.
    let hashed = file.try_clone().map_err(open)?;
    let digest = Fingerprint::of(hashed).finish().map_err(open)?;
    let copy = file.try_clone().map_err(open)?;
    let reader = SerializedFileReader::new(copy).map_err(|fault| broken(path, &fault.to_string()))?;
    let descriptors = reader.metadata().file_metadata().schema_descr_ptr();
    let described: Vec<(Column, Form)> = descriptors.columns().iter().map(|column| describe(column)).collect();
    let (columns, forms): (Vec<Column>, Vec<Form>) = described.into_iter().unzip();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    sink.begin(path, columns, Decimal::Point)?;
    let mut row = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|fault| broken(path, &fault.to_string()))?;
        read_group(group.as_ref(), (path, &file, &names, &forms), &mut row, sink)?;
    }
    let after = file.metadata().map_err(open)?;
    if changed(&before, &after) {
        let source = io::Error::other("the file was changed while it was read");
        return Err(FileError::Read { path: path.to_owned(), row, source });
    }
    Ok(digest)
}

fn changed(before: &Metadata, after: &Metadata) -> bool {
    before.len() != after.len() || before.modified().ok() != after.modified().ok()
}

/// The library's words are about the file's form: what is in a row is unpacked later.
fn broken(path: &Path, fault: &str) -> FileError {
    FileError::Database {
        path: path.to_owned(),
        doing: "cannot be read as Parquet",
        what: Printable::new(fault).as_str().to_owned(),
        cure: "export the file anew, with the compression snappy, zstd, lz4, gzip or none",
    }
}

fn read_group(
    group: &dyn RowGroupReader,
    (path, file, names, forms): (&Path, &File, &[String], &[Form]),
    row: &mut u64,
    sink: &mut dyn Sink,
) -> Result<(), FileError> {
    let torn = |row: u64| {
        let source = io::Error::other("a part of the Parquet file cannot be unpacked");
        FileError::Read { path: path.to_owned(), row, source }
    };
    let mut readers = Vec::new();
    let mut leaves = Vec::new();
    for (index, form) in forms.iter().enumerate() {
        let wanted = *form != Form::Unread && sink.needs(index);
        if wanted {
            let of = group.metadata();
            pages::look(file, of.column(index), of.num_rows()).map_err(|fault| broken(path, fault.cure()))?;
        }
        readers.push(if wanted { Some(group.get_column_reader(index).map_err(|_| torn(*row))?) } else { None });
        let present = group.metadata().column(index).column_descr().max_def_level();
        leaves.push(Leaf { form: *form, present, levels: Vec::new(), held: Held::Nothing, passed: 0, here: false });
    }
    let mut batch = Batch { leaves };
    let rows = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
    let last = row.saturating_add(rows);
    while *row < last {
        sink.wished_to_stop()?;
        let count = usize::try_from(last - *row).unwrap_or(usize::MAX).min(BATCH_ROWS);
        for (leaf, reader) in batch.leaves.iter_mut().zip(&mut readers) {
            if let Some(reader) = reader {
                leaf.fetch(reader, count).ok_or_else(|| torn(*row))?;
            }
        }
        for index in 0..count {
            batch.leaves.iter_mut().for_each(|leaf| leaf.step(index));
            *row += 1;
            let unread = |(leaf, name): (&Leaf, &String)| leaf.fault(*row, name);
            let faults = batch.leaves.iter().zip(names).filter_map(unread).collect();
            sink.row(*row, &batch, faults)?;
        }
    }
    Ok(())
}

/// What a column holds, and how it is read.
fn describe(column: &ColumnDescriptor) -> (Column, Form) {
    const DAY_MILLIS: i64 = 86_400_000;
    let other = |what: &str| (ColumnKind::Other(what.to_owned()), Form::Unread);
    let of_scale = |scale: i32| match u32::try_from(scale) {
        Ok(0) => (ColumnKind::Whole, Form::Decimals(0)),
        Ok(scale) if scale <= 38 => (ColumnKind::Decimal, Form::Decimals(scale)),
        _ => other("decimals of an unusual scale"),
    };
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    let is_decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    let is_date = matches!(logical, Some(LogicalType::Date)) || converted == ConvertedType::DATE;
    let is_time = matches!(logical, Some(LogicalType::Time(_)))
        || matches!(converted, ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS);
    let instants = match (logical, converted) {
        (Some(LogicalType::Timestamp(stamp)), _) => {
            let of_a_day = match stamp.unit {
                TimeUnit::MILLIS => DAY_MILLIS,
                TimeUnit::MICROS => DAY_MILLIS * 1_000,
                TimeUnit::NANOS => DAY_MILLIS * 1_000_000,
            };
            Some((of_a_day, stamp.is_adjusted_to_u_t_c))
        }
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some((DAY_MILLIS, true)),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some((DAY_MILLIS * 1_000, true)),
        _ => None,
    };
    let unsigned = matches!(logical, Some(LogicalType::Integer(kind)) if !kind.is_signed)
        || matches!(
            converted,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
    let is_text = matches!(logical, None | Some(LogicalType::String | LogicalType::Enum))
        && matches!(converted, ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM);
    let (kind, form) = match column.physical_type() {
        _ if column.max_rep_level() > 0 => other("lists"),
        Physical::BOOLEAN => (ColumnKind::Flag, Form::Plain),
        Physical::INT32 | Physical::INT64 if is_decimal => of_scale(column.type_scale()),
        Physical::INT32 if is_date => (ColumnKind::Day, Form::Days),
        Physical::INT32 | Physical::INT64 if is_time => other("times of a day"),
        Physical::INT64 if instants.is_some() => {
            let (of_a_day, utc) = instants.unwrap_or((DAY_MILLIS, true));
            (ColumnKind::Day, Form::Instants(of_a_day, utc))
        }
        Physical::INT32 if unsigned => (ColumnKind::Whole, Form::Unsigned32),
        Physical::INT64 if unsigned => (ColumnKind::Whole, Form::Unsigned64),
        Physical::INT32 | Physical::INT64 => (ColumnKind::Whole, Form::Plain),
        Physical::INT96 => other("times of an old form (INT96)"),
        Physical::FLOAT | Physical::DOUBLE => (ColumnKind::Float, Form::Plain),
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY if is_decimal => of_scale(column.type_scale()),
        Physical::BYTE_ARRAY if is_text => (ColumnKind::Text, Form::Plain),
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => other("bytes"),
    };
    (Column { name: column.path().string(), kind: Some(kind) }, form)
}

impl Leaf {
    /// Unpacks the next values: nothing if there are fewer, or they cannot be read.
    fn fetch(&mut self, reader: &mut ColumnReader, count: usize) -> Option<()> {
        self.levels.clear();
        self.passed = 0;
        self.here = false;
        let levels = &mut self.levels;
        self.held = match reader {
            ColumnReader::BoolColumnReader(reader) => Held::Flags(records(reader, count, levels)?),
            ColumnReader::Int32ColumnReader(reader) => {
                let numbers = records(reader, count, levels)?;
                whole(self.form, numbers.into_iter().map(i64::from).collect())
            }
            ColumnReader::Int64ColumnReader(reader) => whole(self.form, records(reader, count, levels)?),
            ColumnReader::FloatColumnReader(reader) => {
                Held::Numbers(records(reader, count, levels)?.into_iter().map(f64::from).collect())
            }
            ColumnReader::DoubleColumnReader(reader) => Held::Numbers(records(reader, count, levels)?),
            ColumnReader::ByteArrayColumnReader(reader) => {
                let bytes: Vec<ByteArray> = records(reader, count, levels)?;
                match self.form {
                    Form::Decimals(scale) => Held::Texts(decimals(bytes.iter().map(ByteArray::data), scale)?),
                    _ => Held::Bytes(bytes),
                }
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let bytes = records(reader, count, levels)?;
                let Form::Decimals(scale) = self.form else { return None };
                Held::Texts(decimals(bytes.iter().map(|bytes| bytes.data()), scale)?)
            }
            ColumnReader::Int96ColumnReader(_) => return None,
        };
        Some(())
    }

    /// Goes to a row of the batch.
    fn step(&mut self, row: usize) {
        self.passed += usize::from(self.here);
        // A column that may not be missing has no levels.
        self.here = match &self.held {
            Held::Nothing => false,
            _ => self.present == 0 || self.levels.get(row) == Some(&self.present),
        };
    }

    fn cell(&self) -> Cell<'_> {
        if !self.here {
            return Cell::Missing;
        }
        let cell = match &self.held {
            Held::Flags(flags) => flags.get(self.passed).map(|flag| Cell::Text(if *flag { "true" } else { "false" })),
            Held::Wholes(numbers) => numbers.get(self.passed).map(|number| Cell::Integer(*number)),
            Held::Numbers(numbers) => numbers.get(self.passed).map(|number| Cell::Number(*number)),
            Held::Texts(texts) => texts.get(self.passed).map(|text| Cell::Text(text)),
            Held::Bytes(bytes) => {
                bytes.get(self.passed).and_then(|bytes| std::str::from_utf8(bytes.data()).ok()).map(Cell::Text)
            }
            Held::Nothing => None,
        };
        cell.unwrap_or(Cell::Missing)
    }

    /// What is wrong with this row's value before it is read.
    fn fault(&self, row: u64, name: &str) -> Option<Fault> {
        let Held::Bytes(bytes) = &self.held else { return None };
        let bytes = bytes.get(self.passed).filter(|_| self.here)?;
        std::str::from_utf8(bytes.data()).err()?;
        let text = format!("row {row}, column {name:?}: text that is not UTF-8; export the column as text in UTF-8");
        Some(Fault { row: Some(row), column: Some(name.to_owned()), text })
    }
}

/// The next values of a column, and for each row whether it has one.
fn records<T: DataType>(reader: &mut ColumnReaderImpl<T>, count: usize, levels: &mut Vec<i16>) -> Option<Vec<T::T>> {
    let mut values = Vec::new();
    let mut read = 0;
    while read < count {
        let (records, ..) = reader.read_records(count - read, Some(levels), None, &mut values).ok()?;
        if records == 0 {
            return None;
        }
        read += records;
    }
    Some(values)
}

/// Whole numbers by what they stand for.
fn whole(form: Form, numbers: Vec<i64>) -> Held {
    let texts = |text: &dyn Fn(i64) -> String| Held::Texts(numbers.iter().map(|number| text(*number)).collect());
    match form {
        Form::Days => texts(&day),
        Form::Instants(of_a_day, utc) => texts(&|instant| moment(instant, of_a_day, utc)),
        Form::Decimals(0) | Form::Plain | Form::Unread => Held::Wholes(numbers),
        Form::Decimals(scale) => texts(&|number| decimal(number.into(), scale)),
        // The same bits without a sign.
        Form::Unsigned32 => Held::Wholes(numbers.into_iter().map(|number| number & i64::from(u32::MAX)).collect()),
        Form::Unsigned64 => texts(&|number| number.cast_unsigned().to_string()),
    }
}

/// A day since 1970-01-01 as text; one that no calendar here has is text all the same, which is no date.
fn day(days: i64) -> String {
    let julian = days.checked_add(EPOCH.into()).and_then(|julian| i32::try_from(julian).ok());
    let date = julian.and_then(|julian| time::Date::from_julian_day(julian).ok());
    match date {
        Some(date) if date.year() >= 0 => {
            format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
        }
        _ => format!("a day beyond every calendar, after {}", Date::LAST),
    }
}

/// A day with its time, as text; a `Z` after it where the clock is UTC's.
fn moment(instant: i64, of_a_day: i64, utc: bool) -> String {
    let second = instant.rem_euclid(of_a_day) / (of_a_day / 86_400);
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    let zone = if utc { "Z" } else { "" };
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}{zone}", day(instant.div_euclid(of_a_day)))
}

/// Decimals of any length up to 16 bytes, the highest byte first.
fn decimals<'a>(values: impl Iterator<Item = &'a [u8]>, scale: u32) -> Option<Vec<String>> {
    let number = |bytes: &[u8]| {
        let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 16];
        whole.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        Some(decimal(i128::from_be_bytes(whole), scale))
    };
    values.map(number).collect()
}

/// A whole number with a point so many digits before its end.
fn decimal(number: i128, scale: u32) -> String {
    let digits = number.unsigned_abs().to_string();
    let scale = scale as usize;
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;

//! A file of scores without some of its rows: whose customers were erased. All other rows stay as they are, byte by byte in CSV, value by value in Parquet.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, folder_of};

use super::draft::{Hashed, is_parquet};

/// Longest row of text, in bytes: what is longer is no row of a file of scores.
const ROW_BYTES_MAX: u64 = 1 << 20;

/// The file that is to take the place of another one.
pub(crate) struct Without {
    path: PathBuf,
    hashed: Hashed,
    /// Its digest.
    pub(crate) digest: Digest,
    /// Rows that stay.
    pub(crate) rows: u64,
    /// SHA-256 of the file that was read: whoever checked it before sees that it is the same.
    pub(crate) before: Digest,
}

impl Without {
    /// Takes the place of the file: durable when this returns.
    ///
    /// # Errors
    /// [`FileError`]; the file is as it was.
    pub(crate) fn place(self) -> Result<(), FileError> {
        self.hashed.place(&self.path)
    }
}

/// Writes a file of scores anew without these rows, which are counted from 1. Nothing takes its place yet.
///
/// # Errors
/// [`FileError`]: it cannot be read or written.
pub(crate) fn without(path: &Path, rows: &BTreeSet<u64>) -> Result<Without, FileError> {
    let write = || -> io::Result<Without> {
        // Whoever can write the file changes nothing between two looks at it: this is of a copy of our own.
        let mut copy = Hashed::private(folder_of(path))?;
        io::copy(&mut File::open(path)?, &mut copy)?;
        copy.flush()?;
        let (file, before) = (copy.reopen()?, copy.digest());
        let out = Hashed::private(folder_of(path))?;
        let stays = |row: u64| !rows.contains(&row);
        let (hashed, rows) = if is_parquet(path) { parquet(file, out, &stays)? } else { text(file, out, &stays)? };
        Ok(Without { path: path.to_owned(), digest: hashed.digest(), hashed, rows, before })
    };
    write().map_err(FileError::system("writing anew", path))
}

/// A row ends with the first end of a line that is not between quotes. In UTF-8 and GB18030 no other character has the bytes of either.
fn text(file: File, out: Hashed, stays: &dyn Fn(u64) -> bool) -> io::Result<(Hashed, u64)> {
    let (mut reader, mut out) = (BufReader::with_capacity(1 << 16, file), BufWriter::with_capacity(1 << 16, out));
    let (mut record, mut number, mut kept) = (Vec::new(), 0_u64, 0_u64);
    loop {
        record.clear();
        let mut quotes = 0_usize;
        loop {
            let before = record.len();
            let room = ROW_BYTES_MAX.saturating_sub(before as u64);
            let read = reader.by_ref().take(room).read_until(b'\n', &mut record)?;
            quotes += record[before..].iter().filter(|byte| **byte == b'"').count();
            if quotes.is_multiple_of(2) && (record.ends_with(b"\n") || read == 0) {
                break;
            }
            if read == 0 || record.len() as u64 >= ROW_BYTES_MAX {
                return Err(io::Error::other("a row that does not end"));
            }
        }
        if record.is_empty() {
            break;
        }
        // The header is row 0.
        if number == 0 || stays(number) {
            out.write_all(&record)?;
            kept += u64::from(number > 0);
        }
        number += 1;
    }
    Ok((out.into_inner().map_err(io::IntoInnerError::into_error)?, kept))
}

fn parquet(file: File, out: Hashed, stays: &dyn Fn(u64) -> bool) -> io::Result<(Hashed, u64)> {
    let reader = SerializedFileReader::new(file).map_err(io::Error::other)?;
    let root = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(out, root, Arc::new(properties)).map_err(io::Error::other)?;
    let (mut first, mut kept) = (1_u64, 0_u64);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(io::Error::other)?;
        let rows = usize::try_from(group.metadata().num_rows()).map_err(io::Error::other)?;
        let stay: Vec<bool> = (first..).take(rows).map(stays).collect();
        first += rows as u64;
        let own = stay.iter().filter(|stays| **stays).count();
        if own > 0 {
            kept += own as u64;
            let mut next = writer.next_row_group().map_err(io::Error::other)?;
            copy_group(group.as_ref(), &mut next, &stay).map_err(io::Error::other)?;
            next.close().map_err(io::Error::other)?;
        }
    }
    Ok((writer.into_inner().map_err(io::Error::other)?, kept))
}

fn copy_group<W: Write + Send>(
    group: &dyn RowGroupReader,
    next: &mut SerializedRowGroupWriter<'_, W>,
    stay: &[bool],
) -> Result<(), ParquetError> {
    for index in 0..group.num_columns() {
        let present = group.metadata().column(index).column_descr().max_def_level();
        let mut reader = group.get_column_reader(index)?;
        let Some(mut column) = next.next_column()? else { return Err(unknown()) };
        match (&mut reader, column.untyped()) {
            (ColumnReader::ByteArrayColumnReader(reader), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                copy(reader, writer, (present, stay))?;
            }
            (ColumnReader::DoubleColumnReader(reader), ColumnWriter::DoubleColumnWriter(writer)) => {
                copy(reader, writer, (present, stay))?;
            }
            (ColumnReader::Int32ColumnReader(reader), ColumnWriter::Int32ColumnWriter(writer)) => {
                copy(reader, writer, (present, stay))?;
            }
            (ColumnReader::Int64ColumnReader(reader), ColumnWriter::Int64ColumnWriter(writer)) => {
                copy(reader, writer, (present, stay))?;
            }
            _ => return Err(unknown()),
        }
        column.close()?;
    }
    Ok(())
}

fn unknown() -> ParquetError {
    ParquetError::General("a column that no file of scores has".to_owned())
}

/// Copies the values of rows that stay. A column that may not be missing has no levels.
fn copy<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    writer: &mut ColumnWriterImpl<'_, T>,
    (present, stay): (i16, &[bool]),
) -> Result<(), ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < stay.len() {
        let (rows, ..) = reader.read_records(stay.len() - read, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Err(ParquetError::EOF("a column with fewer rows than its group".to_owned()));
        }
        read += rows;
    }
    let mut values = values.into_iter();
    let (mut kept, mut kept_levels) = (Vec::new(), Vec::new());
    for (row, stays) in stay.iter().enumerate() {
        let level = if present == 0 { 0 } else { levels.get(row).copied().unwrap_or_default() };
        let value = if level == present { values.next() } else { None };
        if *stays {
            kept.extend(value);
            kept_levels.push(level);
        }
    }
    writer.write_batch(&kept, (present > 0).then_some(kept_levels.as_slice()), None)?;
    Ok(())
}

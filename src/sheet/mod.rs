//! What pages of signed papers are made of: headings, tables, cells. Each page is made from its JSON file alone: the same file gives the same bytes.

mod cells;
mod table;

pub(crate) use cells::{LINES_MAX, level, moment, names, or_none, short, stage, text, words_of, yes};
pub(crate) use table::{Page, Part};

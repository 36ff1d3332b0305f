//! Parquet files: the footer, the pages, and chosen rows of a row group.
//!
//! From the bottom:
//!
//! - [`thrift`]: the encoding of footers and page headers; [`shapes`]: structs that are passed over;
//! - [`footer`]: a footer, walked ([`footer_walk`], [`tree`]) before it is parsed; [`check`]: its
//!   numbers; [`embedded`]: its Arrow schema; [`writer`]: what writers got wrong; [`catch`](mod@catch):
//!   decoders that panic;
//! - [`chunk`], [`header`], [`index`], [`pages`]: where the pages of a column chunk are;
//!   [`column_index`], [`extremes`]: what is known of the values in them, and in row groups;
//! - [`file`](mod@file): a file and all of that; [`splits`](mod@splits): where a large row group may
//!   be cut;
//! - [`page_reader`]: the pages of a chunk, through [`codec`] (their bytes, within a [`budget`], with
//!   [`snappy`]) and [`bounds`] (their claims, with [`delta`]); [`row_group`]: those of all columns;
//! - [`wanted`]: rows to read; [`decoder`]: read by the decoder of `parquet`; [`stream`]: texts of
//!   huge [`plain_pages`](mod@plain_pages), through [`inflate`] (their bytes) and [`levels`] (their
//!   nulls);
//! - [`plan`](mod@plan): what of an object far away is going to be read;
//! - [`read`](mod@read): each column in the way that suits it, put together by [`zip`]; [`lanes`]: on
//!   several cores.

mod bounds;
mod budget;
mod catch;
mod check;
mod chunk;
pub(super) mod codec;
mod column_index;
mod decoder;
mod delta;
mod embedded;
mod extremes;
mod file;
mod footer;
mod footer_walk;
#[cfg(feature = "fuzz")]
pub(super) mod fuzz;
mod header;
mod index;
mod inflate;
mod lanes;
mod levels;
mod page_reader;
mod pages;
mod plain_pages;
mod plan;
mod read;
mod row_group;
mod shapes;
mod snappy;
mod splits;
mod stream;
#[cfg(test)]
mod tests;
mod thrift;
mod tree;
mod wanted;
#[cfg(any(test, feature = "fuzz"))]
mod whole;
mod writer;
mod zip;

pub(super) use self::file::ParquetFile;
pub(super) use self::lanes::read_in_lanes;
pub(super) use self::read::read;
pub(super) use self::splits::{page_rows, splits};
pub(super) use self::wanted::Wanted;

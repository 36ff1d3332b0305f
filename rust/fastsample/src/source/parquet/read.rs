//! Reading chosen rows of a row group: each column in the way that suits its pages.

use super::decoder::Decoded;
use super::file::ParquetFile;
use super::plain_pages::{HUGE_PAGE, plain_pages};
use super::plan::plan;
use super::stream::Stream;
use super::wanted::Wanted;
use super::zip::{Columns, Zip};
use crate::error::Result;
use crate::source::batches::Batches;

/// Reads some columns, each in the way that suits it, window by window.
///
/// Columns come in the order of `roots`. Text and binary columns come as views, which refer to
/// the decompressed pages instead of copying them; those with huge pages come as copies of the
/// chosen values.
pub(crate) fn read(
    file: &ParquetFile,
    wanted: &Wanted,
    roots: &[usize],
) -> Result<Batches<'static>> {
    let mut parts = Vec::new();
    let mut others = Vec::new();
    let open = file.open_again()?.with_buffers(&wanted.buffers);
    plan(file, &open, wanted, roots);
    for (place, &root) in roots.iter().enumerate() {
        match plain_pages(file, &open, wanted.group, root, HUGE_PAGE) {
            Some(pages) => {
                let stream = Stream::new(file, open.again(), wanted, root, pages);
                parts.push(Columns::new(vec![place], Box::new(stream)));
            }
            None => others.push((place, root)),
        }
    }
    if parts.is_empty() {
        return Ok(Box::new(Decoded::open(file, open, wanted, roots)?));
    }
    if !others.is_empty() {
        let (places, roots): (Vec<usize>, Vec<usize>) = others.into_iter().unzip();
        parts.push(Columns::new(places, Box::new(Decoded::open(file, open, wanted, &roots)?)));
    }
    Ok(Box::new(Zip::new(parts)))
}

//! The header: the names of the columns, each once.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::fields::CsvFields;
use crate::source::lines::LineFault;

/// The names of the columns.
#[derive(Debug, Clone, Default)]
pub(super) struct CsvHeader {
    pub(super) names: Arc<[String]>,
    /// The record as it is in the file.
    pub(super) line: Bytes,
}

impl CsvHeader {
    /// The header that a record is.
    pub(super) fn parse(record: &[u8], delimiter: u8) -> Result<Self, LineFault> {
        if let Err(error) = simdutf8::compat::from_utf8(record) {
            return Err(LineFault {
                at: error.valid_up_to(),
                what: "the text is not valid UTF-8".into(),
            });
        }
        let mut names: Vec<String> = Vec::new();
        for field in CsvFields::new(record, delimiter) {
            names.push(String::from_utf8_lossy(&field?.text()).into_owned());
        }
        let fault = |what: String| Err(LineFault { at: 0, what: what.into() });
        if let Some(place) = names.iter().position(String::is_empty) {
            return fault(format!(
                "column {} of {} has no name in the header; \
                 name it, or write the file without it (to_csv(index=False) in pandas)",
                place + 1,
                names.len()
            ));
        }
        let mut known = HashSet::new();
        if let Some(name) = names.iter().find(|name| !known.insert(name.as_str())) {
            return fault(format!("the header names {name:?} twice; rename one of the columns"));
        }
        let others = [b',', b';', b'\t'].into_iter().filter(|&other| other != delimiter);
        if let ([name], Some(other)) =
            (&names[..], others.into_iter().find(|other| record.contains(other)))
            && !record.contains(&b'"')
        {
            return fault(format!(
                "the header is one column, {name:?}, with {:?} in it; fields are told apart by \
                 {:?} in such files; write the file so, or put quotes around the name",
                char::from(other),
                char::from(delimiter)
            ));
        }
        Ok(Self { names: names.into(), line: Bytes::copy_from_slice(record) })
    }
}

//! Sources that have grown: the rows that were there before, and rows of theirs that lie elsewhere.

use std::sync::Arc;

use super::file::SourceFile;
use super::joint::keep;
use super::unify::unify;
use super::{Fragment, Part, Source};
use crate::error::{Error, Result};
use crate::text::is_text;

impl Source {
    /// The first `rows` rows alone, all rows if there are fewer.
    #[must_use]
    pub fn head(&self, rows: u64) -> Self {
        let rows = rows.min(self.rows);
        let within = self.fragments.iter().filter(|fragment| fragment.first < rows);
        let cut = |fragment: &Fragment| Fragment {
            rows: fragment.rows.min(rows - fragment.first),
            ..*fragment
        };
        Self { fragments: within.map(cut).collect(), rows, ..self.clone() }
    }

    /// Fails unless the first files are those of `before`, as they were when it was opened.
    ///
    /// # Errors
    /// [`Error::Changed`]; [`Error::Argument`] for rows in memory, of which nobody can tell.
    pub(crate) fn check_grown(&self, before: &Self) -> Result<()> {
        if self.parts.len() < before.parts.len() {
            return Err(Error::Argument(format!(
                "the source has {} files, fewer than the {} it had; name these first, and new ones \
                 behind them",
                self.parts.len(),
                before.parts.len()
            )));
        }
        for (now, then) in self.parts.iter().zip(before.parts.iter()) {
            let (Some(now), Some(then)) = (now.data.file(), then.data.file()) else {
                return Err(Error::Argument(
                    "rows in memory may have changed; update samples of files".into(),
                ));
            };
            if !SourceFile::is_unchanged(then, now) {
                return Err(Error::Changed(now.path().to_path_buf()));
            }
        }
        Ok(())
    }

    /// The rows with the columns of `other`, in types that fit; what is lacking is null.
    ///
    /// # Errors
    /// [`Error::Schema`] for a column of another type, named as one of `what`.
    pub(crate) fn with_columns_of(&self, other: &Self, what: &str) -> Result<Self> {
        let schema = &other.schema;
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let own = Arc::new(keep(&self.schema, &names));
        let joint = unify(&[("the source".into(), schema.clone()), (what.into(), own)])?;
        for (joint, field) in joint.fields().iter().zip(schema.fields()) {
            let (found, wanted) = (joint.data_type(), field.data_type());
            if found != wanted && !(is_text(found) && is_text(wanted)) {
                return Err(Error::Schema(format!(
                    "{what}: column {:?} is {found} there but {wanted} in the source; draw anew",
                    field.name()
                )));
            }
        }
        let part = |part: &Part| Part::new(part.data.clone(), None, schema);
        let parts = self.parts.iter().map(part).collect();
        Ok(Self { parts, schema: schema.clone(), layout: None, ..self.clone() })
    }
}

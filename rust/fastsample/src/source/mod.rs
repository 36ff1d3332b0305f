//! Sources: files, folders and Arrow data as one sequence of rows.
//!
//! ```text
//!  paths ──▶ discover ──▶ parquet ─┐
//!                         ipc      │
//!                lines ─▶ jsonl    │
//!                         csv     ─┼─▶ data ──▶ unify ──▶ Source: parts ▶ fragments ▶ spans
//!  Arrow objects ───────▶ batches ─┘
//! ```
//!
//! A format is a file or a folder, and a variant of `Data`, which is all that the others see of it.
//!
//! A *part* is a file or a table. A *fragment* is what can be found without decoding: a row group,
//! a record batch, a chunk of lines. A *span* is what one task reads: a fragment, or a run of its pages when it is
//! large. Rows are numbered through all parts in order; that number is the row's *ordinal*.

mod ahead;
mod batches;
mod buffers;
mod column_types;
mod csv;
mod data;
mod discover;
mod extremes;
mod file;
mod fingerprint;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod glob;
mod grown;
mod imported;
mod index;
mod ipc;
mod joint;
mod jsonl;
mod lines;
mod listing;
mod local;
mod mapped;
mod named;
mod narrow;
mod object;
mod options;
mod origin;
mod parquet;
mod projected;
mod provenance;
mod refusal;
mod sliced;
mod survey;
mod unify;
mod unit_rows;
mod valid;
mod versions;
mod width;
mod zones;

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

pub use batches::Batches;
pub use column_types::ColumnTypes;
pub use data::PartInfo;
pub use discover::{EXTENSIONS, Found, discover};
pub(crate) use extremes::Extremes;
pub use fingerprint::fingerprints;
pub use imported::array_of;
pub(crate) use lines::LineLayout;
pub use listing::{Listed, choose};
pub(crate) use mapped::mapped_files;
pub(crate) use named::{NamedSources, joined};
pub use object::{Object, StoreIdentity};
pub use options::OpenOptions;
pub use projected::Projected;
pub(crate) use projected::{LINE, check_names};
pub use provenance::PROVENANCE;
pub(crate) use provenance::with_provenance;
pub use sliced::{FileSlice, SlicedFiles};
pub(crate) use survey::{FileFacts, JointColumns, put_schema, take_schema};
pub(crate) use valid::check_text;
pub(crate) use versions::FileVersion;
pub(crate) use width::bytes_of;
pub(crate) use zones::Zones;

use self::data::Data;
pub(crate) use self::file::{OpenFile, SourceFile};
use self::joint::joint;
use self::origin::Origin;
use self::unify::{ColumnMap, Label};
use crate::error::Result;
use crate::exec::{Context, map, map_in};
use crate::files::{open_together, settled};

/// Objects of a store that are opened at once.
const OPENED_AT_ONCE: usize = 16;

/// Rows that can be read again and again, in any part, by any thread.
#[derive(Debug, Clone)]
pub struct Source {
    parts: Arc<[Part]>,
    fragments: Arc<[Fragment]>,
    schema: SchemaRef,
    rows: u64,
    /// How every row can be copied, if all are whole lines of files, laid out alike.
    layout: Option<LineLayout>,
    origin: Arc<Origin>,
}

#[derive(Debug, Clone)]
struct Part {
    data: Arc<Data>,
    columns: ColumnMap,
    /// A column that tells its rows from those of other sources.
    label: Option<Label>,
}

impl Part {
    fn new(data: Arc<Data>, label: Option<Label>, schema: &Schema) -> Self {
        let columns = ColumnMap::new(schema, data.schema(), label.as_ref());
        Self { data, columns, label }
    }

    /// Where the columns of another schema are found.
    fn columns_of(&self, schema: &Schema) -> ColumnMap {
        ColumnMap::new(schema, self.data.schema(), self.label.as_ref())
    }
}

/// A row group, a record batch or a chunk of lines, or some of its rows.
#[derive(Debug, Clone, Copy)]
struct Fragment {
    part: usize,
    /// The index of the row group or record batch in its part.
    unit: usize,
    /// The first of its rows in the unit: not 0 only in slices of files.
    start: u64,
    /// The ordinal of its first row.
    first: u64,
    rows: u64,
}

/// Rows that one task reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    fragment: usize,
    /// Rows of the unit that the fragment lies in.
    range: Range<u64>,
    /// The ordinals of the rows.
    pub ordinals: Range<u64>,
}

impl Source {
    /// Opens files, folders and globs. Only footers are read; of files of lines, all lines.
    ///
    /// # Errors
    /// For whatever is missing, damaged, not supported, or does not fit together.
    pub fn open(ctx: &Context, locations: &[PathBuf], options: &OpenOptions) -> Result<Self> {
        let columns = options.columns.as_deref();
        let typed = RefCell::new(Vec::new());
        let passed_over = RefCell::new(Vec::new());
        let find = || {
            let mut paths = Vec::new();
            passed_over.borrow_mut().clear();
            for location in locations {
                let others = RefCell::new(Vec::new());
                paths.extend(settled(location, || {
                    let found = discover(location)?;
                    others.replace(found.passed_over);
                    Ok(found.files)
                })?);
                passed_over.borrow_mut().append(&mut others.into_inner());
            }
            Ok(paths)
        };
        let parts = open_together(find, |paths| {
            let open = |index: usize| Data::open(&SourceFile::new(&paths[index])?);
            let mut opened = map(ctx, paths.len(), open)?;
            typed.replace(index::index(ctx, &mut opened, options)?);
            Ok(paths.iter().map(|path| path.display().to_string()).zip(opened).collect())
        })?;
        let source = Self::new(parts, columns)?;
        Ok(source.found(passed_over.into_inner(), typed.into_inner()))
    }

    /// Opens objects of a store, in the order given. `passed_over` are others that lie there.
    ///
    /// # Errors
    /// For whatever is missing, damaged, not supported, or does not fit together.
    pub fn open_objects(
        ctx: &Context,
        objects: &[Arc<dyn Object>],
        passed_over: Vec<PathBuf>,
        options: &OpenOptions,
    ) -> Result<Self> {
        let open = |index: usize| Data::open(&SourceFile::Stored(objects[index].clone()));
        // Opening an object is waiting for it, whatever cores there are.
        let threads = ctx.threads().max(OPENED_AT_ONCE);
        let mut opened = map_in(ctx, threads, objects.len(), open)?;
        let typed = index::index(ctx, &mut opened, options)?;
        let names = objects.iter().map(|object| object.name().display().to_string());
        let source = Self::new(names.zip(opened).collect(), options.columns.as_deref())?;
        Ok(source.found(passed_over, typed))
    }

    /// The source with what is known of where it was found, and of the types of its columns.
    fn found(self, passed_over: Vec<PathBuf>, typed: Vec<String>) -> Self {
        let read: HashSet<&Path> = self.parts.iter().filter_map(|part| part.data.path()).collect();
        let origin = Arc::new(Origin::found(passed_over, &read, typed));
        Self { origin, ..self }
    }

    /// Rows that are in memory already. They are referred to, not copied. Files that they are
    /// mapped from are inputs, as far as the system tells.
    ///
    /// # Errors
    /// When a requested column does not exist, or two have the same name.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    /// use fastsample::Source;
    ///
    /// let prompts: ArrayRef = Arc::new(StringArray::from(vec!["你好", "Good morning"]));
    /// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    /// let batch = RecordBatch::try_from_iter([("prompt", prompts), ("id", ids)])?;
    /// let columns = ["prompt".to_owned()];
    /// let source = Source::from_batches(batch.schema(), vec![batch], Some(&columns))?;
    /// assert_eq!((source.rows(), source.schema().fields().len()), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_batches(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        columns: Option<&[String]>,
    ) -> Result<Self> {
        let files = mapped_files(&batches);
        let parts = vec![("the data".into(), Data::Batches { schema, batches })];
        Ok(Self::new(parts, columns)?.with_inputs(files))
    }

    fn new(parts: Vec<(String, Data)>, columns: Option<&[String]>) -> Result<Self> {
        let schemas: Vec<(String, SchemaRef)> =
            parts.iter().map(|(name, data)| (name.clone(), data.schema().clone())).collect();
        let schema = joint(&schemas, columns)?;
        let (mut fragments, mut rows) = (Vec::new(), 0);
        for (part, (_, data)) in parts.iter().enumerate() {
            for (unit, count) in data.units().into_iter().enumerate() {
                if count > 0 {
                    fragments.push(Fragment { part, unit, start: 0, first: rows, rows: count });
                    rows += count;
                }
            }
        }
        let layout = if columns.is_none() { layout(&parts) } else { None };
        let parts: Vec<Part> =
            parts.into_iter().map(|(_, data)| Part::new(Arc::new(data), None, &schema)).collect();
        let (parts, fragments) = (parts.into(), fragments.into());
        Ok(Self { parts, fragments, schema, rows, layout, origin: Arc::default() })
    }

    /// The columns of every batch, and the metadata to be kept.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether some part has a column of this name that is not among those kept.
    #[must_use]
    pub fn leaves_out(&self, column: &str) -> bool {
        let has = |part: &Part| part.data.schema().index_of(column).is_ok();
        self.schema.index_of(column).is_err() && self.parts.iter().any(has)
    }

    /// Rows in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How every row can be copied, if all are lines of files with all their columns.
    pub(crate) fn layout(&self) -> Option<&LineLayout> {
        self.layout.as_ref()
    }

    /// The files of this source.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| part.data.local())
    }

    /// The objects of stores that are parts of this source.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<dyn Object>> {
        self.parts.iter().filter_map(|part| part.data.stored())
    }

    /// Whether some of its rows are in memory, and in no file.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.parts.iter().any(|part| part.data.path().is_none())
    }

    /// A sentence about files that lie in the folders or match the globs, and are not read.
    #[must_use]
    pub fn passed_over(&self) -> Option<String> {
        discover::note(&self.origin.passed_over)
    }

    /// What one should know of the types of columns, a sentence each: those that were set, and those
    /// that are due to a few of the values.
    #[must_use]
    pub fn typed(&self) -> &[String] {
        &self.origin.typed
    }

    /// All files that no output may replace: those of [`Source::paths`], and others that the rows
    /// came from.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        self.paths().map(Path::to_path_buf).chain(self.origin.inputs.iter().cloned()).collect()
    }

    /// The source with more files that no output may replace: what rows in memory were read from.
    #[must_use]
    pub fn with_inputs(self, inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { origin: Arc::new(self.origin.with_inputs(inputs)), ..self }
    }

    /// What is known of each part without reading rows.
    #[must_use]
    pub fn inspect(&self) -> Vec<PartInfo> {
        self.parts.iter().map(|part| part.data.info()).collect()
    }
}

/// How the rows of all parts can be copied, if it is in one way.
fn layout(parts: &[(String, Data)]) -> Option<LineLayout> {
    let first = parts.first()?.1.layout()?;
    let same = |(_, data): &(String, Data)| data.layout().as_ref() == Some(&first);
    parts.iter().all(same).then_some(first)
}

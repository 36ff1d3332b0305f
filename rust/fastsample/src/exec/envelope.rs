//! Envelope of serialised states: which job they belong to, which rows they cover, and a checksum.
//!
//! ```text
//!  magic            8 bytes   "fastsmpl"
//!  envelope         u16       version of this layout
//!  kind             u16       what the payload is
//!  version          u32       version of the payload's layout
//!  fingerprint      u64       the job: rows of the source, options
//!  rows             u64       rows of the whole source
//!  intervals        u64       how many; then first and end of each, u64, ascending, disjoint
//!  payload          u64       bytes; then the payload
//!  checksum         u64       XXH3 of all bytes before
//! ```
//!
//! All numbers are little-endian. States of parts are merged in any order; a merge refuses what
//! another job made, and rows that are there already; a decision refuses gaps.

use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Error, Result};

const MAGIC: [u8; 8] = *b"fastsmpl";

/// Version of the layout of the envelope.
const ENVELOPE: u16 = 1;

/// What every state, and every file of states, begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    envelope: u16,
    /// What the payload is.
    pub(crate) kind: u16,
    /// Version of the payload's layout.
    pub(crate) version: u32,
}

impl Head {
    /// Bytes of it.
    pub(crate) const BYTES: usize = MAGIC.len() + 8;

    pub(crate) fn new(kind: u16, version: u32) -> Self {
        Self { envelope: ENVELOPE, kind, version }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.envelope.to_le_bytes());
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(self.version.to_le_bytes());
        bytes
    }

    /// What some bytes begin with; none if they are too few, or are no state at all.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        Some(Self {
            envelope: u16::from_le_bytes(take(&mut rest)?),
            kind: u16::from_le_bytes(take(&mut rest)?),
            version: u32::from_le_bytes(take(&mut rest)?),
        })
    }
}

/// What states of all parts must agree in: a hash of the rows of the source and of the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    rows: u64,
    fingerprint: u64,
}

impl Job {
    /// A job over a source of `rows` rows.
    #[must_use]
    pub fn new(rows: u64) -> Self {
        Self { rows, fingerprint: xxh3_64(&rows.to_le_bytes()) }
    }

    /// The same with one more option.
    #[must_use]
    pub fn with(self, name: &str, value: &[u8]) -> Self {
        let mut hash = Xxh3::with_seed(self.fingerprint);
        for bytes in [name.as_bytes(), value] {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        Self { fingerprint: hash.digest(), ..self }
    }

    /// Rows of the whole source.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// A state that can be sent: what a part of a source says.
pub trait Payload: Sized {
    /// Which one this is, frozen.
    const KIND: u16;
    /// Version of the layout of [`Payload::write`].
    const VERSION: u32;
    /// Its name in messages.
    const NAME: &'static str;
    /// What the numbers are that it covers, in messages.
    const UNIT: &'static str = "rows";

    /// Appends it to `bytes`.
    fn write(&self, bytes: &mut Vec<u8>);

    /// What [`Payload::write`] wrote; none if the bytes are not that.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Whether it can be what these rows say: ascending, disjoint, not touching.
    fn covers(&self, _rows: &[Range<u64>]) -> bool {
        true
    }

    /// Takes in the state of other rows.
    fn merge(&mut self, other: Self);
}

/// The state of some rows of a job. States of parts merge in any order.
#[derive(Debug, Clone)]
pub struct State<P> {
    job: Job,
    /// Ordinals, ascending, disjoint, not touching.
    covered: Vec<Range<u64>>,
    payload: P,
}

impl<P: Payload> State<P> {
    /// What the rows `ordinals` of a job say.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the source of the job does not have them.
    pub fn new(job: Job, ordinals: Range<u64>, payload: P) -> Result<Self> {
        if ordinals.start > ordinals.end || ordinals.end > job.rows {
            return Err(Error::Invalid(format!(
                "{unit} {} to {} are not among the {} {unit} of the source",
                ordinals.start,
                ordinals.end,
                job.rows,
                unit = P::UNIT
            )));
        }
        let covered = if ordinals.is_empty() { Vec::new() } else { vec![ordinals] };
        Ok(Self { job, covered, payload })
    }

    /// Rows of the whole source.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.job.rows
    }

    /// Takes in the state of another part.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a state of another job, or of rows that are there already; nothing
    /// has changed then.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        if self.job != other.job {
            return Err(Error::Invalid(format!(
                "{} of another job: of {} {} with fingerprint {:016x}, not of {} with {:016x}; \
                 make all parts from the same source with the same options",
                P::NAME,
                other.job.rows,
                P::UNIT,
                other.job.fingerprint,
                self.job.rows,
                self.job.fingerprint
            )));
        }
        self.covered = union::<P>(&self.covered, &other.covered)?;
        self.payload.merge(other.payload);
        Ok(())
    }

    /// Fails unless the state belongs to `job`.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(&self, job: Job) -> Result<()> {
        if self.job == job {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "{} of another job: with fingerprint {:016x}, not {:016x}; the source, the options and \
             the version of fastsample must be the same in all processes",
            P::NAME,
            self.job.fingerprint,
            job.fingerprint
        )))
    }

    /// The merged state of a whole source.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless all rows are covered.
    pub fn finish(self) -> Result<P> {
        let mut next = 0;
        for rows in &self.covered {
            if rows.start > next {
                break;
            }
            next = rows.end;
        }
        if next < self.job.rows {
            let after = self.covered.iter().map(|rows| rows.start).find(|&start| start > next);
            return Err(Error::Invalid(format!(
                "{} of {unit} {next} to {} of {} are missing; merge the parts of all {unit} first",
                P::NAME,
                after.unwrap_or(self.job.rows),
                self.job.rows,
                unit = P::UNIT
            )));
        }
        Ok(self.payload)
    }

    /// The state as bytes, for another process to merge.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Head::new(P::KIND, P::VERSION).to_bytes();
        let ends = self.covered.iter().flat_map(|rows| [rows.start, rows.end]);
        let numbers = [self.job.fingerprint, self.job.rows, self.covered.len() as u64];
        numbers.into_iter().chain(ends).for_each(|number| bytes.extend(number.to_le_bytes()));
        let place = bytes.len();
        bytes.extend([0; 8]);
        self.payload.write(&mut bytes);
        let len = (bytes.len() - place - 8) as u64;
        bytes[place..place + 8].copy_from_slice(&len.to_le_bytes());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// The state that [`State::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] for bytes that are damaged, of another kind or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = || {
            Error::Invalid(format!("{} are damaged or were cut short; send them again", P::NAME))
        };
        let (body, checksum) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if !body.starts_with(&MAGIC) && body.len() >= MAGIC.len() {
            return Err(Error::Invalid(format!(
                "these bytes are no {} of fastsample, or their beginning is damaged",
                P::NAME
            )));
        }
        if xxh3_64(body) != u64::from_le_bytes(*checksum) {
            return Err(damaged());
        }
        let Head { envelope, kind, version } = Head::of(body).ok_or_else(damaged)?;
        let mut rest = &body[Head::BYTES..];
        if kind != P::KIND && envelope == ENVELOPE {
            return Err(Error::Invalid(format!(
                "a state of kind {kind} where {} (kind {}) are needed",
                P::NAME,
                P::KIND
            )));
        }
        if (envelope, version) != (ENVELOPE, P::VERSION) {
            return Err(Error::Invalid(format!(
                "{} have version {envelope}.{version}, not {ENVELOPE}.{}; make all parts with the \
                 same version of fastsample",
                P::NAME,
                P::VERSION
            )));
        }
        let mut number = || take(&mut rest).map(u64::from_le_bytes).ok_or_else(damaged);
        let (fingerprint, rows_in_all, intervals) = (number()?, number()?, number()?);
        let mut covered = Vec::new();
        for _ in 0..intervals {
            covered.push(number()?..number()?);
        }
        if number()? != rest.len() as u64 {
            return Err(damaged());
        }
        let is_sound = |rows: &Range<u64>| rows.start < rows.end && rows.end <= rows_in_all;
        if !covered.iter().all(is_sound) {
            return Err(damaged());
        }
        let covered = union::<P>(&covered, &[])?;
        let payload = P::read(rest).filter(|payload| payload.covers(&covered));
        let payload = payload.ok_or_else(damaged)?;
        let job = Job { rows: rows_in_all, fingerprint };
        Ok(Self { job, covered, payload })
    }
}

/// Which state these bytes are said to be; none if they are no state at all.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> Option<u16> {
    Head::of(bytes).map(|head| head.kind)
}

/// The first bytes, which are taken off.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

/// All rows of both, unless they share some.
pub(crate) fn union<P: Payload>(a: &[Range<u64>], b: &[Range<u64>]) -> Result<Vec<Range<u64>>> {
    let mut all: Vec<Range<u64>> = a.iter().chain(b).cloned().collect();
    all.sort_unstable_by_key(|rows| rows.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(all.len());
    for rows in all {
        match joined.last_mut() {
            Some(last) if rows.start < last.end => {
                return Err(Error::Invalid(format!(
                    "{} of {} {} to {} come twice; merge each part once",
                    P::NAME,
                    P::UNIT,
                    rows.start,
                    rows.end.min(last.end)
                )));
            }
            Some(last) if rows.start == last.end => last.end = rows.end,
            _ => joined.push(rows),
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests;

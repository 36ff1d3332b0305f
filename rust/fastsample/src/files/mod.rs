//! Output files: where they may go, and how one file or a set of them appears whole or not at all.
//!
//! - `output_path`: the one rule for every output: never an input, a folder, a device or a pipe;
//! - `identity`, `system`: what tells files apart; names made durable, errors in plain words;
//! - `draft`: a file that is being written and has no name yet;
//! - `staging`: the folder for what needs a name before its time, under a lock;
//! - `journal`: the list of a set, and how a set is completed or taken back;
//! - `recover`: what a run does with the staging folders of runs that died;
//! - `open`: how a reader gets all files of a set old, or all new;
//! - `set`: outputs that appear together; `outgoing`: written to disk while they grow.
//!
//! # Protocol
//!
//! ```text
//!  F                          the folder of the outputs
//!  F/.fastsample/             exists only while a name is needed, or after a kill
//!  F/.fastsample/<id>/lock    locked (flock) by the process that made the folder, while it lives
//!  F/.fastsample/<id>/<k>     the new file of member k
//!  F/.fastsample/<id>/old-<k> the file that it replaces: a hard link
//!  F/.fastsample/<id>/commit  the list of members; from here on the new set counts
//!  F/.fastsample/<id>/abort   the list of a set that is being taken back
//!
//!  create      recover F; check every target; open an unnamed file (O_TMPFILE) for each,
//!              or F/.fastsample/<id>/<k> where the system has none, or there are too many
//!  write       into those files
//!  commit      fsync every file; stop here if the call was cancelled
//!    one file  link the unnamed file to its name; if that exists, link it to <id>/0 and rename
//!    a set     link all new files to <id>/<k>; link the files they replace to <id>/old-<k>
//!              lock F/.fastsample; write, fsync and rename <id>/commit; fsync the folders
//!              for each k: rename <id>/<k> to its name        (complete)
//!              fsync F; remove <id>
//!    failure   rename commit to abort
//!              for each k: rename <id>/old-<k> back, or remove what was new    (take back)
//!              remove <id>
//!
//!  recover F   lock F/.fastsample; for each <id> whose lock can be taken:
//!              with commit: complete, or else take back; with abort: take back; remove <id>
//! ```
//!
//! Every step of "complete" and "take back" can be repeated, so a kill between two of them is
//! followed by the same step of the next recovery.
//!
//! # What is guaranteed
//!
//! - After a kill or a failure at any point, a name has the old contents or the new ones, whole.
//! - Of a set, all members are old or all are new, to every reader that recovers the folder first.
//!   [`crate::Source::open`] does, and every call that writes into the folder.
//! - One file leaves nothing after a kill, apart from the moment in which it replaces another.
//!   Whatever is left is removed by the next call that reads or writes in the folder.
//! - Two processes that write the same set at once: one set is complete, then the other.
//! - On a system that keeps the order of what was synced, the same holds after a loss of power.
//!
//! What is not: a reader that knows nothing of the journal, and lists the folder between two
//! renames, or after a kill between them and before the next recovery, sees some members old and
//! some new. File systems without `flock` are never swept. Members of a set lie in one folder.

mod draft;
mod identity;
mod journal;
mod open;
mod outgoing;
mod output_path;
mod recover;
mod set;
mod staging;
mod system;

use std::path::{Path, PathBuf};

pub(crate) use self::identity::Identity;
pub(crate) use self::open::{open_together, settled};
pub(crate) use self::outgoing::Outgoing;
use self::output_path::OutputPath;
pub(crate) use self::set::{Output, OutputSet};
pub(crate) use self::staging::Workspace;
pub use self::system::be_portable;
pub(crate) use self::system::{has_linux_ways, reason};
use crate::error::Result;
use crate::exec::Context;

/// Fails unless `path` may be written: it is no input, and no folder, device or pipe.
///
/// # Errors
/// [`crate::Error::Output`], as writing to it would give.
pub fn check(path: &Path, overwrite: bool, inputs: &[PathBuf]) -> Result<()> {
    OutputPath::new(path, overwrite, inputs).map(drop)
}

/// Writes small files, all of them or none. Their folder must exist.
///
/// # Errors
/// [`crate::Error::Output`]; then every file is as it was.
pub fn write(
    ctx: &Context,
    files: &[(PathBuf, Vec<u8>)],
    overwrite: bool,
    inputs: &[PathBuf],
) -> Result<()> {
    use std::io::Write;
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let set = OutputSet::create(ctx, &paths, overwrite, inputs)?;
    for (output, (_, bytes)) in set.outputs().iter().zip(files) {
        let mut file = output.open()?;
        file.write_all(bytes).map_err(|error| output.failed(&reason(&error)))?;
    }
    set.commit().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_second_set_waits_for_nothing_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let ctx = Context::new(Some(1));
        let paths: Vec<PathBuf> = ["a", "b"].map(|name| home.path().join(name)).into();
        let first = OutputSet::create(&ctx, &paths, true, &[]).unwrap();
        let files: Vec<_> = paths.iter().map(|path| (path.clone(), b"second".to_vec())).collect();
        write(&ctx, &files, true, &[]).unwrap();
        assert_eq!(std::fs::read(&paths[1]).unwrap(), b"second");
        // Dropped without a commit.
        drop(first);
        assert_eq!(std::fs::read(&paths[0]).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_cancelled_call_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let ctx = Context::new(Some(1));
        let path = home.path().join("a");
        let set = OutputSet::create(&ctx, std::slice::from_ref(&path), true, &[]).unwrap();
        ctx.cancel();
        assert!(matches!(set.commit(), Err(Error::Cancelled)));
        assert!(!path.exists());
        // One that was cancelled too late is complete, and is not swept.
        let ctx = Context::new(Some(1));
        write(&ctx, &[(path.clone(), Vec::new())], true, &[]).unwrap();
        ctx.cancel();
        assert!(!ctx.sweep());
        assert!(path.exists());
    }
}

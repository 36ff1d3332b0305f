//! What a run does with the staging folders of runs that died: their sets are completed, the rest
//! is removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::journal::{SetStatus, complete, find, new_file, take_back};
use super::staging::{is_id, is_trusted, lock_of_dead, lock_root, remove, root_of};

/// Members of sets that count but can't be put in place by this user: by name, where they lie.
pub(super) type Unplaced = BTreeMap<PathBuf, PathBuf>;

/// Finishes what killed runs left in `folder`, and waits for a run that is just putting its files
/// in place. Costs a look at one name where there is nothing; then it returns none.
pub(super) fn settle(folder: &Path) -> Option<Unplaced> {
    let root = root_of(folder);
    if !root.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return None;
    }
    let mut pending = BTreeMap::new();
    let _lock = lock_root(folder);
    let entries = std::fs::read_dir(&root).into_iter().flatten().flatten();
    let ids = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_id));
    for staging in ids.map(|entry| entry.path()).filter(|path| is_trusted(path, folder)) {
        match lock_of_dead(&staging) {
            Some(_lock) => {
                if finish(&staging, folder) {
                    remove(&staging);
                }
            }
            // Removed only if it is empty: the owner was killed before it made the lock, or after
            // it removed it, or is about to make it and will see.
            None => drop(std::fs::remove_dir(&staging)),
        }
        if let SetStatus::Commit(members) = find(&staging) {
            let unplaced = members.into_iter().enumerate().filter_map(|(k, member)| {
                let new = new_file(&staging, k);
                new.exists().then(|| (folder.join(member.name), new))
            });
            pending.extend(unplaced);
        }
    }
    let _ = std::fs::remove_dir(&root);
    Some(pending)
}

/// Completes the set of a dead run or takes it back. False if neither was possible.
fn finish(staging: &Path, folder: &Path) -> bool {
    match find(staging) {
        SetStatus::Nothing => true,
        SetStatus::Abort(members) => take_back(staging, folder, &members).is_ok(),
        SetStatus::Commit(members) => {
            complete(staging, folder, &members).is_ok()
                || take_back(staging, folder, &members).is_ok()
        }
    }
}

//! Journal of a set: the list of its members, and how a set is completed or taken back.
//!
//! ```text
//!  complete    for each k: if <id>/<k> exists, rename it to its name
//!  take back   for each k, from the last:
//!                if the name is not the new file, it is the old one: leave it
//!                else if old-<k> exists, rename it to the name
//!                else if k replaced nothing, remove the name
//! ```
//!
//! Each step leaves a state from which the same step can be done again.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::draft::place_new;
use super::identity::file_id;
use super::system::sync_folder;

/// The list of a set that counts.
const COMMIT: &str = "commit";

/// The list of a set that is being taken back.
const ABORT: &str = "abort";

/// The list while it is being written.
const DRAFT: &str = "list";

const HEAD: &[u8] = b"fastsample set 1\n";

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name in the folder of the set.
    pub(super) name: OsString,
    /// Whether a file of that name was there before. One that was not is never replaced.
    pub(super) replaces: bool,
    /// The inode of the new file, by which it is known under its name.
    pub(super) id: u64,
}

/// What the list of a staging folder says.
#[derive(Debug)]
pub(super) enum SetStatus {
    /// No set was committed.
    Nothing,
    /// The set counts.
    Commit(Vec<Member>),
    /// The set is being taken back.
    Abort(Vec<Member>),
}

/// The new file of member `k`.
pub(super) fn new_file(staging: &Path, k: usize) -> PathBuf {
    staging.join(k.to_string())
}

/// The file that member `k` replaces.
pub(super) fn old_file(staging: &Path, k: usize) -> PathBuf {
    staging.join(format!("old-{k}"))
}

/// Makes the set of `staging` count.
pub(super) fn commit(staging: &Path, folder: &Path, members: &[Member]) -> io::Result<()> {
    let draft = staging.join(DRAFT);
    let mut file = File::options().write(true).create_new(true).open(&draft)?;
    file.write_all(&encode(members))?;
    file.sync_all()?;
    // The new files must be there whenever the list is.
    sync_folder(staging)?;
    if let Some(root) = staging.parent() {
        sync_folder(root)?;
    }
    sync_folder(folder)?;
    std::fs::rename(draft, staging.join(COMMIT))?;
    sync_folder(staging)
}

/// What there is to do in a staging folder whose owner is dead.
pub(super) fn find(staging: &Path) -> SetStatus {
    let read = |name: &str| decode(&std::fs::read(staging.join(name)).ok()?);
    match (read(ABORT), read(COMMIT)) {
        (Some(members), _) => SetStatus::Abort(members),
        (None, Some(members)) => SetStatus::Commit(members),
        (None, None) => SetStatus::Nothing,
    }
}

/// Removes the list: nothing more is to be done.
pub(super) fn forget(staging: &Path) {
    for list in [COMMIT, ABORT] {
        let _ = std::fs::remove_file(staging.join(list));
    }
}

/// Renames every new file to its name.
pub(super) fn complete(staging: &Path, folder: &Path, members: &[Member]) -> io::Result<()> {
    for (k, member) in members.iter().enumerate() {
        let (new, name) = (new_file(staging, k), folder.join(&member.name));
        if !new.exists() {
            continue;
        }
        if member.replaces {
            let old = old_file(staging, k);
            // A file system without hard links, on which the old file could not be kept before.
            if !old.exists() && name.exists() {
                std::fs::rename(&name, &old)?;
            }
            std::fs::rename(&new, &name)?;
        } else {
            place_new(&new, &name)?;
        }
    }
    // Where names cannot be made durable, those of the staging folder could not, either.
    let _ = sync_folder(folder);
    Ok(())
}

/// Puts every file that was replaced back, and removes what was new.
pub(super) fn take_back(staging: &Path, folder: &Path, members: &[Member]) -> io::Result<()> {
    let commit = staging.join(COMMIT);
    if commit.exists() {
        std::fs::rename(commit, staging.join(ABORT))?;
        sync_folder(staging)?;
    }
    for (k, member) in members.iter().enumerate().rev() {
        let (old, name) = (old_file(staging, k), folder.join(&member.name));
        // A file of another writer is no more touched than the old one.
        let found = file_id(&name).ok();
        if found.is_some_and(|id| id != member.id) {
            continue;
        }
        if old.exists() {
            std::fs::rename(&old, &name)?;
        } else if !member.replaces && found.is_some() {
            std::fs::remove_file(&name)?;
        }
    }
    let _ = sync_folder(folder);
    Ok(())
}

/// A head; for each member its inode, `+` or `=` (it replaces a file), its name, a zero; a checksum.
fn encode(members: &[Member]) -> Vec<u8> {
    let mut bytes = HEAD.to_vec();
    for member in members {
        bytes.extend_from_slice(member.id.to_string().as_bytes());
        bytes.push(if member.replaces { b'=' } else { b'+' });
        bytes.extend_from_slice(member.name.as_encoded_bytes());
        bytes.push(0);
    }
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// None for anything that is not a whole list.
fn decode(bytes: &[u8]) -> Option<Vec<Member>> {
    let (bytes, checksum) = bytes.split_last_chunk::<8>()?;
    if xxh3_64(bytes).to_le_bytes() != *checksum {
        return None;
    }
    let entries = bytes.strip_prefix(HEAD)?.strip_suffix(&[0])?;
    let member = |entry: &[u8]| {
        let kind = entry.iter().position(|byte| !byte.is_ascii_digit())?;
        let id = std::str::from_utf8(&entry[..kind]).ok()?.parse().ok()?;
        let (kind, name) = (entry[kind], &entry[kind + 1..]);
        // A name with a slash would lead out of the folder.
        let is_name = !name.is_empty() && !name.contains(&b'/') && name != b".." && name != b".";
        let is_known = kind == b'=' || kind == b'+';
        let name = (is_name && is_known).then(|| os_string(name)).flatten()?;
        Some(Member { name, replaces: kind == b'=', id })
    };
    entries.split(|&byte| byte == 0).map(member).collect()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have names of no bytes")]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    String::from_utf8(bytes.to_vec()).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Member> {
        let member = |name: &str, replaces, id| Member { name: name.into(), replaces, id };
        vec![member("a.parquet", true, 1), member("1+b\nc.parquet", false, 22)]
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        assert_eq!(decode(&encode(&members())), Some(members()));
    }

    #[test]
    fn a_damaged_list_is_none() {
        let whole = encode(&members());
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end]), None);
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert_eq!(decode(&damaged), None);
        }
        let outside = [Member { name: "../a".into(), replaces: true, id: 1 }];
        assert_eq!(decode(&encode(&outside)), None);
    }

    #[test]
    fn every_interruption_can_be_continued() {
        for (done, is_back) in [(0, false), (1, false), (2, false), (0, true), (1, true), (2, true)]
        {
            let home = tempfile::tempdir().unwrap();
            let (folder, staging) = (home.path(), home.path().join("s"));
            std::fs::create_dir(&staging).unwrap();
            let mut members = members();
            std::fs::write(folder.join(&members[0].name), "old").unwrap();
            for (k, member) in members.iter_mut().enumerate() {
                std::fs::write(new_file(&staging, k), format!("new {k}")).unwrap();
                member.id = file_id(&new_file(&staging, k)).unwrap();
            }
            std::fs::hard_link(folder.join(&members[0].name), old_file(&staging, 0)).unwrap();
            commit(&staging, folder, &members).unwrap();
            complete(&staging, folder, &members[..done]).unwrap();
            assert!(matches!(find(&staging), SetStatus::Commit(found) if found == members));
            let finish = if is_back { take_back } else { complete };
            finish(&staging, folder, &members).unwrap();
            finish(&staging, folder, &members).unwrap();
            let read = |k: usize| std::fs::read_to_string(folder.join(&members[k].name)).ok();
            let (first, second) = if is_back {
                assert!(matches!(find(&staging), SetStatus::Abort(_)));
                (Some("old"), None)
            } else {
                (Some("new 0"), Some("new 1"))
            };
            assert_eq!((read(0).as_deref(), read(1).as_deref()), (first, second));
        }
    }

    #[test]
    fn files_of_others_are_not_taken_back() {
        let home = tempfile::tempdir().unwrap();
        let (folder, staging) = (home.path(), home.path().join("s"));
        std::fs::create_dir(&staging).unwrap();
        let members = members();
        for member in &members {
            std::fs::write(folder.join(&member.name), "another's").unwrap();
        }
        std::fs::write(old_file(&staging, 0), "old").unwrap();
        take_back(&staging, folder, &members).unwrap();
        for member in &members {
            let found = std::fs::read_to_string(folder.join(&member.name)).unwrap();
            assert_eq!(found, "another's");
        }
    }
}

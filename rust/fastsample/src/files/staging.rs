//! Staging folder, `F/.fastsample/<id>`: files that need a name before their time, under a lock.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use xxhash_rust::xxh3::xxh3_64;

use super::draft::Draft;
use super::identity::inode;
use super::journal;
use crate::exec::{Context, lock};

/// The folder of all staging folders of `F`.
const ROOT: &str = ".fastsample";

/// The file of a staging folder that its owner locks.
pub(super) const LOCK: &str = "lock";

/// How often a staging folder is made again after another process has taken it for a dead one.
const ATTEMPTS: usize = 100;

/// How long to wait for another process that puts its files in place, a matter of milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// Where the outputs of a folder are made: files without names, or a staging folder.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
    staging: Mutex<Option<Staging>>,
    ctx: Context,
}

impl Workspace {
    pub(crate) fn new(ctx: &Context, folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), staging: Mutex::default(), ctx: ctx.clone() }
    }

    /// A new file: without a name where that is possible and not `named`, else called `name` in
    /// the staging folder.
    pub(crate) fn draft(&self, name: &str, named: bool) -> io::Result<Draft> {
        if !named && let Some(draft) = Draft::unnamed(&self.folder) {
            return Ok(draft);
        }
        Draft::named(self.staging()?.join(name))
    }

    /// The staging folder, made when it is asked for first.
    pub(super) fn staging(&self) -> io::Result<PathBuf> {
        let mut staging = lock(&self.staging);
        if let Some(staging) = &*staging {
            return Ok(staging.path.clone());
        }
        let made = Staging::create(&self.ctx, &self.folder)?;
        let path = made.path.clone();
        *staging = Some(made);
        Ok(path)
    }

    /// Leaves the staging folder to the next run, which completes or takes back what is in it.
    pub(super) fn abandon(&self) {
        if let Some(staging) = &mut *lock(&self.staging) {
            staging.is_kept = true;
        }
    }
}

/// A staging folder of this process, removed when it is dropped.
#[derive(Debug)]
struct Staging {
    path: PathBuf,
    is_kept: bool,
    ctx: Context,
    /// Locked until it is closed, after the folder has been removed.
    _lock: Option<File>,
}

impl Staging {
    fn create(ctx: &Context, folder: &Path) -> io::Result<Self> {
        let root = root_of(folder);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..ATTEMPTS {
            create_root(&root)?;
            let path = root.join(new_id());
            match std::fs::create_dir(&path).and_then(|()| new_lock(&path)) {
                Ok(Some(lock)) => {
                    ctx.add_scratch(&path);
                    return Ok(Self { path, is_kept: false, ctx: ctx.clone(), _lock: Some(lock) });
                }
                // Another process has taken the folder for that of a dead one.
                Ok(None) => {}
                Err(error) => {
                    remove(&path);
                    let is_race = matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists
                    );
                    if !is_race {
                        return Err(error);
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_kept {
            remove(&self.path);
        }
        self.ctx.forget_scratch(&self.path);
    }
}

/// `F/.fastsample`.
pub(super) fn root_of(folder: &Path) -> PathBuf {
    folder.join(ROOT)
}

/// Makes the folder of all staging folders, unless it is there.
fn create_root(root: &Path) -> io::Result<()> {
    match std::fs::create_dir(root) {
        // Where this is not possible, other users can write single files all the same.
        Ok(()) => drop(open_to_all(root)),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        // A link could lead anywhere.
        Err(error) if root.symlink_metadata().is_ok_and(|found| !found.is_dir()) => {
            return Err(error);
        }
        Err(_) => {}
    }
    Ok(())
}

/// Whoever may write to the folder of the outputs may make a staging folder, too.
#[cfg(unix)]
fn open_to_all(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o1777))
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether what lies in a staging folder may be put into `folder` by this user.
///
/// In a folder like `/tmp` nobody may rename the files of others, and so nobody may have them
/// renamed.
#[cfg(unix)]
pub(super) fn is_trusted(staging: &Path, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(staging), Ok(folder)) = (staging.symlink_metadata(), folder.metadata()) else {
        return false;
    };
    let is_sticky = folder.mode() & 0o1000 != 0;
    staging.is_dir() && (!is_sticky || staging.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(super) fn is_trusted(_: &Path, _: &Path) -> bool {
    true
}

/// A name that no other staging folder has, in 16 hexadecimal digits.
fn new_id() -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = format!("{} {made} {}", std::process::id(), now.as_nanos());
    format!("{:016x}", xxh3_64(seed.as_bytes()))
}

/// Whether a name is one of ours.
pub(super) fn is_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes and locks the lock of a new staging folder. None if another process was quicker.
fn new_lock(staging: &Path) -> io::Result<Option<File>> {
    let path = staging.join(LOCK);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    // A system without locks never removes what is locked, so nothing is lost there.
    Ok((try_lock(&file) != Lock::Taken && is_open_at(&file, &path)).then_some(file))
}

/// Takes the lock of a staging folder, if its owner is dead.
pub(super) fn lock_of_dead(staging: &Path) -> Option<File> {
    let path = staging.join(LOCK);
    let file = File::options().read(true).write(true).open(&path).ok()?;
    (try_lock(&file) == Lock::Ours && is_open_at(&file, &path)).then_some(file)
}

/// Waits until no other process puts its files in place in `folder`, and keeps others from it.
///
/// None where the folder has no staging folders, or cannot be locked.
pub(super) fn lock_root(folder: &Path) -> Option<File> {
    let path = root_of(folder);
    let started = Instant::now();
    loop {
        let file = File::open(&path).ok()?;
        match try_lock(&file) {
            Lock::Ours if is_open_at(&file, &path) => return Some(file),
            Lock::Unsupported => return None,
            _ if started.elapsed() > WAIT => return None,
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Removes a staging folder; its lock last, and only if nothing else is left: the next run looks
/// for it.
pub(super) fn remove(staging: &Path) {
    // The list first: what it says is done, and must not be done again.
    journal::forget(staging);
    let Ok(entries) = std::fs::read_dir(staging) else { return };
    let others = entries.flatten().filter(|entry| entry.file_name() != LOCK);
    if others.map(|entry| std::fs::remove_file(entry.path())).filter(Result::is_err).count() > 0 {
        return;
    }
    let _ = std::fs::remove_file(staging.join(LOCK));
    let _ = std::fs::remove_dir(staging);
    if let Some(root) = staging.parent() {
        // Fails as long as there are others.
        let _ = std::fs::remove_dir(root);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Lock {
    Ours,
    Taken,
    Unsupported,
}

#[cfg(unix)]
fn try_lock(file: &File) -> Lock {
    use rustix::fs::{FlockOperation, flock};
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Lock::Ours,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Lock::Taken,
            Err(_) => return Lock::Unsupported,
        }
    }
}

#[cfg(not(unix))]
fn try_lock(_: &File) -> Lock {
    Lock::Unsupported
}

/// Whether `path` still leads to the open file.
fn is_open_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(found)) => inode(&open) == inode(&found),
        _ => false,
    }
}

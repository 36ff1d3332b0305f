//! Fuzz targets: what hostile bytes may do, as functions of bytes.
//!
//! | target | the bytes are | what must hold |
//! |---|---|---|
//! | `parquet` | a file | it is refused, or all ways to read it agree |
//! | `footer` | the footer of a sound file | likewise |
//! | `pages` | a type, a codec, and the pages of a column under a sound footer | likewise |
//! | `ipc` | a file or stream | it is refused, or valid, and each column alone is the same |
//! | `jsonl` | a file of JSON Lines | it is refused, or has its rows, for any number of threads and columns |
//! | `csv` | a file of CSV | likewise |
//! | `chat` | a chat template, and messages | it is refused, or makes one text, within its allowance |
//! | `text` | texts of a row | shingles and entropies are those of the definition |
//! | `states` | serialised states, with and without a checksum | they are refused, or whole |
//!
//! `fuzz/` runs them with coverage, `tests/fuzz.rs` with a mutator of its own. A target returns
//! whether the bytes were accepted. It panics on a finding, also where a decoder's guard caught a
//! panic of this crate. Only built with the feature `fuzz`.

#![expect(clippy::expect_used, reason = "a finding is a panic")]

mod chat;
mod column;
mod lines;
mod seeds;
mod states;
mod text;

use std::panic::{set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::exec::threads;
use crate::source::fuzz as source;

/// How long threads may take to end, on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// A target: its name, what it does with bytes, and sound bytes to start from.
#[derive(Debug, Clone, Copy)]
pub struct FuzzTarget {
    /// Its name.
    pub name: &'static str,
    run: fn(&[u8]) -> bool,
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [FuzzTarget; 9] = [
    FuzzTarget { name: "parquet", run: parquet, seeds: seeds::parquet },
    FuzzTarget { name: "footer", run: footer, seeds: seeds::footers },
    FuzzTarget { name: "pages", run: pages, seeds: column::seeds },
    FuzzTarget { name: "ipc", run: ipc, seeds: seeds::ipc },
    FuzzTarget { name: "jsonl", run: lines::jsonl, seeds: lines::jsonl_seeds },
    FuzzTarget { name: "csv", run: lines::csv, seeds: lines::csv_seeds },
    FuzzTarget { name: "chat", run: chat::check, seeds: chat::seeds },
    FuzzTarget { name: "text", run: text::check, seeds: text::seeds },
    FuzzTarget { name: "states", run: states::check, seeds: states::seeds },
];

impl FuzzTarget {
    /// The target of a name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn named(name: &str) -> Self {
        TARGETS.into_iter().find(|target| target.name == name).expect("one of the targets")
    }

    /// Sound bytes.
    #[must_use]
    pub fn seeds(self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }

    /// Whether the bytes are accepted.
    ///
    /// # Panics
    /// On a finding.
    #[must_use]
    pub fn run(self, bytes: &[u8]) -> bool {
        watch();
        let accepted = (self.run)(bytes);
        assert!(!OURS.swap(false, Ordering::Relaxed), "a panic of this crate was caught");
        accepted
    }

    /// [`Self::run`] in a process that does nothing else: all threads that it began have to end, too.
    /// What they hold would count as lost.
    ///
    /// # Panics
    /// On a finding.
    pub fn run_alone(self, bytes: &[u8]) {
        let _ = self.run(bytes);
        assert!(threads::stop_all(PATIENCE), "a thread goes on after the end");
    }

    /// Writes the sound bytes to files of a folder, if the environment names one: the corpus that
    /// libFuzzer starts from.
    ///
    /// # Panics
    /// When a file can't be written.
    pub fn write_seeds(self) {
        let Some(folder) = std::env::var_os("FASTSAMPLE_FUZZ_CORPUS") else { return };
        let folder = Path::new(&folder).join(self.name);
        std::fs::create_dir_all(&folder).expect("a folder for the corpus");
        for (number, seed) in self.seeds().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).expect("a file of it");
        }
    }
}

/// Whether code of this crate has panicked.
static OURS: AtomicBool = AtomicBool::new(false);

/// Notes panics of this crate, which the guards around decoders would hide, and lets those of other
/// crates be caught: libFuzzer's own hook ends the process.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = take_hook();
        set_hook(Box::new(|panic| {
            let place = panic.location().map_or("", |place| place.file());
            if place.contains("fastsample/") {
                eprintln!("{panic}");
            }
            // Those of targets get through anyway, those of other crates are guarded against.
            if place.contains("fastsample/src/") && !place.contains("fuzz") {
                OURS.store(true, Ordering::Relaxed);
            }
        }));
    });
}

fn parquet(bytes: &[u8]) -> bool {
    in_file(bytes, "", |path| accepted(source::parquet(path)))
}

/// The first byte chooses the sound file, the others replace its footer.
fn footer(bytes: &[u8]) -> bool {
    let Some((&choice, footer)) = bytes.split_first() else { return false };
    parquet(&seeds::with_footer(choice, footer))
}

fn pages(bytes: &[u8]) -> bool {
    column::file(bytes).is_some_and(|file| parquet(&file))
}

fn ipc(bytes: &[u8]) -> bool {
    in_file(bytes, "", |path| accepted(source::ipc(path)))
}

/// Whether reading succeeded. If not, the error has to be one about the file.
fn accepted(read: Result<()>) -> bool {
    match read {
        Ok(()) => true,
        Err(Error::Corrupt { .. } | Error::Unsupported { .. } | Error::Schema(_)) => false,
        Err(Error::Column(what)) if !what.is_empty() => false,
        Err(other) => panic_with(&format!("not an error about the file: {other:?}")),
    }
}

/// A state, unless it was refused.
fn refused_state<T>(state: Result<T>) -> Option<T> {
    match state {
        Ok(state) => Some(state),
        Err(Error::Invalid(_)) => None,
        Err(other) => panic_with(&format!("not an error about the state: {other:?}")),
    }
}

#[expect(clippy::panic, reason = "a finding is a panic")]
fn panic_with(what: &str) -> ! {
    panic!("{what}")
}

/// Reads bytes as a file whose name ends so, in memory where there is such a folder.
fn in_file<T>(bytes: &[u8], ending: &str, read: impl FnOnce(&Path) -> T) -> T {
    struct Scratch(PathBuf);
    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let thread = std::thread::current().id();
    let name = format!("fastsample-fuzz-{}-{thread:?}{ending}", std::process::id());
    let scratch = Scratch(folder.join(name));
    std::fs::write(&scratch.0, bytes).expect("a file in memory");
    read(&scratch.0)
}

//! The bytes of a file from any member on: as they are, or through gzip or Zstandard.
//!
//! A gzip file is a sequence of members, a Zstandard file one of frames. Each can be read without
//! those before it.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder;

use super::compressed::Compressed;
use super::frames::{Frame, inflated};
use crate::error::{Error, is_want_of_memory};
use crate::source::file::OpenFile;

/// Bytes at the beginning of a file that tell its format.
const HEAD_BYTES: usize = 4 << 10;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum LineCodec {
    None,
    Gzip,
    Zstd,
}

impl LineCodec {
    /// The compression of a file with these first bytes.
    pub(in crate::source) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The name of the codec; none for a plain file.
    pub(in crate::source) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The first bytes of what a file holds, or fewer if it is damaged early on.
pub(in crate::source) fn head(open: &OpenFile, compression: LineCodec) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MemberReader::new(open, compression, 0).take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A failure to inflate a file, after `lines` whole lines.
pub(in crate::source) fn damaged(
    open: &OpenFile,
    codec: LineCodec,
    lines: u64,
    error: &io::Error,
) -> Error {
    if is_want_of_memory(&error.to_string()) {
        return Error::NoMemory;
    }
    let codec = codec.name().unwrap_or("plain");
    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
        format!("the {codec} file is cut off behind line {lines}; fetch or write it again")
    } else {
        format!("damaged {codec} data behind line {lines} ({error}); fetch or write it again")
    };
    open.explain(Error::corrupt(open.path(), what))
}

/// Reads a file from a member to its end.
pub(super) struct MemberReader {
    compression: LineCodec,
    /// Threads that inflate Zstandard frames.
    threads: usize,
    state: Position,
    /// Members begun that nobody has asked for: where each begins in the file, and in what was read.
    begun: Vec<(u64, u64)>,
    /// Bytes handed out.
    inflated: u64,
}

enum Position {
    /// Between two members.
    Between(Compressed),
    Gzip(Box<GzDecoder<Compressed>>),
    Zstd(Decoder<'static, Compressed>),
    /// Frames that are inflated, of which the first has begun, and what comes behind them.
    Frames(VecDeque<Frame>, Compressed),
    Ended,
}

impl MemberReader {
    /// The bytes of `open` from the member on that begins at `offset`.
    pub(super) fn new(open: &OpenFile, compression: LineCodec, offset: u64) -> Self {
        let file = Compressed::new(open, offset);
        let state = Position::Between(file);
        Self { compression, threads: 1, state, begun: Vec::new(), inflated: 0 }
    }

    /// The same bytes, where Zstandard frames are inflated by `threads` threads, side by side.
    pub(super) fn side_by_side(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The members begun since the last call: where each begins in the file, and among the bytes
    /// read.
    pub(super) fn begun(&mut self) -> std::vec::Drain<'_, (u64, u64)> {
        self.begun.drain(..)
    }

    /// Begins the next member; false at the end of the file.
    fn begin(&mut self, mut file: Compressed) -> io::Result<bool> {
        if self.compression == LineCodec::Gzip && file.consumed() > 0 {
            file.skip_zeros()?;
        }
        if file.fill_buf()?.is_empty() {
            self.state = Position::Ended;
            return Ok(false);
        }
        if self.compression == LineCodec::Zstd && self.threads > 1 {
            let (frames, goes_on) = inflated(&mut file, self.threads);
            if !goes_on {
                self.threads = 1;
            }
            if let Some(first) = frames.front() {
                self.begun.push((first.offset, self.inflated));
                self.state = Position::Frames(frames, file);
                return Ok(true);
            }
        }
        self.begun.push((file.consumed(), self.inflated));
        self.state = match self.compression {
            LineCodec::Gzip => Position::Gzip(Box::new(GzDecoder::new(file))),
            _ => Position::Zstd(Decoder::with_buffer(file)?.single_frame()),
        };
        Ok(true)
    }
}

impl Read for MemberReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.state {
                Position::Ended => return Ok(0),
                Position::Between(file) if self.compression == LineCodec::None => file.read(out)?,
                Position::Between(_) => 0,
                Position::Gzip(member) => member.read(out)?,
                Position::Zstd(frame) => frame.read(out)?,
                Position::Frames(frames, _) => {
                    frames.front_mut().map_or(Ok(0), |frame| frame.bytes.read(out))?
                }
            };
            if read > 0 {
                self.inflated += read as u64;
                return Ok(read);
            }
            let file = match std::mem::replace(&mut self.state, Position::Ended) {
                Position::Ended => return Ok(0),
                Position::Between(_) if self.compression == LineCodec::None => return Ok(0),
                Position::Between(file) => file,
                Position::Gzip(member) => member.into_inner(),
                Position::Zstd(frame) => frame.finish(),
                Position::Frames(mut frames, file) => {
                    frames.pop_front();
                    if let Some(next) = frames.front() {
                        self.begun.push((next.offset, self.inflated));
                        self.state = Position::Frames(frames, file);
                        continue;
                    }
                    file
                }
            };
            if !self.begin(file)? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use proptest::prelude::*;
    use zstd::stream::write::Encoder;

    use super::super::frames::MOST_BYTES;
    use super::*;
    use crate::source::file::SourceFile;

    /// What a reader hands out: bytes, where frames begin, and the kind of its failure.
    type Found = (Vec<u8>, Vec<(u64, u64)>, Option<io::ErrorKind>);

    fn read(path: &Path, threads: usize, step: usize) -> Found {
        let open = SourceFile::new(path).and_then(|file| file.open()).expect("a file");
        let mut reader = MemberReader::new(&open, LineCodec::Zstd, 0).side_by_side(threads);
        let (mut bytes, mut begun, mut buffer) = (Vec::new(), Vec::new(), vec![0; step]);
        loop {
            let read = reader.read(&mut buffer);
            begun.extend(reader.begun());
            match read {
                Ok(0) => return (bytes, begun, None),
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(error) => return (bytes, begun, Some(error.kind())),
            }
        }
    }

    fn frame(bytes: &[u8], checksum: bool, sized: bool) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), 1).expect("an encoder");
        encoder.include_checksum(checksum).expect("a flag");
        if sized {
            encoder.set_pledged_src_size(Some(bytes.len() as u64)).expect("a size");
        }
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn in_file<T>(bytes: &[u8], look: impl FnOnce(&Path) -> T) -> T {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("a file");
        look(file.path())
    }

    #[test]
    fn large_frames_are_read_bit_by_bit() {
        let large = vec![b'x'; MOST_BYTES + 1];
        for sized in [false, true] {
            let frames = [b"a\n", &large[..], b"b\n", &large[..], b"", b"c"];
            let file: Vec<u8> = frames.iter().flat_map(|bytes| frame(bytes, true, sized)).collect();
            let (alone, together) =
                in_file(&file, |path| (read(path, 1, 1 << 20), read(path, 8, 1 << 20)));
            assert_eq!(alone.0.len(), 2 * large.len() + 5);
            assert_eq!(alone.1.len(), frames.len());
            assert!(alone == together);
        }
    }

    #[test]
    fn a_frame_of_another_size_than_it_tells_is_left_to_one_thread() {
        let mut empty = frame(b"", false, true);
        assert_eq!(empty[4..6], [0x20, 0], "a single segment of no bytes");
        empty[5] = 0x80;
        let file = [frame(b"a\n", false, true), empty, frame(b"b\n", false, true)].concat();
        let (alone, together) =
            in_file(&file, |path| (read(path, 1, 1 << 10), read(path, 4, 1 << 10)));
        assert_eq!((alone.0.as_slice(), alone.2.is_some()), (&b"a\n"[..], true));
        assert_eq!(alone, together);
    }

    #[test]
    fn a_frame_with_a_compressed_block_of_no_bytes_is_left_to_one_thread() {
        // More bytes than are asked for at first where a frame is inflated as a whole.
        let text = [&[b'b'; 99][..], b"\n"].concat();
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 100];
        let (compressed, plain) = ([4, 0, 0], [0x21, 0x03, 0]);
        let odd = [&head[..], &compressed, &plain, &text].concat();
        let file = [frame(b"a\n", false, true), odd, frame(b"c\n", false, true)].concat();
        for step in [1, 2, 1 << 10] {
            let (alone, together) =
                in_file(&file, |path| (read(path, 1, step), read(path, 4, step)));
            assert!(alone.0.starts_with(b"a\n"));
            assert_eq!(alone, together, "{step} bytes at once");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn frames_side_by_side_are_frames_in_order(
            texts in prop::collection::vec(("[a-c\n]{0,300}", 0_usize..4, any::<bool>()), 0..12),
            cut in prop::option::of(any::<prop::sample::Index>()),
            flip in prop::option::of((any::<prop::sample::Index>(), 0_u32..8)),
            threads in 2_usize..10,
            step in 1_usize..2000,
        ) {
            let mut file = Vec::new();
            for (text, times, checksum) in &texts {
                file.extend(frame(text.repeat(200 * times).as_bytes(), *checksum, *times == 2));
                if *times == 0 {
                    // A frame that is to be skipped.
                    file.extend([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
                }
            }
            if !file.is_empty() {
                if let Some((place, bit)) = flip {
                    let place = place.index(file.len());
                    file[place] ^= 1 << bit;
                }
                if let Some(cut) = cut {
                    file.truncate(cut.index(file.len()));
                }
            }
            let (alone, together) =
                in_file(&file, |path| (read(path, 1, step), read(path, threads, step)));
            prop_assert_eq!(alone, together);
        }
    }
}

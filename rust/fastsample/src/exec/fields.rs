//! Fields of serialised payloads: numbers and lengths in little-endian, texts behind their length.

/// Appends bytes behind their length.
pub(crate) fn put(bytes: &mut Vec<u8>, data: &[u8]) {
    bytes.extend((data.len() as u64).to_le_bytes());
    bytes.extend_from_slice(data);
}

/// Bytes from which fields are taken off the front; none where they end too early.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteFields<'a>(pub(crate) &'a [u8]);

impl<'a> ByteFields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    /// What [`put`] appended.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u64()?).ok()?;
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    /// As [`ByteFields::bytes`], as a text.
    pub(crate) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// A count of things that follow and take `least` bytes each at least.
    pub(crate) fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.u64()?).ok()?;
        (count.checked_mul(least)? <= self.0.len()).then_some(count)
    }

    /// Nothing, if all bytes were taken.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

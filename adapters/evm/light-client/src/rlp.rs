//! Strict, bounded, zero-copy RLP, and the encoder that preimages need.
//!
//! Every item has exactly one accepted encoding (refuse.md P10). Lists are split one level at a time, so a nesting bomb costs nothing;
//! [`check`] walks a whole tree down to a stated depth. Not a serialisation framework: no derive, no owned tree. Called by the header,
//! account and trie parsers.

use alloc::vec::Vec;

/// Deepest nesting [`check`] accepts when nothing else is said. Headers need 4, trie nodes fewer than 16.
pub const MAX_DEPTH: usize = 16;

/// Why bytes are not the one canonical encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RlpError {
    /// The input ends inside an item.
    #[error("input ends inside an item")]
    Truncated,
    /// A single byte below 0x80 written with a length prefix.
    #[error("single byte below 0x80 written with a prefix")]
    NonCanonicalByte,
    /// A long-form length for 55 bytes or fewer.
    #[error("long form used for 55 bytes or fewer")]
    LongFormForShort,
    /// A long-form length that starts with a zero byte.
    #[error("length starts with a zero byte")]
    LengthLeadingZero,
    /// Bytes after the item.
    #[error("{0} bytes after the item")]
    Trailing(usize),
    /// A list where a byte string is due.
    #[error("list where a byte string is due")]
    ExpectedBytes,
    /// A byte string where a list is due.
    #[error("byte string where a list is due")]
    ExpectedList,
    /// Nested deeper than the bound.
    #[error("nested deeper than {0}")]
    TooDeep(usize),
    /// More items in a list than the bound.
    #[error("more than {0} items in a list")]
    TooManyItems(usize),
    /// An integer that starts with a zero byte.
    #[error("integer starts with a zero byte")]
    IntegerLeadingZero,
    /// An integer wider than its field.
    #[error("integer wider than {0} bits")]
    IntegerTooWide(u32),
}

/// One item, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// The item with its prefix.
    pub raw: &'a [u8],
    /// The bytes of a string, or the concatenated items of a list.
    pub payload: &'a [u8],
    /// Whether it is a list.
    pub is_list: bool,
}

impl<'a> Item<'a> {
    /// The bytes of a string.
    ///
    /// # Errors
    /// [`RlpError::ExpectedBytes`] for a list.
    pub const fn bytes(&self) -> Result<&'a [u8], RlpError> {
        if self.is_list { Err(RlpError::ExpectedBytes) } else { Ok(self.payload) }
    }

    /// The items of a list, one level, at most `max`.
    ///
    /// # Errors
    /// [`RlpError::ExpectedList`] for a string, [`RlpError::TooManyItems`], or what is wrong with an item's prefix.
    pub fn items(&self, max: usize) -> Result<Vec<Item<'a>>, RlpError> {
        if !self.is_list {
            return Err(RlpError::ExpectedList);
        }
        let mut items = Vec::new();
        let mut rest = self.payload;
        while !rest.is_empty() {
            if items.len() >= max {
                return Err(RlpError::TooManyItems(max));
            }
            let (item, after) = split(rest)?;
            items.push(item);
            rest = after;
        }
        Ok(items)
    }

    /// An unsigned integer without leading zeros, of at most `bits` (64 at most).
    ///
    /// # Errors
    /// [`RlpError::ExpectedBytes`], [`RlpError::IntegerLeadingZero`], [`RlpError::IntegerTooWide`].
    pub fn uint(&self, bits: u32) -> Result<u64, RlpError> {
        let bytes = self.bytes()?;
        if bytes.first() == Some(&0) {
            return Err(RlpError::IntegerLeadingZero);
        }
        if bytes.len() > 8 {
            return Err(RlpError::IntegerTooWide(bits));
        }
        let value = big_endian(bytes);
        if bits < 64 && value.checked_shr(bits).unwrap_or(0) != 0 {
            return Err(RlpError::IntegerTooWide(bits));
        }
        Ok(value)
    }

    /// A byte string of exactly `N` bytes, or `None` when it has another length.
    ///
    /// # Errors
    /// [`RlpError::ExpectedBytes`] for a list.
    pub fn array<const N: usize>(&self) -> Result<Option<[u8; N]>, RlpError> {
        Ok(<[u8; N]>::try_from(self.bytes()?).ok())
    }
}

/// Value of at most eight big-endian bytes; further leading bytes are shifted out.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0_u64, |value, byte| value.wrapping_shl(8) | u64::from(*byte))
}

/// Splits the first item off `input`. The contents of a list are not looked at.
///
/// # Errors
/// What is wrong with the item's prefix.
pub fn split(input: &[u8]) -> Result<(Item<'_>, &[u8]), RlpError> {
    let first = *input.first().ok_or(RlpError::Truncated)?;
    let (is_list, offset, length) = match first {
        0x00..=0x7f => (false, 0, 1),
        0x80..=0xb7 => (false, 1, usize::from(first.saturating_sub(0x80))),
        0xb8..=0xbf => long_length(input, first.saturating_sub(0xb7)).map(|(offset, length)| (false, offset, length))?,
        0xc0..=0xf7 => (true, 1, usize::from(first.saturating_sub(0xc0))),
        0xf8..=0xff => long_length(input, first.saturating_sub(0xf7)).map(|(offset, length)| (true, offset, length))?,
    };
    let end = length.checked_add(offset).ok_or(RlpError::Truncated)?;
    let (raw, rest) = input.split_at_checked(end).ok_or(RlpError::Truncated)?;
    let payload = raw.get(offset..).ok_or(RlpError::Truncated)?;
    if first == 0x81 && payload.first().is_some_and(|byte| *byte < 0x80) {
        return Err(RlpError::NonCanonicalByte);
    }
    Ok((Item { raw, payload, is_list }, rest))
}

/// Offset of the payload and its length for the long forms, whose length takes `width` bytes.
fn long_length(input: &[u8], width: u8) -> Result<(usize, usize), RlpError> {
    let offset = usize::from(width).saturating_add(1);
    let bytes = input.get(1..offset).ok_or(RlpError::Truncated)?;
    if bytes.first() == Some(&0) {
        return Err(RlpError::LengthLeadingZero);
    }
    let length = usize::try_from(big_endian(bytes)).map_err(|_| RlpError::Truncated)?;
    if length <= 55 {
        return Err(RlpError::LongFormForShort);
    }
    Ok((offset, length))
}

/// The one item that `input` is, with nothing after it.
///
/// # Errors
/// What is wrong with its prefix, or [`RlpError::Trailing`].
pub fn exact(input: &[u8]) -> Result<Item<'_>, RlpError> {
    let (item, rest) = split(input)?;
    if rest.is_empty() { Ok(item) } else { Err(RlpError::Trailing(rest.len())) }
}

/// Checks a whole tree: one item, canonical on every level, lists nested at most `max_depth` deep. Takes memory for `max_depth` levels.
///
/// # Errors
/// The first fault found, or [`RlpError::TooDeep`].
pub fn check(input: &[u8], max_depth: usize) -> Result<(), RlpError> {
    let top = exact(input)?;
    let mut open = Vec::new();
    let mut next = Some(top);
    loop {
        if let Some(list) = next.filter(|item| item.is_list) {
            if open.len() >= max_depth {
                return Err(RlpError::TooDeep(max_depth));
            }
            open.push(list.payload);
        }
        let Some(level) = open.last_mut() else {
            return Ok(());
        };
        if level.is_empty() {
            open.pop();
            next = None;
        } else {
            let (item, rest) = split(level)?;
            *level = rest;
            next = Some(item);
        }
    }
}

/// Appends the encoding of a byte string.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [single @ 0..=0x7f] => out.push(*single),
        _ => {
            put_prefix(out, 0x80, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// Appends the encoding of an unsigned integer.
pub fn put_uint(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    put_bytes(out, bytes.get(zeros..).unwrap_or_default());
}

/// Appends a list whose items are already encoded, concatenated, in `payload`.
pub fn put_list(out: &mut Vec<u8>, payload: &[u8]) {
    put_prefix(out, 0xc0, payload.len());
    out.extend_from_slice(payload);
}

/// Appends the prefix of a string (`base` 0x80) or of a list (`base` 0xc0) of `length` bytes.
fn put_prefix(out: &mut Vec<u8>, base: u8, length: usize) {
    if length <= 55 {
        // `base` is at most 0xc0 and `length` at most 55, so this cannot wrap.
        out.push(base.wrapping_add(u8::try_from(length).unwrap_or_default()));
        return;
    }
    let bytes = length.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let length_bytes = bytes.get(zeros..).unwrap_or_default();
    let width = u8::try_from(length_bytes.len()).unwrap_or_default();
    out.push(base.wrapping_add(55).wrapping_add(width));
    out.extend_from_slice(length_bytes);
}

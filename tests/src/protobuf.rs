//! Fields of protobuf messages that tests write: messages that others would have made. It knows none of the messages.

use prost::encoding::{WireType, encode_key, encode_varint};

/// A field of bytes.
#[must_use]
pub fn field(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::LengthDelimited, &mut out);
    encode_varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

/// A field of a number; zero is left out.
#[must_use]
pub fn number(tag: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if value != 0 {
        encode_key(tag, WireType::Varint, &mut out);
        encode_varint(value, &mut out);
    }
    out
}

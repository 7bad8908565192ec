//! Protobuf by hand, as far as tests write any: messages that others would have made.

/// A field of bytes.
#[must_use]
pub fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2], varint(bytes.len() as u64).as_slice(), bytes].concat()
}

/// A field of a number; zero is left out.
#[must_use]
pub fn number(tag: u8, value: u64) -> Vec<u8> {
    if value == 0 { Vec::new() } else { [vec![tag << 3], varint(value)].concat() }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

//! Who sent what a packet carries, as the applications in use write it. Pure.
//!
//! What it is not: a verifier. A packet's bytes are what its chain committed to; whether the sending application wrote the truth into them is
//! that application's affair. Called by [`crate::LightClient::senders`], whose default it is.
//!
//! Sources: ICS-20 in ABI, JSON and protobuf: cosmos/ibc-go `modules/apps/transfer/types/packet.go`, `solidity_abi.go`; ICS-27 GMP in ABI:
//! cosmos/ibc-go `modules/apps/27-gmp/types`.

use causeway_types::{Packet, Payload};
use prost::Message;

/// Source: cosmos/ibc-go `proto/ibc/applications/transfer/v1/packet.proto` `FungibleTokenPacketData`; only what is read.
#[derive(Clone, PartialEq, Message)]
struct Transfer {
    #[prost(string, tag = "3")]
    sender: String,
}

/// The sender of each message in the packet, as far as it can be read.
#[must_use]
pub fn senders(packet: &Packet) -> Vec<Option<String>> {
    match packet {
        Packet::V2(packet) => packet.payloads.iter().map(sender).collect(),
        Packet::Classic(packet) => vec![json_string(&packet.data, "sender")],
    }
}

fn sender(payload: &Payload) -> Option<String> {
    match (payload.version.as_str(), payload.encoding.as_str()) {
        // ICS-20: (denom, sender, receiver, amount, memo).
        ("ics20-1", "application/x-solidity-abi") => abi_string(&payload.value, 1),
        // ICS-27 GMP: (sender, receiver, salt, payload, memo).
        ("ics27-2", "application/x-solidity-abi") => abi_string(&payload.value, 0),
        (_, "application/json") => json_string(&payload.value, "sender"),
        ("ics20-1", "application/x-protobuf") => Transfer::decode(payload.value.as_slice()).ok().map(|data| data.sender),
        _ => None,
    }
}

/// String number `index` of an ABI-encoded dynamic tuple.
fn abi_string(bytes: &[u8], index: usize) -> Option<String> {
    let word = |at: usize| -> Option<usize> {
        let word = bytes.get(at..at.checked_add(32)?)?;
        let (high, low) = word.split_at_checked(24)?;
        high.iter().all(|byte| *byte == 0).then_some(())?;
        usize::try_from(u64::from_be_bytes(low.try_into().ok()?)).ok()
    };
    let tuple = word(0)?;
    let text = tuple.checked_add(word(tuple.checked_add(index.checked_mul(32)?)?)?)?;
    let start = text.checked_add(32)?;
    let value = bytes.get(start..start.checked_add(word(text)?)?)?;
    String::from_utf8(value.to_vec()).ok()
}

/// A string member of a flat JSON object; none when it is not there exactly once or holds an escape.
fn json_string(bytes: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let quoted = format!("\"{name}\"");
    let mut found = text.match_indices(&quoted);
    let (at, _) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let rest = text.get(at.checked_add(quoted.len())?..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (value, _) = rest.split_once('"')?;
    (!value.contains('\\')).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(denom, sender, receiver, amount, memo)` as `abi.encode` writes it: a tuple with dynamic members behind one offset.
    fn abi(sender: &str) -> Vec<u8> {
        let word = |number: usize| [[0; 24].as_slice(), &(number as u64).to_be_bytes()].concat();
        let text =
            |text: &str| [word(text.len()), text.as_bytes().to_vec(), vec![0; text.len().next_multiple_of(32) - text.len()]].concat();
        let (head, denom) = (5 * 32, text("denom"));
        let start = head + denom.len();
        [word(32), word(head), word(start), word(head), word(7), word(head), denom, text(sender)].concat()
    }

    fn payload(version: &str, encoding: &str, value: Vec<u8>) -> Payload {
        Payload { source_port: "p".into(), dest_port: "p".into(), version: version.into(), encoding: encoding.into(), value }
    }

    #[test]
    fn senders_of_the_applications_in_use_are_read() {
        let proto = Transfer { sender: "alice".into() }.encode_to_vec();
        let json = br#"{"denom":"x", "sender" : "alice"}"#.to_vec();
        let cases = [("application/x-solidity-abi", abi("alice")), ("application/x-protobuf", proto), ("application/json", json)];
        for (encoding, value) in cases {
            assert_eq!(sender(&payload("ics20-1", encoding, value)).as_deref(), Some("alice"), "{encoding}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_broken_has_no_sender() {
        assert_eq!(json_string(br#"{"sender":"a","sender":"b"}"#, "sender"), None);
        assert_eq!(json_string(br#"{"sender":"a\u0062"}"#, "sender"), None);
        assert_eq!(abi_string(&[0xff; 200], 1), None);
        let whole = abi("alice");
        for length in 0..whole.len() - 32 {
            assert_eq!(abi_string(&whole[..length], 1), None, "{length} bytes");
        }
        assert_eq!(sender(&payload("other", "application/x-solidity-abi", whole)), None);
    }
}

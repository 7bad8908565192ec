//! Which packets of a path are relayed: ports, senders, size. Pure.
//!
//! Senders stand inside application data. The two applications in use are understood (ICS-20 and ICS-27 GMP, as ABI or JSON); where rules on
//! senders exist and the sender cannot be read, the packet is not relayed.

use crate::config::Filter;
use causeway_types::{Packet, Payload};

impl Filter {
    /// Whether the packet is relayed; otherwise why not.
    ///
    /// # Errors
    /// The rule that excludes it, in words.
    pub fn admits(&self, packet: &Packet) -> Result<(), &'static str> {
        packet.validate().map_err(|_| "out of the protocol's bounds")?;
        if self.payload_bytes_max.is_some_and(|max| packet.data_len() > max) {
            return Err("payload larger than the path allows");
        }
        if packet.ports().iter().any(|ports| !allowed(ports, &self.ports_allow, &self.ports_deny)) {
            return Err("port not relayed on this path");
        }
        if self.senders_allow.is_empty() && self.senders_deny.is_empty() {
            return Ok(());
        }
        for sender in senders(packet) {
            let sender = sender.ok_or("sender cannot be read, and the path has rules on senders")?;
            if !allowed(&[sender.as_str()], &self.senders_allow, &self.senders_deny) {
                return Err("sender not relayed on this path");
            }
        }
        Ok(())
    }
}

fn allowed(names: &[&str], allow: &[String], deny: &[String]) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|pattern| names.iter().any(|name| matches(pattern, name)));
    !any(deny) && (allow.is_empty() || any(allow))
}

/// Whether a name fits a pattern in which `*` stands for any run of characters. Linear in their lengths' product at worst.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = left.get(at.saturating_add(part.len())..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// The sender of each message in the packet, as far as it can be read.
fn senders(packet: &Packet) -> Vec<Option<String>> {
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

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("transfer", "transfer", true),
            ("transfer", "transfers", false),
            ("*", "", true),
            ("icahost*", "icahost-7", true),
            ("*port", "gmpport", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("a*a", "a", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn deny_wins_and_unreadable_senders_are_refused() {
        assert!(allowed(&["transfer"], &[], &[]));
        assert!(!allowed(&["transfer"], &["*".into()], &["trans*".into()]));
        assert!(!allowed(&["other"], &["trans*".into()], &[]));
        assert_eq!(json_string(br#"{"denom":"x", "sender" : "alice"}"#, "sender").as_deref(), Some("alice"));
        assert_eq!(json_string(br#"{"sender":"a","sender":"b"}"#, "sender"), None);
        assert_eq!(abi_string(&[0xff; 200], 1), None);
    }
}

//! Which packets of a path are relayed: ports, senders, size. Pure.
//!
//! Senders stand inside application data, which the family of the sending chain reads ([`LightClient::senders`]); where rules on senders exist
//! and the sender cannot be read, the packet is not relayed.

use crate::config::Filter;
use causeway_adapter::LightClient;
use causeway_types::Packet;

impl Filter {
    /// Whether the packet is relayed; otherwise why not. `source` is the light client of the chain that sent it.
    ///
    /// # Errors
    /// The rule that excludes it, in words.
    pub fn admits(&self, packet: &Packet, source: &dyn LightClient) -> Result<(), &'static str> {
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
        for sender in source.senders(packet) {
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
    fn deny_wins() {
        assert!(allowed(&["transfer"], &[], &[]));
        assert!(!allowed(&["transfer"], &["*".into()], &["trans*".into()]));
        assert!(!allowed(&["other"], &["trans*".into()], &[]));
    }

    #[test]
    fn rules_on_senders_refuse_what_cannot_be_read() {
        use causeway_adapter::fakes::{FakeFamily, FakeLightClient};
        let light_client = FakeLightClient::new(FakeFamily::Lagged, "left");
        let packet = |value: &[u8], encoding: &str| {
            let payload = causeway_types::Payload {
                source_port: "transfer".into(),
                dest_port: "transfer".into(),
                version: "ics20-1".into(),
                encoding: encoding.into(),
                value: value.to_vec(),
            };
            let client = |name: &str| causeway_types::ClientId::new(name).unwrap();
            Packet::V2(causeway_types::v2::Packet {
                sequence: causeway_types::Sequence::new(1).unwrap(),
                source_client: client("here-0"),
                dest_client: client("there-0"),
                timeout_timestamp_s: 9,
                payloads: vec![payload],
            })
        };
        let json = packet(br#"{"denom":"x","amount":"1","sender":"alice-7","receiver":"bob"}"#, "application/json");
        let opaque = packet(b"??", "application/octet-stream");
        let filter = |allow: &[&str], deny: &[&str]| Filter {
            senders_allow: allow.iter().map(ToString::to_string).collect(),
            senders_deny: deny.iter().map(ToString::to_string).collect(),
            ..Filter::default()
        };
        let cases = [
            (filter(&[], &[]), &opaque, true),
            (filter(&["alice-*"], &[]), &json, true),
            (filter(&["bob"], &[]), &json, false),
            (filter(&["*"], &["*-7"]), &json, false),
            (filter(&["*"], &[]), &opaque, false),
            (filter(&[], &["nobody"]), &opaque, false),
            (Filter { payload_bytes_max: Some(61), ..Filter::default() }, &json, false),
            (Filter { payload_bytes_max: Some(62), ..Filter::default() }, &json, true),
        ];
        for (filter, packet, expected) in cases {
            assert_eq!(filter.admits(packet, &light_client).is_ok(), expected, "{filter:?}");
        }
    }
}

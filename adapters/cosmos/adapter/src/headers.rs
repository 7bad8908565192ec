//! Headers and validator sets that were asked for lately, so that many updates to one height ask once.
//!
//! What a node says is kept as it is, and judged by the light client each time; when that refuses something, all of it is forgotten. Called by
//! [`crate::chain`].

use crate::memory::{Asked, Memory};
use causeway_cosmos_proto::tendermint::types;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Headers and sets that are kept.
const HEADERS_MAX: usize = 64;
const SETS_MAX: usize = 8;

/// What is kept of one chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(Memory<Known>);

#[derive(Debug, Default)]
pub(crate) struct Known {
    headers: BTreeMap<u64, types::SignedHeader>,
    /// By the hash that a header names.
    sets: BTreeMap<Vec<u8>, Vec<types::Validator>>,
    /// By height, where no header that is kept names it: that of a client which nobody has brought forward yet.
    unnamed: BTreeMap<u64, Vec<types::Validator>>,
    /// When somebody asked for a header last.
    asked: Option<Instant>,
}

impl Known {
    /// The hash of the validators of a height: its own header names it, or the one before.
    fn hash(&self, number: u64) -> Option<Vec<u8>> {
        let header = |number: u64| self.headers.get(&number)?.header.as_ref();
        let own = header(number).map(|header| header.validators_hash.clone());
        own.or_else(|| Some(header(number.checked_sub(1)?)?.next_validators_hash.clone()))
    }
}

impl Headers {
    /// To be called before a question, the answer of which is to be kept.
    pub(crate) fn asking(&self) -> Asked {
        self.0.asking()
    }

    pub(crate) fn header(&self, number: u64) -> Option<types::SignedHeader> {
        self.0.read(|known| {
            known.asked = Some(Instant::now());
            known.headers.get(&number).cloned()
        })
    }

    /// Whether headers were asked for within a time: the next one will be as well.
    pub(crate) fn are_asked_for(&self, within: Duration) -> bool {
        self.0.read(|known| known.asked.is_some_and(|asked| asked.elapsed() < within))
    }

    pub(crate) fn keep_header(&self, asked: Asked, number: u64, signed: &types::SignedHeader) {
        self.0.keep(asked, |known| {
            known.headers.insert(number, signed.clone());
            while known.headers.len() > HEADERS_MAX {
                known.headers.pop_first();
            }
        });
    }

    /// The validators of a height, if they are known.
    pub(crate) fn validators(&self, number: u64) -> Option<Vec<types::Validator>> {
        self.0.read(|known| {
            let named = known.hash(number).and_then(|hash| known.sets.get(&hash));
            named.or_else(|| known.unnamed.get(&number)).cloned()
        })
    }

    pub(crate) fn keep_validators(&self, asked: Asked, number: u64, validators: &[types::Validator]) {
        self.0.keep(asked, |known| match known.hash(number) {
            Some(hash) => keep(&mut known.sets, hash, validators),
            None => keep(&mut known.unnamed, number, validators),
        });
    }

    pub(crate) fn forget(&self) {
        self.0.forget();
    }
}

/// Of too many all are forgotten: sets change rarely.
fn keep<K: Ord>(sets: &mut BTreeMap<K, Vec<types::Validator>>, key: K, validators: &[types::Validator]) {
    if sets.len() >= SETS_MAX {
        sets.clear();
    }
    sets.insert(key, validators.to_vec());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(own: u8, next: u8) -> types::SignedHeader {
        let header = types::Header { validators_hash: vec![own], next_validators_hash: vec![next], ..Default::default() };
        types::SignedHeader { header: Some(header), commit: None }
    }

    fn set(power: i64) -> Vec<types::Validator> {
        vec![types::Validator { voting_power: power, ..Default::default() }]
    }

    #[test]
    fn a_set_is_known_by_the_hash_that_headers_name() {
        let headers = Headers::default();
        headers.keep_validators(headers.asking(), 5, &set(3));
        assert_eq!([5, 6].map(|number| headers.validators(number)), [Some(set(3)), None], "by its height alone, no header names its hash");
        headers.keep_header(headers.asking(), 5, &signed(1, 2));
        headers.keep_validators(headers.asking(), 5, &set(1));
        headers.keep_validators(headers.asking(), 6, &set(2));
        headers.keep_header(headers.asking(), 9, &signed(2, 1));
        assert_eq!([5, 6, 9, 10].map(|number| headers.validators(number)), [1, 2, 2, 1].map(|power| Some(set(power))));
        assert_eq!(headers.validators(8), None);
        let asked = headers.asking();
        headers.forget();
        headers.keep_header(asked, 5, &signed(1, 2));
        headers.keep_validators(asked, 5, &set(1));
        assert_eq!((headers.validators(5), headers.header(5)), (None, None), "nor what was on its way");
    }

    #[test]
    fn the_oldest_headers_go() {
        let headers = Headers::default();
        (1..=HEADERS_MAX as u64 + 1).for_each(|number| headers.keep_header(headers.asking(), number, &signed(1, 1)));
        assert_eq!((headers.header(1), headers.header(2).is_some()), (None, true));
    }
}

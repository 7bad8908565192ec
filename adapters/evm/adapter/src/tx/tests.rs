//! Prices, sizes, signatures and the meaning of refusals.

use super::batch::{TX_BYTES_AROUND, plan};
use super::fees::{Market, price};
use super::*;
use crate::chain::ChainHead;
use crate::config::FeeMode;
use alloy::consensus::Transaction;
use alloy::sol_types::{SolError, SolValue};
use causeway_adapter::{BuildRequest, EncodedEvidence, FeePolicy, HostLimits, Message, ProofGroup, RejectReason};
use causeway_evm_contracts::abi::{QbftLightClient, Router};
use causeway_types::{ClientId, Height, Packet, Payload, Sequence, v2};

fn policy() -> FeePolicy {
    FeePolicy { gas_headroom_percent: 120, gas_price_max: None, replace_bump_percent: 12, replaces_price: None }
}

fn market(gas_price: u128, base_fee: Option<u128>) -> Market {
    let head = ChainHead { height: 9, time_s: 1, gas_limit: 30_000_000, base_fee };
    Market { head, gas_price, nonce: 0, balance: U256::ZERO }
}

#[test]
fn free_legacy_and_eip1559_chains_are_priced() {
    assert_eq!(price(FeeMode::Auto, &market(0, None), &policy()).unwrap(), Price::Legacy { gas_price: 0 });
    assert_eq!(price(FeeMode::Auto, &market(7, None), &policy()).unwrap(), Price::Legacy { gas_price: 7 });
    assert_eq!(price(FeeMode::Legacy, &market(7, Some(5)), &policy()).unwrap(), Price::Legacy { gas_price: 7 });
    let free = Price::Eip1559 { max_fee_per_gas: 0, max_priority_fee_per_gas: 0 };
    assert_eq!(price(FeeMode::Auto, &market(0, Some(0)), &policy()).unwrap(), free);
    let usual = Price::Eip1559 { max_fee_per_gas: 22, max_priority_fee_per_gas: 2 };
    assert_eq!(price(FeeMode::Auto, &market(12, Some(10)), &policy()).unwrap(), usual);
}

#[test]
fn the_operators_bound_holds_and_replacements_pay_more() {
    let capped = FeePolicy { gas_price_max: Some(15), ..policy() };
    assert_eq!(price(FeeMode::Auto, &market(12, Some(10)), &capped).unwrap().highest(), 15);
    for (old, least) in [(0, 1), (1, 2), (100, 112), (101, 114)] {
        let replacing = FeePolicy { replaces_price: Some(old), ..policy() };
        assert_eq!(price(FeeMode::Auto, &market(0, None), &replacing).unwrap().highest(), least);
        let Price::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } = price(FeeMode::Eip1559, &market(0, None), &replacing).unwrap()
        else {
            panic!("legacy");
        };
        assert_eq!((max_fee_per_gas, max_priority_fee_per_gas), (least, least));
    }
    let too_dear = FeePolicy { replaces_price: Some(15), ..capped };
    assert!(matches!(price(FeeMode::Auto, &market(12, None), &too_dear), Err(AdapterError::Invalid { what: "gas price", .. })));
}

fn packet(sequence: u64, bytes: usize) -> Packet {
    let payload = Payload {
        source_port: "transfer".into(),
        dest_port: "a-port-of-more-than-thirty-two-bytes-in-all".into(),
        version: "v".into(),
        encoding: String::new(),
        value: vec![1; bytes],
    };
    Packet::V2(v2::Packet {
        sequence: Sequence::new(sequence).unwrap(),
        source_client: ClientId::new("qbft-0").unwrap(),
        dest_client: ClientId::new("qbft-1").unwrap(),
        timeout_timestamp_s: 9,
        payloads: vec![payload],
    })
}

/// `count` receives, all under one root and each with a leaf of its own.
fn request(count: usize, bytes: usize) -> BuildRequest {
    let root = Bytes::from(vec![0; 532]);
    let leaves = (0..count).map(|leaf| Bytes::from(vec![leaf as u8 + 1; 70 + leaf % 40]));
    let nodes: Vec<Bytes> = std::iter::once(root).chain(leaves).collect();
    let each = (1..=count).map(|leaf| vec![0_u16, leaf as u16].abi_encode()).collect();
    let evidence = EncodedEvidence { height: Height::new(5), shared: nodes.abi_encode(), each };
    BuildRequest {
        signer: "k".into(),
        messages: (0..count).map(|item| Message::Receive { packet: packet(item as u64 + 1, bytes + item), proof: (0, item) }).collect(),
        proofs: vec![ProofGroup { client_id: ClientId::new("qbft-1").unwrap(), evidence }],
        slot: Slot::Number(0),
        fees: policy(),
        simulate: true,
    }
}

const LIMITS: HostLimits = HostLimits { messages_max: 100, tx_bytes_max: 131_072, tx_gas_max: 30_000_000 };

#[test]
fn the_size_of_a_batch_is_known_before_it_is_encoded() {
    for (count, bytes, update) in [(1, 0, 0), (1, 33, 500), (7, 100, 31), (40, 64, 32)] {
        let request = request(count, bytes);
        let update = vec![3; update];
        let with_update = (!update.is_empty()).then_some((99, "qbft-1", update.as_slice()));
        let plan_of = |limit| {
            let mut rejected = Vec::new();
            let plan = plan(&request, with_update, HostLimits { tx_bytes_max: limit, ..LIMITS }, &mut rejected).unwrap();
            (plan, rejected.len())
        };
        let (whole, rejected) = plan_of(LIMITS.tx_bytes_max);
        assert_eq!((whole.items.len(), rejected), (count, 0));
        let size = whole.input(600_000).unwrap().len() as u64 + TX_BYTES_AROUND;
        assert_eq!(plan_of(size).0.items.len(), count, "it fits exactly");
        assert_eq!(plan_of(size - 1).0.items.len(), count - 1, "and not in one byte less");
    }
}

#[test]
fn the_rest_has_no_room_and_another_client_waits() {
    let mut request = request(30, 10);
    let mut other = request.proofs[0].clone();
    other.client_id = ClientId::new("qbft-9").unwrap();
    request.proofs.push(other);
    request.messages[3] = Message::Receive { packet: packet(3, 10), proof: (1, 3) };
    let mut rejected = Vec::new();
    let plan = plan(&request, None, HostLimits { messages_max: 10, ..LIMITS }, &mut rejected).unwrap();
    assert_eq!(plan.included(), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(rejected.len(), 20);
    assert!(rejected.iter().all(|rejected| rejected.reason == RejectReason::NoRoom));
}

#[test]
fn a_proof_that_is_not_there_is_the_callers_mistake() {
    for proof in [(1, 0), (0, 9)] {
        let mut request = request(2, 1);
        request.messages[1] = Message::Receive { packet: packet(2, 1), proof };
        assert!(matches!(plan(&request, None, LIMITS, &mut Vec::new()), Err(AdapterError::Invalid { what: "message", .. })));
    }
}

#[test]
fn signed_transactions_are_what_was_built_and_bound_to_their_id() {
    let keys = Keys::none().with_secret("k", &[7; 32]).unwrap();
    for price in [Price::Legacy { gas_price: 3 }, Price::Eip1559 { max_fee_per_gas: 5, max_priority_fee_per_gas: 1 }] {
        let draft = Draft { to: TxKind::Call(Address::repeat_byte(1)), input: Bytes::from_static(b"input"), gas_limit: 50_000, nonce: 4 };
        let unsigned = unsigned(1337, draft, price).unwrap();
        let built = Built {
            unsigned,
            included: vec![0],
            rejected: Vec::new(),
            gas_limit: 50_000,
            gas_price: price.highest(),
            slot: Slot::Number(4),
        };
        let signed = sign(1337, &keys, "k", &built).unwrap();
        let (envelope, account) = decode(&signed).unwrap();
        assert_eq!((envelope.nonce(), envelope.input().as_ref(), envelope.chain_id()), (4, b"input".as_slice(), Some(1337)));
        assert_eq!(Some(account), keys.address("k"));
        assert!(sign(1, &keys, "k", &built).is_err(), "another chain's transaction was signed");
        assert!(sign(1337, &keys, "other", &built).is_err());
        assert!(sign(1337, &keys, "k", &Built { slot: Slot::Number(5), ..built }).is_err(), "a nonce that was not journaled was signed");
        let mut forged = signed.clone();
        forged.raw.pop();
        assert!(decode(&forged).is_err());
    }
}

#[test]
fn refusals_are_sorted_by_what_the_relay_can_do() {
    let stale = |reason: Vec<u8>| matches!(reason::classify(&reason, false), RejectReason::Stale(_));
    assert!(stale(Router::ProofNotAccepted {}.abi_encode()));
    assert!(stale(QbftLightClient::TrustedHeightUnknown {}.abi_encode()));
    assert!(stale(QbftLightClient::ProofPresent {}.abi_encode()));
    assert!(stale(Router::RouterPaused {}.abi_encode()));
    let unknown_port = Router::IBCAppNotFound { portId: "x".into() }.abi_encode();
    let said = "IBCAppNotFound: no application is registered under the port that the packet is for";
    assert_eq!(reason::classify(&unknown_port, false), RejectReason::Refused(said.into()));
    let done = Router::CounterpartyAlreadyRegistered { clientId: "x".into() }.abi_encode();
    assert_eq!(reason::classify(&done, false), RejectReason::AlreadyDone);
    let time = Router::IBCInvalidTimeoutTimestamp { timeoutTimestamp: U256::from(1), comparedTimestamp: U256::from(2) }.abi_encode();
    assert!(matches!(reason::classify(&time, false), RejectReason::Refused(_)));
    assert!(matches!(reason::classify(&time, true), RejectReason::Stale(_)));
}

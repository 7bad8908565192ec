//! The chain against the light client that relayers run: what it writes verifies, in both
//! consensus kinds, with every round and set; and what its server lies about is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

use crate::common::{Rpc, deploy, free, manual, sign, signer, start, store};
use alloy::consensus::Header as RpcHeader;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::EIP1186AccountProofResponse;
use causeway_evm_devnet::{ClockMode, ConsensusKind, Control, DevnetConfig, DevnetHandle, Fork, ProofLie, SealLie, Vote};
use causeway_evm_light_client::{
    ClientParams, Header, Kind, NativeRecover, TrustedState, Update, Verdict, storage, validators_hash, verify_misbehaviour, verify_update,
};
use serde_json::json;

const PATH: &[u8] = b"qbft-0\x01\0\0\0\0\0\0\0\x01";
const PERIOD_S: u64 = 86_400;

/// A chain with a contract as its router, and a client that trusts its first block.
struct Bench {
    chain: DevnetHandle,
    rpc: Rpc,
    router: Address,
    params: ClientParams,
    trusted: TrustedState,
}

impl Bench {
    async fn new(config: DevnetConfig) -> Self {
        let kind = match config.kind {
            ConsensusKind::Qbft => Kind::Qbft,
            ConsensusKind::Ibft2 => Kind::Ibft2,
        };
        let (chain, rpc) = start(config).await;
        let router = deploy(&chain, &rpc).await;
        let header = Header::parse(kind, &chain.control().header_rlp(1).unwrap()).unwrap();
        let params = ClientParams { kind, router: router.into_array(), trusting_period_s: PERIOD_S, max_clock_drift_s: 10 };
        let trusted = TrustedState {
            height: header.number,
            timestamp_s: header.timestamp_s,
            storage_root: causeway_evm_light_client::EMPTY_ROOT,
            validators_hash: validators_hash(&header.validators),
            validators: header.validators,
            header_hash: header.normalised_hash,
        };
        Self { chain, rpc, router, params, trusted }
    }

    fn control(&self) -> &Control {
        self.chain.control()
    }

    fn commit(&self, nonce: u64, value: u64) -> Bytes {
        let slot = U256::from_be_bytes(storage::slot_of(PATH));
        sign(free(nonce, Some(self.router), store(slot, value)), &signer(0))
    }

    /// What a relayer would make an update of, read through RPC alone.
    async fn update(&self, number: u64) -> Update {
        let tag = format!("{number:#x}");
        let header = self.rpc.call("eth_getBlockByNumber", json!([tag, false])).await;
        let header: RpcHeader = serde_json::from_value(header).unwrap();
        Update {
            trusted_height: self.trusted.height,
            trusted_validators: self.trusted.validators.clone(),
            header: alloy::rlp::encode(header),
            account_proof: nodes(&self.proof(number).await.account_proof),
        }
    }

    async fn proof(&self, number: u64) -> EIP1186AccountProofResponse {
        let params = json!([self.router, [B256::from(storage::slot_of(PATH))], format!("{number:#x}")]);
        serde_json::from_value(self.rpc.call("eth_getProof", params).await).unwrap()
    }

    async fn verdict(&self, number: u64) -> Verdict {
        let update = self.update(number).await;
        verify_update(&self.params, &self.trusted, &update, self.control().now(), &NativeRecover::new())
    }

    /// Verifies a block and trusts it.
    async fn follow(&mut self, number: u64) {
        match self.verdict(number).await {
            Verdict::Success(state) => {
                assert_eq!(state.header_hash, self.control().block_hash(number).unwrap().0);
                self.trusted = state;
            }
            other => panic!("block {number}: {other:?}"),
        }
    }

    /// The rule that a block breaks, as it is served now.
    async fn refused(&self, number: u64) -> &'static str {
        match self.verdict(number).await {
            Verdict::Invalid(violation) => violation.rule(),
            other => panic!("block {number}: {other:?}"),
        }
    }
}

fn nodes(nodes: &[Bytes]) -> Vec<Vec<u8>> {
    nodes.iter().map(|node| node.to_vec()).collect()
}

#[tokio::test]
async fn every_header_verifies_in_both_kinds_on_every_fork_and_set_size() {
    for kind in [ConsensusKind::Qbft, ConsensusKind::Ibft2] {
        for fork in [Fork::Berlin, Fork::London, Fork::Shanghai, Fork::Cancun] {
            for validators in [1, 2, 4, 7, 22] {
                let config = DevnetConfig { kind, fork, validators, base_fee: causeway_evm_devnet::BaseFee::Fixed(0), ..manual() };
                let mut bench = Bench::new(config).await;
                let head = bench.control().mine(2 * validators as u64).unwrap();
                for number in 2..=head {
                    bench.follow(number).await;
                }
                bench.chain.stop().await;
            }
        }
    }
}

#[tokio::test]
async fn rounds_above_zero_and_votes_verify() {
    for kind in [ConsensusKind::Qbft, ConsensusKind::Ibft2] {
        let mut bench = Bench::new(DevnetConfig { kind, validators: 5, ..manual() }).await;
        let validator = bench.control().validator_address(3);
        for (round, vote) in [
            (1, None),
            (2, Some(Vote { validator, add: true })),
            (300, Some(Vote { validator, add: false })),
            (0, Some(Vote { validator, add: true })),
        ] {
            bench.control().force_round(round);
            if let Some(vote) = vote {
                bench.control().vote(vote);
            }
            let number = bench.control().mine_one().unwrap();
            let rlp = bench.control().header_rlp(number).unwrap();
            assert_eq!(Header::parse(bench.params.kind, &rlp).unwrap().round, round);
            bench.follow(number).await;
        }
        // A proposer that is down costs its round, and the seals are those of the others.
        bench.control().set_validator_down(2, true);
        let down = bench.control().validator_address(2);
        let mut raised = 0;
        for _ in 0..5 {
            let number = bench.control().mine_one().unwrap();
            let rlp = bench.control().header_rlp(number).unwrap();
            let header = Header::parse(bench.params.kind, &rlp).unwrap();
            raised += header.round;
            assert_ne!(header.beneficiary, down.into_array());
            bench.follow(number).await;
        }
        assert_eq!(raised, 1);
        // Two of five down is no quorum: the chain stands still until one is back.
        bench.control().set_validator_down(0, true);
        let stuck = bench.control().mine_one().unwrap_err();
        assert!(stuck.to_string().starts_with("3 of 5 validators are up, a block needs 4"), "{stuck}");
        bench.control().set_validator_down(2, false);
        let number = bench.control().mine_one().unwrap();
        bench.follow(number).await;
    }
}

#[tokio::test]
async fn a_changed_set_is_followed_and_a_foreign_one_is_not() {
    let mut bench = Bench::new(manual()).await;
    bench.control().set_validators([1, 2, 3, 4]).unwrap();
    let number = bench.control().mine_one().unwrap();
    bench.follow(number).await;
    assert!(bench.trusted.validators.contains(&bench.control().validator_address(4).into_array()));
    bench.control().set_validators(10..14).unwrap();
    let number = bench.control().mine_one().unwrap();
    let verdict = bench.verdict(number).await;
    assert_eq!(verdict, Verdict::NotEnoughTrust { found: 0, needed: 2 });
    bench.control().set_validators([]).unwrap_err();
    bench.control().set_validators(0..129).unwrap_err();
}

#[tokio::test]
async fn commitments_are_proven_present_and_absent() {
    let mut bench = Bench::new(manual()).await;
    bench.rpc.send(&bench.commit(1, 0xabcdef)).await;
    bench.control().mine_one().unwrap();
    bench.rpc.send(&bench.commit(2, 0)).await;
    bench.control().mine_one().unwrap();
    let value = U256::from(0xabcdef).to_be_bytes::<32>();
    bench.follow(2).await;
    let present = nodes(&bench.proof(2).await.storage_proof[0].proof);
    storage::verify_membership(&bench.trusted.storage_root, PATH, &value, &present).unwrap();
    storage::verify_absence(&bench.trusted.storage_root, PATH, &present).unwrap_err();
    bench.follow(3).await;
    let absent = nodes(&bench.proof(3).await.storage_proof[0].proof);
    storage::verify_absence(&bench.trusted.storage_root, PATH, &absent).unwrap();
    storage::verify_membership(&bench.trusted.storage_root, PATH, &value, &present).unwrap_err();
}

#[tokio::test]
async fn lies_about_seals_are_refused_and_the_truth_heals() {
    for kind in [ConsensusKind::Qbft, ConsensusKind::Ibft2] {
        let mut bench = Bench::new(DevnetConfig { kind, ..manual() }).await;
        let number = bench.control().mine_one().unwrap();
        for (lie, rule) in [
            (SealLie::Outsiders, "seal-not-validator"),
            (SealLie::TooFew, "quorum"),
            (SealLie::Repeated, "seal-duplicate"),
            (SealLie::Garbage, "seal-signature"),
            (SealLie::OtherBlock, "seal-not-validator"),
        ] {
            bench.control().lie(|faults| faults.seals = Some(lie));
            assert_eq!(bench.refused(number).await, rule, "{lie:?}");
        }
        bench.control().tell_the_truth();
        bench.follow(number).await;
    }
}

#[tokio::test]
async fn lies_about_proofs_are_refused() {
    let mut bench = Bench::new(manual()).await;
    bench.rpc.send(&bench.commit(1, 77)).await;
    let number = bench.control().mine_one().unwrap();
    bench.control().lie(|faults| faults.proof = Some(ProofLie::AccountNode));
    let rule = bench.refused(number).await;
    assert!(rule.starts_with("proof-") || rule.starts_with("account-"), "{rule}");
    bench.control().tell_the_truth();
    bench.follow(number).await;
    let value = U256::from(77).to_be_bytes::<32>();
    for lie in [ProofLie::StorageNode, ProofLie::Truncated] {
        bench.control().lie(|faults| faults.proof = Some(lie));
        let proof = nodes(&bench.proof(number).await.storage_proof[0].proof);
        storage::verify_membership(&bench.trusted.storage_root, PATH, &value, &proof).unwrap_err();
        storage::verify_absence(&bench.trusted.storage_root, PATH, &proof).unwrap_err();
    }
    bench.control().lie(|faults| faults.proof = Some(ProofLie::StorageValue));
    let lied = bench.proof(number).await.storage_proof.remove(0);
    let claimed = lied.value.to_be_bytes::<32>();
    let refused = storage::verify_membership(&bench.trusted.storage_root, PATH, &claimed, &nodes(&lied.proof));
    assert_eq!(refused.unwrap_err().rule(), "value-mismatch");
}

#[tokio::test]
async fn a_conflicting_header_is_misbehaviour() {
    for kind in [ConsensusKind::Qbft, ConsensusKind::Ibft2] {
        let bench = Bench::new(DevnetConfig { kind, ..manual() }).await;
        let number = bench.control().mine_one().unwrap();
        let truth = bench.update(number).await;
        bench.control().lie(|faults| faults.conflicting_block = Some(number));
        let lie = bench.update(number).await;
        assert_eq!(lie.header, bench.control().conflicting_header_rlp(number).unwrap().to_vec());
        // Alone it is convincing: that is why validators must not sign twice.
        assert!(matches!(bench.verdict(number).await, Verdict::Success(_)));
        let conflict =
            verify_misbehaviour(&bench.params, [&bench.trusted; 2], [&truth, &lie], bench.control().now(), &NativeRecover::new()).unwrap();
        assert_eq!(conflict.first, bench.control().block_hash(number).unwrap().0);
        assert_eq!(conflict.height, number);
    }
}

#[tokio::test]
async fn time_passes_as_the_test_says() {
    let clock = ClockMode::Manual(1_700_000_000);
    let mut bench = Bench::new(DevnetConfig { clock, ..manual() }).await;
    assert_eq!(bench.trusted.timestamp_s, 1_700_000_000);
    // Two blocks of one second: neither is older than the other.
    let number = bench.control().mine_one().unwrap();
    bench.follow(number).await;
    bench.control().advance_time(PERIOD_S + 1);
    let number = bench.control().mine_one().unwrap();
    assert_eq!(bench.refused(number).await, "trusting-period");
}

//! Gaps below the latest height: both verifiers keep the times of held heights in the order of the heights, and convict alike.
//!
//! Single headers are in `conformance.rs`; here a client lives through many, in any order.

use std::collections::BTreeMap;

use crate::support::evm::{Evm, Outcome};
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolValue;
use causeway_evm_contracts::abi::{self, ClientState, ClientStatus, ConsensusState, Init, QbftLightClient, UpdateResult};
use causeway_evm_contracts::{Contract, refusal};
use causeway_evm_light_client::fixtures::{HeaderSpec, Random, World};
use causeway_evm_light_client::{Held, Kind, NativeRecover, TrustedState, Update, Verdict, keccak256, place, verify_update};
use revm::primitives::hardfork::SpecId;

/// One client, kept twice.
struct Twin {
    world: World,
    evm: Evm,
    client: Address,
    held: BTreeMap<u64, TrustedState>,
}

/// What an update did, in words that both verifiers share.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Did {
    Stored,
    Nothing,
    Froze,
    Refused(String),
}

impl Twin {
    fn new() -> Self {
        let world = World::new(Kind::Qbft, 4, 1);
        let init = Init {
            clientState: ClientState {
                kind: 0,
                chainId: 1,
                router: world.params.router.into(),
                latestHeight: world.trusted.height,
                trustingPeriodSeconds: world.params.trusting_period_s,
                maxClockDriftSeconds: world.params.max_clock_drift_s,
                frozen: false,
            },
            consensusState: ConsensusState {
                timestamp: world.trusted.timestamp_s,
                storageRoot: world.trusted.storage_root.into(),
                validatorsHash: world.trusted.validators_hash.into(),
            },
            recoverer: Address::ZERO,
        };
        let mut evm = Evm::new(SpecId::BERLIN, world.now_s);
        let client = evm.deploy(Address::ZERO, Contract::QbftLightClient, &Bytes::from(init.abi_encode()).abi_encode());
        let held = BTreeMap::from([(world.trusted.height, world.trusted.clone())]);
        Self { world, evm, client, held }
    }

    /// A header `blocks` above the first height, `seconds` after its time.
    fn spec(&self, blocks: u64, seconds: u64) -> HeaderSpec {
        let first = &self.world.trusted;
        HeaderSpec { number: first.height + blocks, timestamp_s: first.timestamp_s + seconds, ..self.world.spec() }
    }

    fn update(&self, trusted: u64, spec: &HeaderSpec) -> Update {
        Update { trusted_height: trusted, ..self.world.update(spec.seal(self.world.quorum())) }
    }

    fn native(&mut self, update: &Update) -> Did {
        let trusted = &self.held[&update.trusted_height];
        match verify_update(&self.world.params, trusted, update, self.world.now_s, &NativeRecover::new()) {
            Verdict::Success(new) => match place(&self.held, &new) {
                Ok(Held::New) => {
                    self.held.insert(new.height, new);
                    Did::Stored
                }
                Ok(Held::Same) => Did::Nothing,
                Ok(Held::Conflict(_)) => Did::Froze,
                Err(violation) => Did::Refused(violation.rule().to_owned()),
            },
            Verdict::NotEnoughTrust { .. } => Did::Refused("overlap".to_owned()),
            Verdict::Invalid(violation) => Did::Refused(violation.rule().to_owned()),
        }
    }

    fn on_chain(&mut self, update: &Update) -> Did {
        let out = self.send(update);
        if !out.ok {
            return Did::Refused(refusal::rule(&out.output).unwrap_or_default());
        }
        match out.answer::<QbftLightClient::updateClientCall>() {
            UpdateResult::Update => Did::Stored,
            UpdateResult::NoOp => Did::Nothing,
            _ => Did::Froze,
        }
    }

    fn send(&mut self, update: &Update) -> Outcome {
        let update = abi::Update {
            trustedHeight: update.trusted_height,
            trustedValidators: update.trusted_validators.iter().map(|address| Address::from(*address)).collect(),
            header: update.header.clone().into(),
            accountProof: update.account_proof.iter().map(|node| Bytes::copy_from_slice(node)).collect(),
        };
        let call = QbftLightClient::updateClientCall { updateMsg: update.abi_encode().into() };
        self.evm.call(Address::ZERO, self.client, &call)
    }

    /// Both verdicts, which must be one.
    #[track_caller]
    fn both(&mut self, trusted: u64, spec: &HeaderSpec) -> Did {
        let update = self.update(trusted, spec);
        let (native, on_chain) = (self.native(&update), self.on_chain(&update));
        assert_eq!(native, on_chain, "height {} at {} from {trusted}", spec.number, spec.timestamp_s);
        let frozen = matches!(self.evm.view(self.client, &QbftLightClient::statusCall {}), ClientStatus::Frozen);
        assert_eq!(frozen, native == Did::Froze);
        native
    }
}

#[test]
fn refuses_c5_gap_that_is_out_of_order_in_time() {
    // (blocks, seconds) held above the first height; then what is filled in, and what that does.
    let held = [(10, 20), (30, 40)];
    for (blocks, seconds, expected) in [
        (20, 30, Did::Stored),
        (20, 20, Did::Stored),
        (20, 40, Did::Stored),
        (20, 41, Did::Froze),
        (20, 19, Did::Froze),
        (5, 21, Did::Froze),
        (5, 0, Did::Stored),
        // Above the latest, but earlier than it.
        (40, 39, Did::Froze),
        (40, 40, Did::Stored),
    ] {
        let mut twin = Twin::new();
        let first = twin.world.trusted.height;
        for (blocks, seconds) in held {
            let spec = twin.spec(blocks, seconds);
            assert_eq!(twin.both(first, &spec), Did::Stored);
        }
        let spec = twin.spec(blocks, seconds);
        assert_eq!(twin.both(first, &spec), expected, "{blocks} blocks, {seconds} seconds");
    }
}

#[test]
fn refuses_c5_gap_whose_proof_is_missing_and_freezes() {
    let mut twin = Twin::new();
    let first = twin.world.trusted.height;
    let held = twin.spec(10, 20);
    assert_eq!(twin.both(first, &held), Did::Stored);
    // A fork shows no state that anybody could prove: the header alone convicts, as it does at one height.
    let later = twin.spec(5, 21);
    let update = Update { account_proof: Vec::new(), ..twin.update(first, &later) };
    assert_eq!(twin.on_chain(&update), Did::Froze);
}

#[test]
fn any_order_of_updates_gets_one_verdict_from_both() {
    let mut random = Random::new(20_261_125);
    let mut counts = BTreeMap::<String, usize>::new();
    for _ in 0..120 {
        let mut twin = Twin::new();
        for _ in 0..24 {
            let known: Vec<u64> = twin.held.keys().copied().collect();
            let trusted = known[random.below(known.len())];
            let blocks = 1 + random.below(40) as u64;
            // Every block has its second; now and then one lies.
            let lie = if random.below(12) == 0 { random.below(60) as u64 } else { blocks };
            let mut spec = twin.spec(blocks, lie);
            if random.below(40) == 0 {
                spec.beneficiary = twin.world.keys[1].address;
            }
            spec.state_root = twin.world.state.root();
            let did = twin.both(trusted, &spec);
            let name = format!("{did:?}");
            *counts.entry(name).or_default() += 1;
            if did == Did::Froze {
                break;
            }
        }
        for (height, state) in &twin.held {
            let found = twin.evm.view(twin.client, &QbftLightClient::getConsensusStateCall { height: *height });
            assert_eq!((found.timestamp, found.storageRoot.0), (state.timestamp_s, state.storage_root));
        }
    }
    println!("{counts:?}");
    for name in ["Stored", "Nothing", "Froze", "Refused(\"time-not-newer\")", "Refused(\"height-not-newer\")"] {
        assert!(counts.contains_key(name), "nothing came to {name}: {counts:?}");
    }
}

#[test]
fn a_gap_too_far_below_is_refused_by_both() {
    let mut twin = Twin::new();
    let first = twin.world.trusted.height;
    // Sealing is slow: the heights above are of one second and follow each other.
    for blocks in 10..=1_034 {
        let spec = twin.spec(blocks, 20);
        let update = twin.update(first, &spec);
        assert_eq!(twin.on_chain(&update), Did::Stored, "{blocks}");
        let state = TrustedState { height: spec.number, timestamp_s: spec.timestamp_s, ..twin.world.trusted.clone() };
        twin.held.insert(spec.number, TrustedState { header_hash: keccak256(&blocks.to_be_bytes()), ..state });
    }
    let (below, above) = (twin.spec(5, 10), twin.spec(1_035, 20));
    assert_eq!(twin.both(first, &below), Did::Refused("height-too-old".to_owned()));
    assert_eq!(twin.both(first, &above), Did::Stored, "what follows the latest height needs no walk");
}

#[test]
fn a_walk_leads_over_filled_gaps() {
    let mut twin = Twin::new();
    let first = twin.world.trusted.height;
    for (blocks, seconds) in [(40, 40), (20, 20), (30, 30), (10, 10), (25, 25), (35, 35)] {
        let spec = twin.spec(blocks, seconds);
        assert_eq!(twin.both(first, &spec), Did::Stored);
    }
    // Between 20 and 25: bounded by both, although links were rewritten several times.
    let state = (twin.evm.clone(), twin.held.clone());
    for (seconds, expected) in [(19, Did::Froze), (26, Did::Froze), (20, Did::Stored), (25, Did::Stored)] {
        (twin.evm, twin.held) = state.clone();
        let spec = twin.spec(22, seconds);
        assert_eq!(twin.both(first, &spec), expected, "{seconds} seconds");
    }
}

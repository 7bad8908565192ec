//! Large batches, other forks, changing validators, and a deployment that was interrupted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{KEY, PARAMS, Side, devnet, fees, keys, now_s, prove, state_at, transfer, update, world, world_of};
use causeway_adapter::{BuildRequest, ChainAdapter, LightClient, Message, MessageResult, Outcome, Plan, RejectReason, SignedTx, Verdict};
use causeway_evm_adapter::{DeployJournal, DeployOptions, EvmAdapter, deploy};
use causeway_evm_contracts::abi;
use causeway_evm_devnet::{BaseFee, ConsensusKind, Devnet, DevnetConfig, Fork};
use causeway_types::Claim;
use std::collections::BTreeMap;

/// `count` transfers, sent with few transactions: the user approves once.
async fn transfers(side: &Side, count: u64) {
    let timeout = now_s(side) + 3_600;
    transfer(side, 1, timeout).await;
    let (token, app) = (side.deployment.test_token.unwrap(), side.deployment.token_transfer);
    let amount = alloy::primitives::U256::from(count);
    side.call(token, abi::TestToken::mintCall { to: side.user.address(), amount }).await;
    side.call(token, abi::TestToken::approveCall { spender: app, value: amount }).await;
    for _ in 1..count {
        let m = abi::SendTransfer {
            sourceClient: side.client.to_string(),
            denom: token.to_string().to_lowercase(),
            amount: alloy::primitives::U256::from(1),
            receiver: side.user.address().to_string().to_lowercase(),
            timeoutTimestamp: timeout,
            memo: String::new(),
        };
        side.call(app, abi::TokenTransfer::sendTransferCall { m }).await;
    }
}

/// Update and receives of everything that was sent.
async fn receives(a: &Side, b: &Side) -> BuildRequest {
    let packets = a.sent().await;
    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    let (message, state) = update(b, a).await;
    let group = prove(b, a, &claims, &state).await;
    let mut messages = vec![message];
    messages.extend(packets.into_iter().enumerate().map(|(item, packet)| Message::Receive { packet, proof: (0, item) }));
    BuildRequest { signer: KEY.to_string(), messages, proofs: vec![group], slot: b.slot().await, fees: fees(), simulate: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_gets_the_gas_it_needs_and_no_message_starves() {
    let (a, b) = world().await;
    transfers(&a, 40).await;
    let request = receives(&a, &b).await;
    let built = b.adapter.build(request.clone()).await.unwrap();
    assert_eq!(built.included.len(), 41, "{:?}", built.rejected);
    let (signed, outcome) = b.settle(&built).await;
    let Outcome::Included { results, gas_used, .. } = outcome else { panic!("{outcome:?}") };
    assert!(results.iter().all(|result| *result == MessageResult::Applied { created: None }), "{results:?}");
    println!("40 receives: {gas_used} gas, {} each, limit {}, {} bytes", gas_used / 40, built.gas_limit, signed.raw.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_cannot_hold_has_no_room() {
    let (a, b) = world().await;
    transfers(&a, 12).await;
    let request = receives(&a, &b).await;
    let changes: [fn(&mut causeway_evm_adapter::Config); 3] =
        [|config| config.tx_gas_max = 1_800_000, |config| config.tx_bytes_max = 12_000, |config| config.messages_max = 4];
    for change in changes {
        let mut config = b.config.clone();
        change(&mut config);
        let adapter = EvmAdapter::connect(&config, keys(b.node.chain_id())).await.unwrap();
        let built = adapter.build(request.clone()).await.unwrap();
        let packets = built.included.len() - 1;
        assert!((1..12).contains(&packets), "{packets} packets");
        assert_eq!(built.included, (0..=packets).collect::<Vec<_>>(), "a prefix");
        assert!(built.rejected.iter().all(|rejected| rejected.reason == RejectReason::NoRoom), "{:?}", built.rejected);
        let signed = adapter.sign(KEY, &built).await.unwrap();
        assert!(built.gas_limit <= config.tx_gas_max && signed.raw.len() as u64 <= config.tx_bytes_max);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eip1559_chains_and_ibft2_chains_are_relayed_too() {
    let cancun = DevnetConfig { fork: Fork::Cancun, base_fee: BaseFee::Market(1_000_000_000), ..devnet(1003) };
    let ibft2 = DevnetConfig { kind: ConsensusKind::Ibft2, fork: Fork::London, base_fee: BaseFee::Fixed(0), ..devnet(1004) };
    let (a, b) =
        crate::common::world_with(cancun, |_| {}, ibft2, |config| config.client_kind = causeway_evm_adapter::ClientKind::Ibft2).await;
    assert!(a.client.as_str().starts_with("ibft2-") && b.client.as_str().starts_with("qbft-"));
    for (from, to) in [(&a, &b), (&b, &a)] {
        transfers(from, 2).await;
        let request = receives(from, to).await;
        let (results, _) = to.deliver(request.messages, request.proofs).await;
        assert_eq!(results, vec![MessageResult::Applied { created: None }; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_led_along_the_changes_of_the_validators() {
    let (a, b) = world_of(DevnetConfig { state_window_blocks: 10_000, ..devnet(1005) }, devnet(1006)).await;
    let control = a.node.control();
    // The set moves on by one validator at a time, until none of the first is left.
    for first in 1..=4_u32 {
        control.set_validators(first..first + 4).unwrap();
        control.mine(3).unwrap();
    }
    let view = b.adapter.client(&b.client).await.unwrap();
    let limits = b.adapter.describe().await.unwrap().limits;
    let Plan::Steps(steps) = a.adapter.plan_update(&view, None, limits).await.unwrap() else { panic!("not yet") };
    assert!(steps.len() > 1, "one step cannot do");
    let mut trusted = state_at(&a, view.latest).await;
    for step in &steps {
        assert_eq!(step.trusted, trusted.height);
        match a.light_client.verify_update(&trusted, &step.update, &PARAMS, now_s(&a)) {
            Verdict::Success(state) => trusted = state,
            other => panic!("{other:?}"),
        }
        let message = Message::UpdateClient { client_id: b.client.clone(), update: step.update.clone() };
        let (results, _) = b.deliver(vec![message], Vec::new()).await;
        assert_eq!(results, [MessageResult::Applied { created: None }]);
    }
    assert_eq!(b.adapter.client(&b.client).await.unwrap().latest, trusted.height);
}

/// A journal that stops working after some transactions, as a process that is killed.
struct Interrupted {
    kept: BTreeMap<String, SignedTx>,
    left: usize,
}

impl DeployJournal for Interrupted {
    fn signed(&self, step: &str) -> Option<SignedTx> {
        self.kept.get(step).cloned()
    }

    fn record(&mut self, step: &str, tx: &SignedTx) -> Result<(), String> {
        // The transaction is remembered, and then the process dies: it was never broadcast.
        self.kept.insert(step.to_string(), tx.clone());
        self.left = self.left.checked_sub(1).ok_or("killed")?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_deployment_goes_on_where_it_stopped() {
    let node = Devnet::start(devnet(1007)).await.unwrap();
    let mut config = causeway_evm_adapter::Config::new(1007, node.rpc_url());
    config.block_interval_ms = 50;
    let options = DeployOptions { signer: KEY.to_string(), demo: false, fees: fees() };
    let mut journal = Interrupted { kept: BTreeMap::new(), left: 1 };
    let mut rounds = 0;
    let deployment = loop {
        rounds += 1;
        match deploy(&config, &keys(1007), &options, &mut journal).await {
            Ok(deployment) => break deployment,
            Err(error) => assert!(error.to_string().contains("killed"), "{error}"),
        }
        journal.left = 1;
    };
    assert!(rounds > 3, "it was interrupted {rounds} times");
    config.router = Some(deployment.router);
    let adapter = EvmAdapter::connect(&config, keys(1007)).await.unwrap();
    let account = adapter.key_address(KEY).unwrap();
    let access = adapter.router_access(account).await.unwrap();
    assert!(access.owner == account && access.may_relay && !access.paused);
    // Nine transactions and no more: nothing was done twice.
    assert_eq!(adapter.account(KEY).await.unwrap().next_slot, Some(9));
    assert_eq!(deploy(&config, &keys(1007), &options, &mut journal).await.unwrap(), deployment);
}

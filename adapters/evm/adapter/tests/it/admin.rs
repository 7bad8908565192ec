//! The acts of a router's owner and of its roles, on live embedded chains: pause, roles, ownership, gas of ports, recovery.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{KEY, Side, create_client, deployed, devnet, fees, keys, now_s, state_at, world_with};
use alloy::primitives::Address;
use causeway_adapter::{ChainAdapter, LightClient, TrustedState};
use causeway_evm_adapter::{AdminAct, EvmAdapter, Role};
use causeway_evm_devnet::dev_key;

const OTHER: &str = "other";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_pauses_grants_and_hands_over() {
    let (_node, config, deployment) = deployed(devnet(1101)).await;
    let keys = keys(1101).with_secret(OTHER, &dev_key(1101, 1).0).unwrap();
    let (owner, other) = (keys.address(KEY).unwrap(), keys.address(OTHER).unwrap());
    let adapter = EvmAdapter::connect(&config, keys).await.unwrap();
    let act = async |signer: &str, act: AdminAct| adapter.administer(signer, &fees(), &act).await;
    let refused = async |signer: &str, what: AdminAct, reason: &str| {
        let error = act(signer, what).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{reason} was due: {error}");
    };
    let access = adapter.router_access(other).await.unwrap();
    assert_eq!((access.owner, access.pending_owner, access.paused, access.roles), (owner, Address::ZERO, false, vec![]));

    refused(OTHER, AdminAct::Pause, "MissingRole").await;
    for role in Role::ALL {
        act(KEY, AdminAct::Grant(role, other)).await.unwrap();
    }
    assert_eq!(adapter.router_access(other).await.unwrap().roles, Role::ALL);
    let done = act(OTHER, AdminAct::Pause).await.unwrap();
    assert!(done.height > deployment.deployment_height && done.transaction.starts_with("0x"), "{done:?}");
    assert!(adapter.router_access(other).await.unwrap().paused);
    refused(OTHER, AdminAct::Unpause, "OwnableUnauthorizedAccount").await;
    refused(KEY, AdminAct::Pause, "RouterPaused").await;
    act(KEY, AdminAct::Unpause).await.unwrap();
    refused(KEY, AdminAct::Unpause, "RouterNotPaused").await;

    act(OTHER, AdminAct::PortGasFloor { port: "transfer".to_string(), gas: 900_000 }).await.unwrap();
    refused(OTHER, AdminAct::PortGasFloor { port: "transfer".to_string(), gas: 1 }, "PortGasFloorInvalid").await;
    act(KEY, AdminAct::Revoke(Role::PortGas, other)).await.unwrap();
    refused(OTHER, AdminAct::PortGasFloor { port: "transfer".to_string(), gas: 300_000 }, "MissingRole").await;

    act(KEY, AdminAct::RelayingOpen(false)).await.unwrap();
    let access = adapter.router_access(owner).await.unwrap();
    assert!(!access.relaying_open && !access.may_relay, "{access:?}");
    assert!(adapter.router_access(other).await.unwrap().may_relay);
    act(KEY, AdminAct::RelayingOpen(true)).await.unwrap();

    act(KEY, AdminAct::OfferOwnership(other)).await.unwrap();
    let access = adapter.router_access(owner).await.unwrap();
    assert_eq!((access.owner, access.pending_owner), (owner, other));
    refused(KEY, AdminAct::AcceptOwnership, "OwnableUnauthorizedAccount").await;
    act(OTHER, AdminAct::AcceptOwnership).await.unwrap();
    assert_eq!(adapter.router_access(owner).await.unwrap().owner, other);
    refused(KEY, AdminAct::Grant(Role::Pauser, owner), "OwnableUnauthorizedAccount").await;
    refused("nobody", AdminAct::Pause, "nobody").await;
}

/// A verified state of the chain's newest block.
async fn newest(side: &Side) -> TrustedState {
    let (height, _) = side.adapter.root(None).await.unwrap();
    state_at(side, height).await
}

/// Lets more than the trusting period pass on both chains; their newest blocks know it.
async fn expire(a: &Side, b: &Side) {
    for side in [a, b] {
        side.node.control().advance_time(86_500);
        let due = now_s(side);
        while side.adapter.status().await.unwrap().head.time_s < Some(due) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_client_moves_again_by_its_recoverer_or_a_substitute() {
    let recoverer = keys(1102).address(KEY);
    let (a, mut b) = world_with(devnet(1102), |_| {}, devnet(1103), |config| config.recoverer = recoverer).await;
    let client = a.client.to_string();
    let act = async |act: AdminAct| a.adapter.administer(KEY, &fees(), &act).await;
    let restart = |state: &TrustedState| AdminAct::RestartClient { client: client.clone(), state: state.clone() };
    let refused = |error: causeway_adapter::AdapterError, reason: &str| assert!(error.to_string().contains(reason), "{reason}: {error}");

    refused(act(restart(&newest(&b).await)).await.unwrap_err(), "RecoveryNotNeeded");
    expire(&a, &b).await;
    let state = newest(&b).await;
    act(restart(&state)).await.unwrap();
    assert_eq!(a.adapter.client(&a.client).await.unwrap().latest, state.height);
    assert_eq!(a.adapter.consensus(&a.client, state.height).await.unwrap().hash, b.light_client.consensus_hash(&state));

    b.trusted = newest(&b).await;
    let substitute = create_client(&a, &b).await;
    let recover = || AdminAct::RecoverClient { client: client.clone(), substitute: substitute.to_string() };
    refused(act(recover()).await.unwrap_err(), "ClientStillActive");
    expire(&a, &b).await;
    refused(act(recover()).await.unwrap_err(), "ClientNotActive");
    b.trusted = newest(&b).await;
    let substitute = create_client(&a, &b).await.to_string();
    act(AdminAct::RecoverClient { client: client.clone(), substitute }).await.unwrap();
    assert_eq!(a.adapter.client(&a.client).await.unwrap().latest, b.trusted.height);
    let unknown = AdminAct::RecoverClient { client, substitute: "qbft-99".to_string() };
    refused(act(unknown).await.unwrap_err(), "qbft-99");
}

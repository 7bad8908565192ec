//! What is remembered of clients, with a scripted node.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::adapter::CosmosAdapter;
use crate::config::Config;
use crate::keys::Keys;
use crate::scripted::{query, serve};
use causeway_adapter::ChainAdapter as _;
use causeway_cosmos_proto::any;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const AT: Height = Height { revision: 2, number: 40 };

/// A chain without IBC v2 that hosts a client at [`AT`], whose consensus state it tells at a height of its own; and how often that was asked.
async fn classic(consensus_at: &'static str) -> (Config, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let config = serve(move |_, params| {
        let path = params["path"].as_str().unwrap();
        let told = |message: Vec<u8>, height: &str| {
            let mut answer = query(0, "", &message);
            answer["result"]["response"]["height"] = height.into();
            answer
        };
        match path.rsplit('/').next().unwrap() {
            "ClientState" => {
                let state = tendermint::ClientState { latest_height: Some(height_to(AT)), ..Default::default() };
                told(client_v1::QueryClientStateResponse { client_state: Some(any(&state)), ..Default::default() }.encode_to_vec(), "9")
            }
            "ClientStatus" => told(client_v1::QueryClientStatusResponse { status: "Active".to_string() }.encode_to_vec(), "9"),
            "ConsensusState" => {
                count.fetch_add(1, Ordering::Relaxed);
                let state = any(&tendermint::ConsensusState::default());
                told(
                    client_v1::QueryConsensusStateResponse { consensus_state: Some(state), ..Default::default() }.encode_to_vec(),
                    consensus_at,
                )
            }
            _ => refusal(),
        }
    })
    .await;
    (config, asked)
}

/// An SDK's answer to a query that it does not know: of no height.
fn refusal() -> Value {
    let mut answer = query(6, "unknown query path: unknown request", b"");
    answer["result"]["response"]["height"] = "0".into();
    answer
}

#[tokio::test]
async fn what_a_client_holds_is_remembered_where_the_chain_has_no_ibc_v2() {
    let id = ClientId::new("07-tendermint-0").unwrap();
    for (consensus_at, asked_then) in [("9", 1), ("10", 2)] {
        let (config, asked) = classic(consensus_at).await;
        let chain = Chain::new(&config).unwrap();
        let view = client(&chain, &id).await.unwrap();
        assert_eq!((view.latest, view.counterparty), (AT, None));
        assert_eq!(consensus(&chain, &id, AT).await.unwrap().height, AT);
        assert_eq!(asked.load(Ordering::Relaxed), asked_then, "told at {consensus_at}");
    }
}

#[tokio::test]
async fn after_a_distrust_the_second_answer_is_asked_for() {
    let (config, asked) = classic("9").await;
    let (adapter, id) = (CosmosAdapter::new(&config, Keys::default()).unwrap(), ClientId::new("07-tendermint-0").unwrap());
    adapter.client(&id).await.unwrap();
    adapter.consensus(&id, AT).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    adapter.distrust();
    adapter.consensus(&id, AT).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_of_a_distrusted_endpoint_and_what_is_old_is_not_remembered() {
    let (held, id) = (Held::default(), ClientId::new("07-tendermint-0").unwrap());
    let asked = held.asking();
    held.forget();
    held.keep(asked, (&id, AT), [1; 32]);
    assert_eq!(held.at(&id, AT), None, "an answer that was on its way");
    held.keep(held.asking(), (&id, AT), [2; 32]);
    assert_eq!(held.at(&id, AT), Some([2; 32]));
    held.forget();
    assert_eq!(held.at(&id, AT), None);
    held.keep(held.asking(), (&id, AT), [3; 32]);
    tokio::time::advance(HELD_FOR).await;
    assert_eq!(held.at(&id, AT), None, "another look asks again");
}

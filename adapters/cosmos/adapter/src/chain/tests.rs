//! What a chain is told to lack, with a scripted node.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::scripted::{query, serve};

#[tokio::test]
async fn a_query_that_a_chain_does_not_know_is_named_with_what_knows_it() {
    let config = serve(|_, _| query(6, "unknown query path: unknown request", b"")).await;
    let chain = Chain::new(&config).unwrap();
    for (path, needed) in [
        ("/cosmos.auth.v1beta1.Query/AccountInfo", Some("Cosmos SDK 0.47")),
        ("/ibc.core.channel.v2.Query/PacketCommitments", Some("ibc-go 10")),
        ("/ibc.core.client.v2.Query/CounterpartyInfo", Some("ibc-go 10")),
        ("/ibc.core.channel.v1.Query/Channel", None),
        ("/cosmos.bank.v1beta1.Query/Balance", None),
    ] {
        let response = chain.query(Query::grpc(path, &())).await.unwrap();
        let error = chain.refused(&response, "answer").to_string();
        assert!(error.contains(path), "{error}");
        assert_eq!(error.contains("needs"), needed.is_some(), "{error}");
        assert!(needed.is_none_or(|needed| error.contains(needed)), "{error}");
    }
}

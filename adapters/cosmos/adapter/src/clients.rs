//! Clients hosted on this chain, as it reports them.
//!
//! Clients of any type are shown; what is inside their states is read only for the type this family makes. Called by [`crate::adapter`].

use crate::chain::{Chain, Query, Result};
use crate::convert::{height_from, height_to};
use crate::memory::{Asked, Memory};
use causeway_adapter::{AdapterError, ClientView, ConsensusView, Counterparty};
use causeway_cosmos_proto::ibc::core::client::{v1 as client_v1, v2 as client_v2};
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::{Any, unpack};
use causeway_types::{ClientId, Hash, Height};
use prost::Message;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// The encoding of evidence that clients in ibc-go take: protobuf, in messages of their own type.
pub const HOST_ENCODING: &str = "ibc-go-protobuf";

const QUERY: &str = "/ibc.core.client.v1.Query";

/// Consensus states that are remembered, and for how long: whoever looks again later gets another answer.
const HELD_MAX: usize = 256;
const HELD_FOR: Duration = Duration::from_secs(5);

/// What clients hold, as told: hashes of consensus states, which never change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Memory<BTreeMap<(ClientId, Height), (Instant, Hash)>>);

impl Held {
    fn asking(&self) -> Asked {
        self.0.asking()
    }

    fn keep(&self, asked: Asked, (client, at): (&ClientId, Height), hash: Hash) {
        self.0.keep(asked, |hashes| {
            hashes.retain(|_, (since, _)| since.elapsed() < HELD_FOR);
            if hashes.len() >= HELD_MAX {
                hashes.clear();
            }
            hashes.insert((client.clone(), at), (Instant::now(), hash));
        });
    }

    fn at(&self, client: &ClientId, height: Height) -> Option<Hash> {
        let (since, hash) = self.0.read(|hashes| hashes.get(&(client.clone(), height)).copied())?;
        (since.elapsed() < HELD_FOR).then_some(hash)
    }

    pub(crate) fn forget(&self) {
        self.0.forget();
    }
}

pub(crate) async fn client(chain: &Chain, client: &ClientId) -> Result<ClientView> {
    let client_id = client.to_string();
    let latest = client_v1::QueryConsensusStateRequest { client_id: client_id.clone(), latest_height: true, ..Default::default() };
    let questions = [
        Query::grpc(&format!("{QUERY}/ClientState"), &client_v1::QueryClientStateRequest { client_id: client_id.clone() }),
        Query::grpc(&format!("{QUERY}/ClientStatus"), &client_v1::QueryClientStatusRequest { client_id: client_id.clone() }),
        Query::grpc(&format!("{QUERY}/ConsensusState"), &latest),
        Query::grpc("/ibc.core.client.v2.Query/CounterpartyInfo", &client_v2::QueryCounterpartyInfoRequest { client_id }),
    ];
    let asked = chain.held.asking();
    let answers = chain.queries(&questions).await?;
    let [state, status, consensus, counterparty] = answers.as_slice() else {
        return Err(chain.protocol("json-rpc-batch", "4 answers", answers.len()));
    };
    if state.code != 0 {
        return Err(not_found(chain, state, "client", client.to_string()));
    }
    let state_at = state.height;
    let state: client_v1::QueryClientStateResponse = chain.decode(state, "client-state")?;
    let any = state.client_state.ok_or_else(|| chain.protocol("client-state", "a client state", "none"))?;
    let status: client_v1::QueryClientStatusResponse = chain.decode(status, "client-status")?;
    // Answers are of one state only where they are of one height; a refusal, as of what a chain without IBC v2 is asked of it, has none.
    let of_one_state = answers.iter().filter(|answer| answer.code == 0).all(|answer| answer.height == state_at);
    let latest_time_s = match consensus.code {
        0 => time_of(&chain.decode::<client_v1::QueryConsensusStateResponse>(consensus, "consensus-state")?),
        _ => None,
    };
    let counterparty = match counterparty.code {
        0 => chain.decode::<client_v2::QueryCounterpartyInfoResponse>(counterparty, "counterparty")?.counterparty_info,
        _ => None,
    };
    let (latest, trusting_s) = facts(chain, client, &any)?;
    if of_one_state && consensus.code == 0 {
        let held: client_v1::QueryConsensusStateResponse = chain.decode(consensus, "consensus-state")?;
        let hash: Option<Hash> = held.consensus_state.map(|any| Sha256::digest(&any.value).into());
        hash.into_iter().for_each(|hash| chain.held.keep(asked, (client, latest), hash));
    }
    Ok(ClientView {
        client_id: client.clone(),
        client_type: client.as_str().rsplit_once('-').map_or(client.as_str(), |(kind, _)| kind).to_string(),
        host_encoding: HOST_ENCODING.to_string(),
        latest,
        latest_time_s,
        expires_at_s: latest_time_s.zip(trusting_s).map(|(time, period)| time.saturating_add(period)),
        frozen: status.status == "Frozen",
        counterparty: counterparty.map(|info| counterparty_from(chain, info)).transpose()?,
        state: any.encode_to_vec(),
    })
}

/// Newest height and trusting period, where the type is known.
fn facts(chain: &Chain, client: &ClientId, any: &Any) -> Result<(Height, Option<u64>)> {
    let state: tendermint::ClientState = unpack(any).map_err(|error| AdapterError::Invalid {
        what: "client",
        detail: format!("{client} is of a type that this adapter does not know ({error})"),
    })?;
    let latest = state.latest_height.ok_or_else(|| chain.protocol("client-state", "a latest height", "none"))?;
    Ok((height_from(latest), state.trusting_period.and_then(|period| u64::try_from(period.seconds).ok())))
}

fn time_of(response: &client_v1::QueryConsensusStateResponse) -> Option<u64> {
    let state: tendermint::ConsensusState = unpack(response.consensus_state.as_ref()?).ok()?;
    u64::try_from(state.timestamp?.seconds).ok()
}

fn counterparty_from(chain: &Chain, info: client_v2::CounterpartyInfo) -> Result<Counterparty> {
    let client_id = ClientId::new(&info.client_id).map_err(|error| chain.protocol("counterparty", "a client id", error))?;
    Ok(Counterparty { client_id, merkle_prefix: info.merkle_prefix })
}

/// When the height was put there is not asked: what is proven here needs no delay.
pub(crate) async fn consensus(chain: &Chain, client: &ClientId, at: Height) -> Result<ConsensusView> {
    let view = |hash| ConsensusView { height: at, hash, processed_time_s: None, processed_height: None };
    if let Some(hash) = chain.held.at(client, at) {
        return Ok(view(hash));
    }
    let height = height_to(at);
    let request = client_v1::QueryConsensusStateRequest {
        client_id: client.to_string(),
        revision_number: height.revision_number,
        revision_height: height.revision_height,
        latest_height: false,
    };
    let asked = chain.held.asking();
    let response = chain.query(Query::grpc(&format!("{QUERY}/ConsensusState"), &request)).await?;
    if response.code != 0 {
        return Err(not_found(chain, &response, "consensus state", format!("{client} at {at}")));
    }
    let state: client_v1::QueryConsensusStateResponse = chain.decode(&response, "consensus-state")?;
    let any = state.consensus_state.ok_or_else(|| chain.protocol("consensus-state", "a consensus state", "none"))?;
    let hash: Hash = Sha256::digest(&any.value).into();
    chain.held.keep(asked, (client, at), hash);
    Ok(view(hash))
}

/// Reads `revision-number`.
pub(crate) fn height_text(text: &str) -> Option<Height> {
    let (revision, number) = text.split_once('-')?;
    Some(Height { revision: revision.parse().ok()?, number: number.parse().ok()? })
}

pub(crate) fn not_found(chain: &Chain, response: &crate::answers::AbciResponse, what: &'static str, name: String) -> AdapterError {
    let text = response.log.to_lowercase();
    // gRPC's code for "not found", or the text of it where the gateway keeps only that.
    if text.contains("not found") || text.contains("notfound") || text.contains("invalid identifier") {
        return AdapterError::NotFound { what, name };
    }
    chain.refused(response, what)
}

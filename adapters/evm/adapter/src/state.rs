//! What the chain's state says of packets and clients: storage words and views, batched, at one block.
//!
//! Called by [`crate::adapter`].

use crate::chain::{Chain, Result, sent_slot, slot, view_call};
use crate::light_client::{HOST_ENCODING, consensus_hash};
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolValue;
use causeway_adapter::{AdapterError, ClientView, ConsensusView, Counterparty, PacketState};
use causeway_evm_contracts::abi::{ClientState, CounterpartyInfo, QbftLightClient, Router};
use causeway_types::{ClientId, Height, Sequence, path};

/// Commitments looked at by one call of [`commitments`]: bounds its time on a client with a long history.
const SCAN_SEQUENCES_MAX: u64 = 2_000;
/// Most packets asked for at once.
const PACKETS_MAX: usize = 10_000;

pub(crate) async fn commitments(chain: &Chain, client: &ClientId, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
    let height = chain.head().await?.height;
    let sent = chain.storage(&[sent_slot(client)], height).await?;
    let last = sent.first().map_or(0, last_sequence);
    let end = from.get().saturating_add(SCAN_SEQUENCES_MAX - 1).min(last);
    let sequences: Vec<Sequence> = (from.get()..=end).filter_map(|number| Sequence::new(number).ok()).collect();
    let slots: Vec<B256> = sequences.iter().map(|sequence| slot(&path::packet_commitment(client, *sequence))).collect();
    let words = chain.storage(&slots, height).await?;
    let mut found = Vec::new();
    for (sequence, word) in sequences.iter().zip(words) {
        if word.is_zero() {
            continue;
        }
        if found.len() >= limit as usize {
            // This one was not looked at: the next call starts with it.
            return Ok((found, Sequence::new(sequence.get() - 1).ok()));
        }
        found.push(*sequence);
    }
    let more = if end < last { sequences.last().copied() } else { None };
    Ok((found, more))
}

/// The counter lies in the low eight bytes of its slot.
fn last_sequence(word: &B256) -> u64 {
    word.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

pub(crate) async fn packet_states(chain: &Chain, client: &ClientId, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
    if sequences.len() > PACKETS_MAX {
        let detail = format!("{} sequences; at most {PACKETS_MAX} are answered at once", sequences.len());
        return Err(AdapterError::Invalid { what: "packet states", detail });
    }
    if sequences.is_empty() {
        return Ok(Vec::new());
    }
    let height = chain.head().await?.height;
    let slots: Vec<B256> = sequences
        .iter()
        .flat_map(|sequence| {
            let sequence = *sequence;
            [
                path::packet_receipt(client, sequence),
                path::packet_acknowledgement(client, sequence),
                path::packet_commitment(client, sequence),
            ]
        })
        .map(|path| slot(&path))
        .collect();
    let words = chain.storage(&slots, height).await?;
    let present = |word: &B256| (!word.is_zero()).then_some(word.0);
    let states = sequences.iter().zip(words.as_chunks::<3>().0).map(|(sequence, [receipt, ack, commitment])| PacketState {
        sequence: *sequence,
        received: !receipt.is_zero(),
        ack_commitment: present(ack),
        commitment: present(commitment),
    });
    Ok(states.collect())
}

/// The contract of a client.
pub(crate) async fn client_contract(chain: &Chain, client: &ClientId, height: u64) -> Result<Address> {
    let call = Router::getClientCall { clientId: client.as_str().to_string() };
    let found = chain.view(chain.router, &call, height).await?;
    found.ok_or_else(|| AdapterError::NotFound { what: "client", name: client.to_string() })
}

pub(crate) async fn client(chain: &Chain, client: &ClientId) -> Result<ClientView> {
    let height = chain.head().await?.height;
    let get_client = Router::getClientCall { clientId: client.as_str().to_string() };
    let get_counterparty = Router::getCounterpartyCall { clientId: client.as_str().to_string() };
    let calls = vec![view_call(chain.router, &get_client), view_call(chain.router, &get_counterparty)];
    let mut answers = chain.calls(calls, height).await?.into_iter();
    let (Some(address), Some(info)) = (answers.next(), answers.next()) else {
        return Err(chain.protocol("json-rpc-batch", "two answers", "fewer"));
    };
    let address = chain
        .decode_view::<Router::getClientCall>(address, height)?
        .ok_or_else(|| AdapterError::NotFound { what: "client", name: client.to_string() })?;
    let counterparty = chain.decode_view::<Router::getCounterpartyCall>(info, height)?;
    let state_bytes = chain
        .view(address, &QbftLightClient::getClientStateCall {}, height)
        .await?
        .ok_or_else(|| chain.protocol("client-state", "a client state", "a revert"))?;
    let state = ClientState::abi_decode(&state_bytes).map_err(|error| AdapterError::Invalid {
        what: "client",
        detail: format!("{client} is of a type that this adapter does not know ({error})"),
    })?;
    let consensus = chain.view(address, &QbftLightClient::getConsensusStateCall { height: state.latestHeight }, height).await?;
    let latest_time_s = consensus.map(|consensus| consensus.timestamp);
    Ok(ClientView {
        client_id: client.clone(),
        client_type: type_of(client, &state),
        host_encoding: HOST_ENCODING.to_string(),
        latest: Height::new(state.latestHeight),
        latest_time_s,
        expires_at_s: latest_time_s.map(|time| time.saturating_add(state.trustingPeriodSeconds)),
        frozen: state.frozen,
        counterparty: counterparty.map(|info| counterparty_from(chain, info)).transpose()?,
        state: state_bytes.to_vec(),
    })
}

/// The first part of `<type>-<n>`; a client that was added by hand has the type its state says.
fn type_of(client: &ClientId, state: &ClientState) -> String {
    match client.as_str().rsplit_once('-') {
        Some((kind, _)) if kind != "client" => kind.to_string(),
        _ => if state.kind == 1 { "ibft2" } else { "qbft" }.to_string(),
    }
}

fn counterparty_from(chain: &Chain, info: CounterpartyInfo) -> Result<Counterparty> {
    let client_id = ClientId::new(&info.clientId).map_err(|error| chain.protocol("counterparty", "a client id", error))?;
    Ok(Counterparty { client_id, merkle_prefix: info.merklePrefix.into_iter().map(|part| part.to_vec()).collect() })
}

pub(crate) async fn consensus(chain: &Chain, client: &ClientId, at: Height) -> Result<ConsensusView> {
    let height = chain.head().await?.height;
    let address = client_contract(chain, client, height).await?;
    let state = chain.view(address, &QbftLightClient::getConsensusStateCall { height: at.number }, height).await?;
    let state = state.filter(|state| state.timestamp != 0 && at.revision == 0);
    let state = state.ok_or_else(|| AdapterError::NotFound { what: "consensus state", name: format!("{client} at {at}") })?;
    Ok(ConsensusView { height: at, hash: consensus_hash(&state), processed_time_s: None, processed_height: None })
}

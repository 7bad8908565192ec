//! The async half of a family: everything that needs the chain. Its answers are untrusted; the [`LightClient`] checks them.

use crate::{
    Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainStatus, ClientView, ConsensusView, Description, Evidence, HostLimits,
    HydrateRequest, Hydrated, LightClient, Outcome, PacketState, Plan, Provable, SignedTx, WatchBatch, WatchRequest,
};
use async_trait::async_trait;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Height, PacketEnd, Sequence, TxId};
use std::sync::Arc;

/// Result of a call through the seam.
pub type Result<T> = core::result::Result<T, AdapterError>;

/// One chain. Every method may be called concurrently; none may block a thread; none may answer without bound.
#[async_trait]
pub trait ChainAdapter: Send + Sync + std::fmt::Debug {
    /// What adapter and chain are. Constant while the adapter lives.
    async fn describe(&self) -> Result<Description>;

    /// Heads of the endpoints now, compared with each other.
    async fn status(&self) -> Result<ChainStatus>;

    /// Events of final blocks after a cursor: in order, without gaps, or an error that says why not: [`AdapterError::BlockTooLarge`] names the
    /// first block after the cursor, and only where that alone cannot be read.
    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch>;

    /// From state: sequences from `from` on that were sent through `end` and whose commitment still lives, at most `limit`,
    /// ascending; and the last sequence that was looked at, so that the next call starts after it. The second is `None` at the end.
    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)>;

    /// From state: what the chain holds of these packets under `end` (its own end, source or destination), in the order asked. On an ordered
    /// channel, received is what lies before the sequence that it waits for.
    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>>;

    /// Packets and acknowledgements that state only names by hash.
    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>>;

    /// A client hosted on this chain.
    async fn client(&self, client: &ClientId) -> Result<ClientView>;

    /// What that client holds at a height; [`AdapterError::NotFound`] when nothing.
    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView>;

    /// A connection end of IBC classic on this chain; [`AdapterError::NotFound`] when there is none.
    async fn connection(&self, _id: &ConnectionId) -> Result<ConnectionEnd> {
        Err(AdapterError::Unsupported { operation: "IBC classic" })
    }

    /// A channel end of IBC classic on this chain; [`AdapterError::NotFound`] when there is none.
    async fn channel(&self, _id: &ChannelEndId) -> Result<ChannelEnd> {
        Err(AdapterError::Unsupported { operation: "IBC classic" })
    }

    /// From state: all channel ends of IBC classic that stand on a connection of this chain; an error where they are too many to be answered.
    async fn channels(&self, _connection: &ConnectionId) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
        Err(AdapterError::Unsupported { operation: "IBC classic" })
    }

    /// The update, in canonical form, that proves the header at `height` (or the newest final one) for [`LightClient::verify_root`].
    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)>;

    /// Steps that bring a client of THIS chain, hosted elsewhere and seen as `view`, to at least `need` (or to the newest final height).
    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan>;

    /// The update that proves exactly `height` of this chain to a client of it that holds `trusted`: what is set against an update of that
    /// height which somebody else submitted. It may be one that only evidence needs, whatever a plan would have chosen.
    async fn update_at(&self, _trusted: Height, _height: Height) -> Result<Vec<u8>> {
        Err(AdapterError::Unsupported { operation: "an update of a height asked for" })
    }

    /// What a transaction on this chain, whoever sent it, submitted to a client hosted here: client messages in the encoding of the host, in
    /// order; for [`LightClient::decode_update`].
    async fn submitted(&self, _client: &ClientId, _height: Height, _tx: &TxId) -> Result<Vec<Vec<u8>>> {
        Err(AdapterError::Unsupported { operation: "reading what others submit to clients" })
    }

    /// When a claim about this chain can be proven to a client of this chain.
    async fn provable(&self, claim: &Claim) -> Result<Provable>;

    /// Evidence for claims about this chain at one client height.
    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence>;

    /// Builds one transaction of as many of the messages as fit, simulated.
    async fn build(&self, request: BuildRequest) -> Result<Built>;

    /// Signs it with the named key.
    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx>;

    /// Hands it to the chain. Safe to repeat.
    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult>;

    /// What became of it, by final state.
    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome>;

    /// The account of a key.
    async fn account(&self, signer: &str) -> Result<Account>;

    /// What it answered last broke a rule of the light client: an adapter with several endpoints asks another one first from now on.
    /// It changes nothing of what is verified, and returns at once: a remote adapter is told in the background, once at a time.
    fn distrust(&self) {}
}

/// An adapter and the light client that checks it: one configured chain, as the binary puts it together.
#[derive(Debug, Clone)]
pub struct Family {
    /// Everything that needs the chain.
    pub adapter: Arc<dyn ChainAdapter>,
    /// Everything that decides.
    pub light_client: Arc<dyn LightClient>,
}

//! Light clients as the relay sees them: those hosted on a chain, and the plans that bring them forward.

use causeway_types::{ClientId, Hash, Height};

/// What is registered as the other end of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterparty {
    /// The client on the other chain.
    pub client_id: ClientId,
    /// Prefix under which the other chain keeps its IBC store.
    pub merkle_prefix: Vec<Vec<u8>>,
}

/// A client as its host chain reports it. An RPC answer: a hint until compared with what was verified here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientView {
    /// Its identifier.
    pub client_id: ClientId,
    /// Its type, for example `qbft`.
    pub client_type: String,
    /// Encoding of evidence it takes.
    pub host_encoding: String,
    /// Newest height it holds.
    pub latest: Height,
    /// Time of that height, unix seconds, where the family has a clock.
    pub latest_time_s: Option<u64>,
    /// When it expires if nobody updates it, unix seconds.
    pub expires_at_s: Option<u64>,
    /// Whether it is frozen.
    pub frozen: bool,
    /// Its other end, once registered.
    pub counterparty: Option<Counterparty>,
    /// The client state in the family's own bytes, for the source family's `plan_update` and for comparison.
    pub state: Vec<u8>,
}

/// What a client holds at one height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsensusView {
    /// The height.
    pub height: Height,
    /// Hash that the source family's [`crate::LightClient::consensus_hash`] gives for the same height.
    pub hash: Hash,
    /// When it was put there, unix seconds of the host chain, if the host records it.
    pub processed_time_s: Option<u64>,
    /// At which host height it was put there, if the host records it.
    pub processed_height: Option<Height>,
}

/// A height of a source chain that this relay has verified. Only a [`crate::LightClient`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedState {
    /// Client height.
    pub height: Height,
    /// Its time, unix seconds, where the family has a clock.
    pub time_s: Option<u64>,
    /// Identity of the block: the chain's own hash of it.
    pub block_hash: Hash,
    /// The family's own bytes; what later verification needs.
    pub bytes: Vec<u8>,
}

/// What is needed to create a client of this chain on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialClient {
    /// Type of the client.
    pub client_type: String,
    /// The verified height it starts from.
    pub trusted: TrustedState,
}

/// One step that brings a client forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateStep {
    /// The height that must be trusted before.
    pub trusted: Height,
    /// The update in the family's canonical form.
    pub update: Vec<u8>,
    /// The height the client holds afterwards.
    pub resulting: Height,
    /// What it will cost on the host, as far as the source family can tell.
    pub gas_estimate: u64,
    /// Whether it must have a transaction of its own.
    pub own_transaction: bool,
    /// Host time before which the host will refuse it, unix seconds.
    pub not_before_s: Option<u64>,
}

/// An update that somebody submitted to a client, as it was. Nothing of it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmittedUpdate {
    /// The height that it says it builds on.
    pub trusted: Height,
    /// The height that it is for.
    pub height: Height,
    /// The update in the family's canonical form.
    pub update: Vec<u8>,
}

/// How to bring a client to a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Steps in order. Empty when the client already holds what is needed.
    Steps(Vec<UpdateStep>),
    /// The chain cannot serve that height yet.
    NotYet {
        /// Ask again after this long.
        retry_after_ms: u64,
    },
}

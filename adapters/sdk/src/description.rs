//! What an adapter says of itself and of its chain.

use causeway_types::Head;

/// Version of the seam. A host and a caller with different versions refuse each other, naming both.
pub const SEAM_VERSION: u32 = 2;

/// Whether the family can prove that something is not in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Yes: [`causeway_types::Claim::NoReceipt`] can be proven.
    Provable,
    /// No: a packet is marked expired by a transaction, and [`causeway_types::Claim::Expired`] is proven instead.
    ByMarkExpired,
}

/// Where the time of a height comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderClock {
    /// The header carries it.
    Header,
    /// Others attest to it.
    Attested,
    /// There is none; timeouts go by [`Absence::ByMarkExpired`].
    None,
}

/// How an account's transactions follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotOrdering {
    /// Numbered without gaps; one with the same number replaces the other (EVM nonces).
    SequentialReplaceable,
    /// Numbered without gaps, no replacement (Cosmos sequences).
    Sequential,
    /// Unordered, each with an expiry (Fabric, FISCO).
    RandomWithExpiry,
}

/// What a transaction on this chain can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLimits {
    /// Most messages in one transaction.
    pub messages_max: u32,
    /// Most bytes of one transaction.
    pub tx_bytes_max: u64,
    /// Most gas of one transaction, in the chain's unit.
    pub tx_gas_max: u64,
}

/// What the adapter and its chain are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// [`SEAM_VERSION`] of the adapter.
    pub seam_version: u32,
    /// Version of the adapter itself, for people.
    pub adapter_version: String,
    /// Family name, for example `evm`.
    pub family: String,
    /// What the chain calls itself (EVM chain id in decimal, Cosmos chain id).
    pub native_chain_id: String,
    /// Types of light client that can be created ON this chain.
    pub hosted_client_types: Vec<String>,
    /// Type of light client that follows THIS chain elsewhere.
    pub offered_client_type: String,
    /// Encodings of evidence that clients on this chain take.
    pub host_encodings: Vec<String>,
    /// Whether absence can be proven of this chain.
    pub absence: Absence,
    /// Where heights have their time from.
    pub header_clock: HeaderClock,
    /// For how many blocks state stays provable; `None` when for ever.
    pub state_window_blocks: Option<u64>,
    /// How transactions of one account follow each other.
    pub slot_ordering: SlotOrdering,
    /// Limits of a transaction.
    pub limits: HostLimits,
    /// Usual time between blocks, milliseconds; a hint for polling.
    pub block_interval_ms: u64,
    /// Name of the unit in which balances and fees are counted.
    pub fee_denom: String,
    /// Merkle prefix that a client of this chain needs.
    pub merkle_prefix: Vec<Vec<u8>>,
}

/// What one endpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Host and port, never credentials.
    pub endpoint: String,
    /// Its head; `None` when it does not answer.
    pub head: Option<Head>,
    /// Whether it is still synchronising.
    pub syncing: bool,
    /// The last error, if the last call failed.
    pub error: Option<String>,
}

/// What the endpoints say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainStatus {
    /// The head that the adapter works with.
    pub head: Head,
    /// Each endpoint.
    pub endpoints: Vec<EndpointStatus>,
    /// Set when two endpoints gave different blocks for one height: what and where.
    pub divergence: Option<String>,
}

//! Why the engine does not start, and why a question is not answered.

use crate::config::ConfigError;
use causeway_adapter::{AdapterError, Violation};
use causeway_store::StoreError;
use causeway_types::classic::{ChannelEndId, ConnectionId};
use causeway_types::{ChainId, ClientId, Hash, Height};

/// A hash as people read it.
pub(crate) fn hex(hash: &Hash) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::from("0x"), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Why an engine refused to start, or a path could not be set up. Nothing was submitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The configuration is not possible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The journal cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal was written by a newer version.
    #[error("the journal has schema {found}, this version knows up to {known}; run the newer version, or give this one a store of its own")]
    SchemaTooNew {
        /// What stands in the store.
        found: u32,
        /// The newest this version reads.
        known: u32,
    },
    /// The journal holds bytes that do not decode.
    #[error(
        "the journal is damaged at {what}: {detail}; restore a backup, or move the store away and let clearing rebuild it from the chains"
    )]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong.
        detail: String,
    },
    /// A chain did not answer at the start.
    #[error("chain {chain}: {error}")]
    Adapter {
        /// The chain.
        chain: ChainId,
        /// What its adapter said.
        error: AdapterError,
    },
    /// The adapter speaks another version of the seam.
    #[error("chain {chain}: the adapter speaks seam version {found}, this relay {expected}; run versions of the same release")]
    SeamVersion {
        /// The chain.
        chain: ChainId,
        /// Ours.
        expected: u32,
        /// Theirs.
        found: u32,
    },
    /// The endpoint serves another chain.
    #[error("chain {chain}: the endpoint serves chain id {found}, the configuration says {expected}; correct the address or the chain id")]
    ChainIdMismatch {
        /// The chain.
        chain: ChainId,
        /// From the configuration.
        expected: String,
        /// From the endpoint.
        found: String,
    },
    /// No root of trust was configured.
    #[error(
        "chain {chain} has no root of trust; its endpoints say height {height}, hash {}: compare it with somebody who runs a node of that chain, \
         then set it with `causeway trust set {chain} --height {} --hash {}`; to believe the endpoints instead, pass --trust-on-first-use \
         ({endpoints})", hex(.hash), .height.number, hex(.hash)
    )]
    UntrustedRoot {
        /// The chain.
        chain: ChainId,
        /// What the endpoints give as newest final height.
        height: Height,
        /// And its hash.
        hash: Hash,
        /// What each endpoint says.
        endpoints: String,
    },
    /// The root does not hold.
    #[error(
        "chain {chain}: the root of trust at height {height} does not hold: {violation}; an endpoint lies or the configured hash is wrong"
    )]
    RootRefused {
        /// The chain.
        chain: ChainId,
        /// The height of the root.
        height: Height,
        /// The broken rule.
        violation: Violation,
    },
    /// The configured root is not the one the journal is bound to.
    #[error(
        "chain {chain}: the journal is bound to the root {}, the configuration names {}; `causeway trust reset {chain}` binds it anew",
        hex(.stored), hex(.configured)
    )]
    RootChanged {
        /// The chain.
        chain: ChainId,
        /// In the journal.
        stored: Hash,
        /// In the configuration.
        configured: Hash,
    },
    /// Nothing newer than the trusting period is trusted.
    #[error(
        "chain {chain}: the newest trusted height {height} is {age_s} s old, the trusting period is {period_s} s; \
         compare a recent block with somebody who runs a node (`causeway trust show {chain} --for-clients` prints the newest that the clients of \
         the paths can be verified from; without paths, leave out --for-clients), write it into the configuration \
         (`causeway trust set {chain} --height HEIGHT --hash HASH`), and bind the journal to it (`causeway trust reset {chain}`)"
    )]
    TrustExpired {
        /// The chain.
        chain: ChainId,
        /// The newest height that was trusted.
        height: Height,
        /// Its age, seconds.
        age_s: u64,
        /// The configured period, seconds.
        period_s: u64,
    },
    /// An endpoint's answer broke a rule while the start was verifying.
    #[error("chain {chain}: verification failed: {violation}; an endpoint of that chain is not to be believed")]
    Verification {
        /// The chain the claim was about.
        chain: ChainId,
        /// The broken rule.
        violation: Violation,
    },
    /// The chain cannot prove what is needed yet.
    #[error("chain {chain} cannot prove height {height} yet; start again in a moment")]
    NotProvable {
        /// The chain.
        chain: ChainId,
        /// The height.
        height: Height,
    },
    /// The client of a path does not exist.
    #[error("client {client} does not exist on chain {chain}; `causeway path create CHAIN CHAIN` makes one")]
    ClientMissing {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
    },
    /// The client of a path is frozen.
    #[error("client {client} on chain {chain} is frozen; its recovery authority must act before anything is relayed")]
    ClientFrozen {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
    },
    /// The client went without an update for longer than its trusting period.
    #[error(
        "client {client} on chain {chain} expired {ago_s} s ago: nobody updated it for its trusting period; the authority of its host must \
         recover it (docs/operations.md, \"Recovering a client\")"
    )]
    ClientExpired {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
        /// How long ago, seconds.
        ago_s: u64,
    },
    /// The client is past the height that it was to be brought to.
    #[error("client {client} on chain {chain} is at height {latest} already, past {asked}, which it does not hold and takes no more")]
    ClientPast {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
        /// Its newest height.
        latest: Height,
        /// The height that was asked for.
        asked: Height,
    },
    /// The client follows with another type of light client than the chain offers.
    #[error("client {client} on chain {chain} is of type {found}, chain {source_chain} needs {expected}; the path names the wrong client")]
    ClientType {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
        /// The chain it should follow.
        source_chain: ChainId,
        /// What it should be.
        expected: String,
        /// What it is.
        found: Box<str>,
    },
    /// The two clients of a path do not name each other.
    #[error(
        "client {client} on chain {chain} has counterparty {found}, the path says {expected}; correct the path, or register the counterparty"
    )]
    CounterpartyMismatch {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
        /// The other end in the configuration.
        expected: ClientId,
        /// What is registered, or `none`.
        found: String,
    },
    /// The channel of a path is not what the path says.
    #[error("channel {channel} on chain {chain}: {what} is {found}, the path needs {expected}; correct the path, or finish the handshake")]
    ChannelMismatch {
        /// The chain.
        chain: ChainId,
        /// The channel.
        channel: ChannelEndId,
        /// What differs.
        what: &'static str,
        /// What the path needs.
        expected: Box<str>,
        /// What the chain says.
        found: Box<str>,
    },
    /// The connection of a handshake is not what is needed.
    #[error(
        "connection {connection} on chain {chain}: {what} is {found}, a handshake needs {expected}; name another connection, or finish this one"
    )]
    ConnectionMismatch {
        /// The chain.
        chain: ChainId,
        /// The connection.
        connection: ConnectionId,
        /// What differs.
        what: &'static str,
        /// What is needed.
        expected: Box<str>,
        /// What the chain says.
        found: Box<str>,
    },
    /// The client holds something else than the chain we verified.
    #[error(
        "client {client} on chain {chain} holds {} at height {height}, the verified chain gives {}: \
         somebody convinced it of another chain; do not use this path", hex(.found), hex(.expected)
    )]
    ConsensusMismatch {
        /// The host.
        chain: ChainId,
        /// The client.
        client: ClientId,
        /// The height.
        height: Height,
        /// From the header we verified.
        expected: Hash,
        /// From the host.
        found: Box<Hash>,
    },
    /// Everything that is trusted is newer than what the client holds.
    #[error(
        "chain {chain}: the root of trust at height {root} is newer than height {latest}, the newest that client {client} holds; \
         `causeway trust show {chain} --for-clients` prints a block at or below that height, to be compared with somebody who runs a node; \
         `causeway trust set {chain} --height HEIGHT --hash HASH` writes it, and where the journal is bound to another root already, \
         `causeway trust reset {chain}` frees it. Nodes that no longer keep the state of that height cannot prove it: name an archive node for \
         one start, or let another relayer update the client first"
    )]
    RootTooNew {
        /// The followed chain.
        chain: ChainId,
        /// The root's height.
        root: Height,
        /// The client.
        client: ClientId,
        /// Its newest height.
        latest: Height,
    },
    /// The client follows a chain that took the place of the one that is trusted.
    #[error(
        "client {client} on chain {host} is at height {latest}, and {chain} is trusted up to {trusted}: it follows the chain that goes on under \
         another name; with the configuration of the old chain, `causeway client upgrade --chain {host} --client {client} --height HEIGHT` \
         lets the journal go on from the height of the upgrade plan"
    )]
    OtherRevision {
        /// The host.
        host: ChainId,
        /// The client.
        client: ClientId,
        /// Its newest height.
        latest: Height,
        /// The followed chain.
        chain: ChainId,
        /// The newest height that is trusted of it.
        trusted: Height,
    },
    /// The nodes no longer keep what the root of trust is proven by.
    #[error(
        "chain {chain}: its nodes no longer keep the state of height {height}, by which the root of trust is proven (the oldest kept is \
         {oldest}); name an archive node for one start, or let another relayer update the clients that follow this chain and set the block \
         that `causeway trust show {chain} --for-clients` prints then"
    )]
    RootPruned {
        /// The followed chain.
        chain: ChainId,
        /// The root's height.
        height: Height,
        /// The oldest height that still answers, as far as known.
        oldest: Height,
    },
    /// A step of a path set-up was refused by the chain.
    #[error("chain {chain}: {step} was refused: {detail}")]
    SetupRefused {
        /// The chain.
        chain: ChainId,
        /// The step.
        step: &'static str,
        /// What the chain said.
        detail: String,
    },
}

/// Why a question or command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is no such packet.
    #[error("packet {0} is not known; `causeway packet list` shows what is")]
    UnknownPacket(String),
    /// There is no such path.
    #[error("path {0} is not one that this relay runs; `causeway status` lists them")]
    UnknownPath(String),
    /// There is no such chain.
    #[error("chain {0} is not one that this relay runs; `causeway status` lists them")]
    UnknownChain(String),
    /// The packet is not in a state that can be retried.
    #[error("packet {key} is {state}; only dead, parked and excluded packets can be retried")]
    NotRetryable {
        /// The packet.
        key: String,
        /// Its state.
        state: &'static str,
    },
    /// The page or watch cursor is not one we gave.
    #[error("the cursor is not valid: {0}; begin without one")]
    BadCursor(String),
    /// The journal stopped.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal holds bytes that do not decode.
    #[error("the journal is damaged at {0}")]
    Damaged(String),
    /// The engine is stopping or has stopped.
    #[error("the engine has stopped; its log says why, and the next start goes on")]
    Stopped,
}

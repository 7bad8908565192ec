//! Transactions: build, sign, broadcast, outcome. The slot and every transaction id are journaled before a broadcast.

use crate::{Counterparty, EncodedEvidence};
use causeway_types::classic::{ChannelEnd, ChannelEndId, ChannelId, ConnectionEnd, ConnectionId, Order, PortId};
use causeway_types::{Acknowledgement, ClientId, Height, Packet, TxId};

/// A step of a handshake of IBC classic: one end begins, the other answers, the first agrees, the other knows.
///
/// Source: cosmos/ibc `spec/core/ics-003-connection-semantics`, `spec/core/ics-004-channel-and-packet-semantics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenStep {
    /// Begin; nothing is proven.
    Init,
    /// Answer an end that was begun, which is proven.
    Try,
    /// Agree with an end that answered, which is proven.
    Ack,
    /// Take notice of an end that agreed, which is proven.
    Confirm,
}

/// What a destination is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Create a client from the bytes of [`crate::LightClient::encode_initial`].
    CreateClient {
        /// Type of the client.
        client_type: String,
        /// Its initial state.
        initial: Vec<u8>,
    },
    /// Name the other end of a client; once.
    RegisterCounterparty {
        /// The client on this host.
        client_id: ClientId,
        /// Its other end.
        counterparty: Counterparty,
    },
    /// Bring a client forward.
    UpdateClient {
        /// The client on this host.
        client_id: ClientId,
        /// Bytes of [`crate::LightClient::encode_update`].
        update: Vec<u8>,
    },
    /// Freeze a client with conflicting evidence.
    SubmitMisbehaviour {
        /// The client on this host.
        client_id: ClientId,
        /// Bytes of [`crate::LightClient::encode_misbehaviour`].
        misbehaviour: Vec<u8>,
    },
    /// Deliver a packet.
    Receive {
        /// The packet.
        packet: Packet,
        /// Index into [`BuildRequest::proofs`] and item within it.
        proof: (usize, usize),
    },
    /// Deliver an acknowledgement to the sender.
    Acknowledge {
        /// The packet.
        packet: Packet,
        /// The acknowledgement, exact bytes.
        acknowledgement: Acknowledgement,
        /// Index into [`BuildRequest::proofs`] and item within it.
        proof: (usize, usize),
    },
    /// Return a packet that was not received in time.
    Timeout {
        /// The packet.
        packet: Packet,
        /// How packets of its path follow each other: what its evidence shows is [`causeway_types::Claim::NoReceipt`] or
        /// [`causeway_types::Claim::NotReached`].
        order: Order,
        /// Index into [`BuildRequest::proofs`] and item within it.
        proof: (usize, usize),
    },
    /// Return a packet that was not received before the channel was closed at its destination, whatever its timeout.
    TimeoutOnClose {
        /// The packet.
        packet: Packet,
        /// How packets of its path follow each other; what its evidence shows is as in [`Message::Timeout`].
        order: Order,
        /// Index into [`BuildRequest::proofs`] and item within it.
        proof: (usize, usize),
        /// Evidence of the closed end: index into [`BuildRequest::proofs`] and item within it, at the same height.
        closed: (usize, usize),
    },
    /// Close a channel end whose other end is closed, which is proven.
    ///
    /// Source: cosmos/ibc `spec/core/ics-004-channel-and-packet-semantics` `chanCloseConfirm`.
    CloseChannel {
        /// The end on this chain.
        id: ChannelEndId,
        /// Evidence of the other end: index into [`BuildRequest::proofs`] and item within it.
        proof: (usize, usize),
    },
    /// A step of a connection's handshake.
    OpenConnection {
        /// Which.
        step: OpenStep,
        /// The end on this chain; none before it has been begun or answered.
        id: Option<ConnectionId>,
        /// The end as it stands here afterwards.
        end: ConnectionEnd,
        /// Evidence of the other end: index into [`BuildRequest::proofs`] and item within it. None to begin.
        proof: Option<(usize, usize)>,
    },
    /// A step of a channel's handshake.
    OpenChannel {
        /// Which.
        step: OpenStep,
        /// The port on this chain.
        port: PortId,
        /// The end on this chain; none before it has been begun or answered.
        id: Option<ChannelId>,
        /// The end as it stands here afterwards; its version is what the other end proposed or agreed to.
        end: ChannelEnd,
        /// Evidence of the other end: index into [`BuildRequest::proofs`] and item within it. None to begin.
        proof: Option<(usize, usize)>,
    },
    /// Record on the receiving chain that a packet can no longer be received, where absence cannot be proven.
    MarkExpired {
        /// The packet.
        packet: Packet,
    },
}

/// Evidence that several messages of one request use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofGroup {
    /// The client on this host that will check it.
    pub client_id: ClientId,
    /// The encoded evidence.
    pub evidence: EncodedEvidence,
}

/// The place of a transaction in its account's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// A nonce or sequence.
    Number(u64),
    /// Unordered, but not valid after this chain height.
    Expiry(Height),
}

/// What the operator allows a transaction to cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeePolicy {
    /// Gas estimates are multiplied by this, in percent (120: a fifth more).
    pub gas_headroom_percent: u32,
    /// Highest price of a unit of gas, in the smallest unit of the fee denomination; `None`: the chain's own suggestion, unbounded.
    pub gas_price_max: Option<u128>,
    /// When replacing a stuck transaction: at least this much above the price it had, in percent.
    pub replace_bump_percent: u32,
    /// The price of the transaction being replaced, if any.
    pub replaces_price: Option<u128>,
}

/// Asks for one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRequest {
    /// Name of the key that will sign.
    pub signer: String,
    /// What to do, in order.
    pub messages: Vec<Message>,
    /// Evidence the messages refer to.
    pub proofs: Vec<ProofGroup>,
    /// The slot to use.
    pub slot: Slot,
    /// What it may cost.
    pub fees: FeePolicy,
    /// Whether to simulate and leave out what would fail. Off only for a rebuild of messages that passed before.
    pub simulate: bool,
}

/// Why a message was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectReason {
    /// Already done on the chain, by us or by another.
    AlreadyDone,
    /// It would fail for good with the present arguments (unknown port, refused by the application, wrong counterparty).
    Refused(String),
    /// It would fail because evidence or client do not fit the chain's present state; try again with fresh ones.
    Stale(String),
    /// There was no room: put it into the next transaction.
    NoRoom,
}

/// A message that the transaction does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Index into [`BuildRequest::messages`].
    pub index: usize,
    /// Why.
    pub reason: RejectReason,
}

/// A transaction that waits for its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The unsigned transaction in the family's bytes; empty when every message was left out.
    pub unsigned: Vec<u8>,
    /// Indices of the request's messages that it contains, in order.
    pub included: Vec<usize>,
    /// The others.
    pub rejected: Vec<Rejected>,
    /// Gas limit.
    pub gas_limit: u64,
    /// Highest price of a unit of gas.
    pub gas_price: u128,
    /// The slot it uses.
    pub slot: Slot,
}

/// A signed transaction; journaled before it is broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTx {
    /// What the chain will call it.
    pub tx_id: TxId,
    /// The bytes to broadcast.
    pub raw: Vec<u8>,
    /// The account, as the chain writes it.
    pub account: String,
    /// The slot it uses.
    pub slot: Slot,
}

/// What the endpoint said to a broadcast. Never the last word: [`Outcome`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BroadcastResult {
    /// Taken into the pool.
    Accepted,
    /// It already has it.
    AlreadyKnown,
    /// It will not take it at this price; built again, it offers what the chain asks for.
    Underpriced {
        /// What it said.
        reason: String,
    },
    /// It will not take it.
    Refused {
        /// What it said.
        reason: String,
        /// Whether the slot is taken by something else, so that the outcome must be looked up.
        slot_conflict: bool,
    },
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageResult {
    /// Done.
    Applied {
        /// Identifier of the client, connection or channel that it created, if it did.
        created: Option<String>,
    },
    /// It had been done before.
    Noop,
    /// Received, and the receiver answered with an error acknowledgement.
    ErrorAck,
    /// Not tried, because the transaction failed elsewhere.
    NotExecuted,
    /// Tried and refused, alone.
    Failed(String),
}

/// Why a transaction can never be included any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impossible {
    /// Another transaction used its slot, finally.
    SlotUsed,
    /// Its height or time of validity is over, finally.
    Expired,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Known to the pool, not in a block.
    Pending,
    /// In a final block.
    Included {
        /// Height of the block.
        height: Height,
        /// Gas it used.
        gas_used: u64,
        /// Fee paid, in the smallest unit.
        fee: u128,
        /// One result a message, in the transaction's order.
        results: Vec<MessageResult>,
    },
    /// It never will be. The only answer that allows building the same messages again.
    Impossible(Impossible),
    /// The endpoint does not know it: broadcast again, or wait.
    Unknown,
}

/// An account that pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// As the chain writes it.
    pub address: String,
    /// Balance in the smallest unit of the fee denomination.
    pub balance: u128,
    /// Next slot by the final state; `None` for unordered submission.
    pub next_slot: Option<u64>,
}

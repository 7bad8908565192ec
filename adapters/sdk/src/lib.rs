//! The seam between the relay and the chains: what an adapter promises, and what a light client decides.
//!
//! What it is not: it knows no chain, keeps no state and makes no relaying decision. The engine calls the traits; adapters implement them;
//! the gRPC host and client carry them to another process unchanged.
//!
//! - [`ChainAdapter`]: everything that needs the chain (async, untrusted answers);
//! - [`LightClient`]: everything that decides (pure: no I/O, no clock, `now` is an argument);
//! - [`AdapterError`]: failures, each with its retry decision in the type;
//! - [`Family`]: an adapter and the light client that checks it, as the binary puts them together;
//!
//! The life of a batch: `watch` or `commitments` say what waits; `client` says what the destination knows; `plan_update` and `fetch` bring
//! evidence in the source family's canonical form; [`LightClient::verify_update`] and [`LightClient::verify_claim`] check it here; the
//! `encode_*` functions turn it into the bytes that the client on the destination takes; `build`, `sign`, `broadcast`, `outcome` deliver it.

pub mod adapter;
pub mod client;
pub mod conformance;
pub mod description;
pub mod error;
pub mod event;
pub mod evidence;
pub mod fakes;
pub mod heads;
pub mod light_client;
pub mod rpc;
pub mod senders;
pub mod transaction;

pub use adapter::{ChainAdapter, Family};
pub use client::{ClientView, ConsensusView, Counterparty, InitialClient, Plan, SubmittedUpdate, TrustedState, UpdateStep};
pub use description::{Absence, ChainStatus, Description, EndpointStatus, HeaderClock, HostLimits, SlotOrdering};
pub use error::{AdapterError, Retry, innermost};
pub use event::{Event, EventFilter, HydrateKind, HydrateRequest, Hydrated, LocatedEvent, PacketState, WatchBatch, WatchRequest};
pub use evidence::{EncodedEvidence, Evidence, EvidenceItem, Provable};
pub use light_client::{ClientParams, LightClient, Verdict, Violation};
pub use transaction::{
    Account, BroadcastResult, BuildRequest, Built, FeePolicy, Impossible, Message, MessageResult, OpenStep, Outcome, ProofGroup,
    RejectReason, Rejected, SignedTx, Slot,
};

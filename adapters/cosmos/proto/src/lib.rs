//! Messages of the Cosmos SDK, of CometBFT and of ibc-go, generated from `proto/third_party`. Plain prost messages: queries travel through
//! CometBFT's `abci_query`, so that a relayer needs one address of a node and no gRPC client.
//!
//! What it is not: it checks nothing. Bounds and meaning belong to those who decode.
//!
//! ```
//! use causeway_cosmos_proto::{any, ibc::core::client::v1::MsgUpdateClient};
//! assert_eq!(any(&MsgUpdateClient::default()).type_url, "/ibc.core.client.v1.MsgUpdateClient");
//! ```

use prost::Name;

#[allow(missing_docs, unreachable_pub, dead_code, clippy::all, clippy::allow_attributes_without_reason, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/cosmos.rs"));
}

pub use generated::{cosmos, ibc, tendermint};

/// A message of any type, with the address of its type.
pub use prost_types::Any;

/// Packs a message with its type URL, `/` and the full name, as the Cosmos SDK writes them.
pub fn any<M: Name>(message: &M) -> Any {
    Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
}

/// The type URL of a message.
pub fn type_url<M: Name>() -> String {
    format!("/{}", M::full_name())
}

/// Unpacks a message of the expected type.
///
/// # Errors
/// When the type URL is another one, or the bytes are not that message.
pub fn unpack<M: Name + Default>(any: &Any) -> Result<M, UnpackError> {
    let expected = type_url::<M>();
    if any.type_url != expected {
        return Err(UnpackError::Type { expected, found: any.type_url.chars().take(128).collect() });
    }
    M::decode(any.value.as_slice()).map_err(|error| UnpackError::Bytes { expected, detail: error.to_string() })
}

/// Why a message could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnpackError {
    /// It is of another type.
    Type {
        /// The type that was expected.
        expected: String,
        /// The type that came, cut to 128 characters.
        found: String,
    },
    /// Its bytes do not parse.
    Bytes {
        /// The type that was expected.
        expected: String,
        /// What the decoder said.
        detail: String,
    },
}

impl std::fmt::Display for UnpackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Type { expected, found } => write!(f, "expected a message of type {expected}, found {found}"),
            Self::Bytes { expected, detail } => write!(f, "expected the bytes of {expected}: {detail}"),
        }
    }
}

impl std::error::Error for UnpackError {}

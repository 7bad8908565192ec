//! The `[[handshake]]` tables: connections on which channels that others begin are finished and relayed.

use super::Config;
use causeway_engine::HandshakeSpec;
use causeway_types::ChainId;
use causeway_types::classic::ConnectionId;
use serde::Deserialize;

/// One connection of IBC classic. The relayer pays for every step of the channels it finishes there: name the ports narrowly.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandshakeConfig {
    /// Names of the two chains.
    pub(crate) chains: [String; 2],
    /// The connection on the first of them; where others only began it, the start finishes it.
    pub(crate) connection: String,
    /// Ports whose channels are finished; the port at each end fits one of them. `*` matches any run of characters.
    pub(crate) ports: Vec<String>,
}

impl HandshakeConfig {
    /// What the engine is told.
    pub(crate) fn parse(&self) -> Result<HandshakeSpec, String> {
        let [a, b] = &self.chains;
        let chain = |name: &str| ChainId::new(name).map_err(|error| error.to_string());
        Ok(HandshakeSpec {
            a: chain(a)?,
            b: chain(b)?,
            connection_a: ConnectionId::new(&self.connection).map_err(|error| error.to_string())?,
            ports: self.ports.clone(),
        })
    }

    /// Checks every bound and cross reference.
    pub(super) fn validate(&self, config: &Config) -> Result<(), String> {
        let [a, b] = &self.chains;
        config.chain(a)?;
        config.chain(b)?;
        if a == b {
            return Err(format!("chains names \"{a}\" twice; a connection joins two chains"));
        }
        if self.ports.is_empty() || self.ports.iter().any(String::is_empty) {
            return Err("ports: name at least one; `*` matches any run of characters".to_string());
        }
        self.parse().map(drop)
    }
}

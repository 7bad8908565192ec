//! A client of a running relayer, for `status`, `packet` and `bench`.

use crate::config::Config;
use crate::exit::{Code, Failure};
use causeway_proto::admin::v1::admin_client::AdminClient;
use causeway_proto::relay::v1::relay_client::RelayClient;
use causeway_proto::relay::v1::{Direction, PacketId, State};
use causeway_types::PacketKey;
use std::error::Error as _;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

/// Longest wait for a connection and for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the running relayer is; the configuration's own address unless named.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EndpointArgs {
    /// gRPC address of the running relayer [default: api.grpc_listen of the configuration].
    #[arg(long, global = true, value_name = "http://HOST:PORT")]
    endpoint: Option<String>,
}

impl EndpointArgs {
    /// Connects.
    ///
    /// # Errors
    /// Exit code 69 when no relayer answers there.
    pub(crate) async fn connect(&self, load: impl FnOnce() -> Result<Config, Failure>) -> Result<Connection, Failure> {
        let address = match &self.endpoint {
            Some(address) => address.clone(),
            None => format!("http://{}", load()?.api.grpc_listen),
        };
        Connection::open(&address).await
    }
}

/// The services of a running relayer.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Packets.
    pub(crate) relay: RelayClient<Channel>,
    /// Status and commands.
    pub(crate) admin: AdminClient<Channel>,
}

impl Connection {
    /// Connects to an address such as `http://127.0.0.1:7600`.
    ///
    /// # Errors
    /// Exit code 69 when no relayer answers there.
    pub(crate) async fn open(address: &str) -> Result<Self, Failure> {
        let address = if address.contains("://") { address.to_string() } else { format!("http://{address}") };
        let endpoint = Endpoint::from_shared(address.clone()).ok().filter(|endpoint| endpoint.uri().port().is_some()).ok_or_else(|| {
            Failure::new(Code::BadConfig, format!("--endpoint {address} is no address of a relayer; expected http://HOST:PORT"))
        })?;
        let channel = endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect().await.map_err(|_| {
            Failure::new(
                Code::Unavailable,
                format!("no relayer answers at {address}; is `causeway start` running, and is this its configuration?"),
            )
        })?;
        Ok(Self { relay: RelayClient::new(channel.clone()), admin: AdminClient::new(channel) })
    }
}

/// What the relayer answered, as an exit.
pub(crate) fn status_failure(status: &tonic::Status) -> Failure {
    // Something listens there: another program, or the relayer's own port for metrics.
    let is_other = status.code() == tonic::Code::Unimplemented || (status.code() == tonic::Code::Unknown && status.source().is_some());
    if is_other {
        let advice = "--endpoint, or api.grpc_listen of the configuration, must name the gRPC address that `causeway start` prints";
        return Failure::new(Code::Unavailable, format!("what answers there is no relayer ({}); {advice}", status.message()));
    }
    let code = match status.code() {
        tonic::Code::InvalidArgument => Code::BadConfig,
        tonic::Code::Unavailable | tonic::Code::DeadlineExceeded => Code::Unavailable,
        _ => Code::Failed,
    };
    // Nobody listens there any more.
    if code == Code::Unavailable && status.source().is_some() {
        return Failure::new(code, "the relayer does not answer any more; `causeway start` runs it, and its log says why it ended");
    }
    Failure::new(code, status.message())
}

/// `chain/client/sequence` as the wire has it.
pub(crate) fn packet_id(key: &PacketKey) -> PacketId {
    PacketId { chain: key.chain.to_string(), client: key.end.to_string(), sequence: key.sequence.get() }
}

/// `chain/client/sequence` of a wire id.
pub(crate) fn show_id(id: Option<&PacketId>) -> String {
    id.map_or_else(String::new, |id| format!("{}/{}/{}", id.chain, id.client, id.sequence))
}

/// The word for a state: `STATE_AWAITING_ACK` is `awaiting-ack`.
pub(crate) fn show_state(state: i32) -> String {
    State::try_from(state).map_or_else(|_| "unknown".to_string(), |state| word(state.as_str_name(), "STATE_"))
}

/// The word for a direction.
pub(crate) fn show_direction(direction: i32) -> String {
    Direction::try_from(direction).map_or_else(|_| "unknown".to_string(), |direction| word(direction.as_str_name(), "DIRECTION_"))
}

/// The word for any enumeration value of the interface.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', "-")
}

/// The state of a word.
pub(crate) fn parse_state(text: &str) -> Result<State, String> {
    let name = format!("STATE_{}", text.to_uppercase().replace('-', "_"));
    State::from_str_name(&name).filter(|state| *state != State::Unspecified).ok_or_else(|| {
        let known: Vec<_> = (1..=14).map(show_state).collect();
        format!("unknown state; there are: {}", known.join(", "))
    })
}

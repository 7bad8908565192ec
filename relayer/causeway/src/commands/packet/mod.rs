//! `causeway packet`: looks at packets, retries them, clears paths, sends one by hand.

mod clear;
mod pending;
mod send;
mod show;

use crate::cli::Global;
use crate::client::{self, EndpointArgs};
use crate::exit::{Code, Failure};
use crate::{config, output};
use causeway_proto::admin::v1::{GetStatusRequest, Path, RetryPacketRequest};
use causeway_proto::relay::v1::{FindPacketsRequest, GetPacketRequest, ListPacketsRequest, Packet, State};
use causeway_types::PacketKey;
use serde_json::json;

/// Look at packets, retry them, send one by hand.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List packets, pending ones first.
    List {
        /// Of this path.
        #[arg(long)]
        path: Option<String>,
        /// In this state, for example `dead` or `awaiting-ack`.
        #[arg(long, value_parser = client::parse_state)]
        state: Option<State>,
        /// Leave out finished packets.
        #[arg(long)]
        pending: bool,
        /// At most this many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show everything about one packet.
    Show {
        /// `chain/client/sequence`, or with --tx the hash of the transaction that sent it.
        id: String,
        /// Chain of the transaction.
        #[arg(long, value_name = "CHAIN")]
        tx: Option<String>,
    },
    /// Try a dead or parked packet again, at once.
    Retry {
        /// `chain/client/sequence`.
        id: PacketKey,
    },
    /// Look for forgotten packets from state now, both directions, instead of at the next interval.
    Clear(clear::Clear),
    /// Show from the chains' state which packets are on their way; no relayer need run.
    Pending(pending::Pending),
    /// Send a packet by hand, as a dApp would.
    Send(send::Send),
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let load = || config::load(&global.config);
        let connect = || self.endpoint.connect(load);
        match self.action {
            Action::Send(send) => send.execute(global).await,
            Action::Pending(pending) => pending.execute(global).await,
            Action::Clear(clear) => clear.execute(connect().await?, global).await,
            Action::List { path, state, pending, limit } => {
                let connection = connect().await?;
                if let Some(path) = &path {
                    known(connection.clone(), path).await?;
                }
                let request = ListPacketsRequest {
                    path: path.unwrap_or_default(),
                    state: state.unwrap_or(State::Unspecified).into(),
                    pending_only: pending,
                    ..ListPacketsRequest::default()
                };
                let (packets, complete) = list(connection, request, limit).await?;
                show::list(&packets, complete, global.json);
                Ok(())
            }
            Action::Show { id, tx } => {
                let wanted = Wanted::parse(id, tx)?;
                let connection = connect().await?;
                let packets = find(connection.clone(), wanted).await?;
                let paths = paths(connection).await?;
                packets.iter().for_each(|packet| show::one(packet, &show::Chains::of(packet, &paths), global.json));
                Ok(())
            }
            Action::Retry { id } => {
                let request = RetryPacketRequest { id: Some(client::packet_id(&id)) };
                connect().await?.admin.retry_packet(request).await.map_err(|status| client::status_failure(&status))?;
                if global.json {
                    output::json_object(&json!({ "retried": id.to_string() }));
                } else {
                    println!("{id} is tried again; `causeway packet show {id}` tells what became of it");
                }
                Ok(())
            }
        }
    }
}

/// At most so many packets, and whether they are all.
async fn list(mut connection: client::Connection, mut request: ListPacketsRequest, limit: u32) -> Result<(Vec<Packet>, bool), Failure> {
    let mut packets: Vec<Packet> = Vec::new();
    loop {
        // One more than is shown tells whether there is one more.
        let left = limit.saturating_add(1).saturating_sub(u32::try_from(packets.len()).unwrap_or(u32::MAX));
        if left == 0 {
            packets.pop();
            return Ok((packets, false));
        }
        request.page_size = left.min(200);
        let page = connection.relay.list_packets(request.clone()).await.map_err(|status| client::status_failure(&status))?.into_inner();
        packets.extend(page.packets);
        if page.next_page_token.is_empty() {
            return Ok((packets, true));
        }
        request.page_token = page.next_page_token;
    }
}

/// The paths that the relayer runs: they name the chains at both ends.
async fn paths(mut connection: client::Connection) -> Result<Vec<Path>, Failure> {
    let status = connection.admin.get_status(GetStatusRequest {}).await.map_err(|status| client::status_failure(&status))?;
    Ok(status.into_inner().paths)
}

/// A path that the relayer runs, or that still has packets in its journal.
async fn known(mut connection: client::Connection, path: &str) -> Result<(), Failure> {
    let paths = paths(connection.clone()).await?;
    if paths.iter().any(|known| known.name == path) {
        return Ok(());
    }
    let request = ListPacketsRequest { path: path.to_string(), page_size: 1, ..ListPacketsRequest::default() };
    let page = connection.relay.list_packets(request).await.map_err(|status| client::status_failure(&status))?;
    if !page.into_inner().packets.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = paths.into_iter().map(|path| path.name).collect();
    let message = format!("the relayer runs no path \"{path}\", and knows no packet of one; there are: {}", names.join(", "));
    Err(Failure::new(Code::BadConfig, message))
}

/// What `show` is asked for.
enum Wanted {
    Packet(PacketKey),
    /// What a transaction sent: its hash and its chain.
    SentBy(String, String),
}

impl Wanted {
    fn parse(id: String, tx: Option<String>) -> Result<Self, Failure> {
        if let Some(chain) = tx {
            return Ok(Self::SentBy(id, chain));
        }
        let advice = "write it as `causeway packet list` does, or name a transaction together with --tx CHAIN";
        id.parse().map(Self::Packet).map_err(|error| Failure::new(Code::BadConfig, format!("{error}; {advice}")))
    }
}

async fn find(mut connection: client::Connection, wanted: Wanted) -> Result<Vec<Packet>, Failure> {
    let fail = |status: tonic::Status| client::status_failure(&status);
    let (id, chain) = match wanted {
        Wanted::Packet(key) => {
            let request = GetPacketRequest { id: Some(client::packet_id(&key)) };
            return Ok(connection.relay.get_packet(request).await.map_err(fail)?.into_inner().packet.into_iter().collect());
        }
        Wanted::SentBy(id, chain) => (id, chain),
    };
    let request = FindPacketsRequest { chain: chain.clone(), transaction: id.clone() };
    let packets = connection.relay.find_packets(request).await.map_err(fail)?.into_inner().packets;
    if packets.is_empty() {
        return Err(Failure::new(
            Code::Failed,
            format!("transaction {id} on {chain} sent no packet that this relayer has seen; try again in a few blocks"),
        ));
    }
    Ok(packets)
}

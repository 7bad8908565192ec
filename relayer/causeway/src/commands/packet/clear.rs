//! `causeway packet clear`: the running relayer looks for forgotten packets now.

use crate::cli::Global;
use crate::client::{self, Connection};
use crate::exit::{Code, Failure};
use crate::output;
use causeway_proto::admin::v1::{ClearPathRequest, GetStatusRequest};
use serde_json::json;

/// Look for forgotten packets from state now, both directions, instead of at the next interval.
#[derive(Debug, clap::Args)]
pub(super) struct Clear {
    /// Name of the path [default: all].
    path: Option<String>,
}

impl Clear {
    /// Asks for it and says where to look.
    pub(super) async fn execute(self, mut connection: Connection, global: &Global) -> Result<(), Failure> {
        let paths = match self.path {
            Some(path) => vec![path],
            None => {
                let status = connection.admin.get_status(GetStatusRequest {}).await.map_err(|status| client::status_failure(&status))?;
                status.into_inner().paths.into_iter().map(|path| path.name).collect()
            }
        };
        if paths.is_empty() {
            return Err(Failure::new(Code::Failed, "the running relayer has no paths; `causeway path create CHAIN CHAIN` makes one"));
        }
        for path in &paths {
            let request = ClearPathRequest { path: path.clone() };
            connection.admin.clear_path(request).await.map_err(|status| client::status_failure(&status))?;
        }
        if global.json {
            output::json_object(&json!({ "cleared": paths }));
        } else {
            println!("Looking for forgotten packets of {}; `causeway packet list --pending` shows what is found", paths.join(", "));
        }
        Ok(())
    }
}

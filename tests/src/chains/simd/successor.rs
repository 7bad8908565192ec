//! A chain that ends by an upgrade plan, and the one that goes on in its place: same state, same validators, another name.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::node::Node;
use super::{Network, NetworkConfig, START_LIMIT};
use crate::cli::text;
use crate::poll;

/// Longest that a proposal may take from its deposit to its end, beside the voting period.
const DECIDED_LIMIT: Duration = Duration::from_secs(60);

impl Network {
    /// Has the validator of a network of one vote that the chain ends at `height`, and that clients follow `client_state` then; waits until it is
    /// decided.
    ///
    /// # Errors
    /// When the chain refuses the proposal.
    pub async fn schedule_upgrade(&self, height: u64, client_state: &Value) -> Result<()> {
        let module = self.query(&["auth", "module-account", "gov"])?;
        let authority = ["/account/value/address", "/account/base_account/address", "/account/address"];
        let authority =
            authority.into_iter().find_map(|at| module.pointer(at)?.as_str()).with_context(|| format!("no address in {module}"))?;
        let plan = json!({
            "name": "next", "time": "0001-01-01T00:00:00Z", "height": height.to_string(), "info": "", "upgraded_client_state": null,
        });
        let upgrade = json!({
            "@type": "/ibc.core.client.v1.MsgIBCSoftwareUpgrade",
            "plan": plan, "upgraded_client_state": client_state, "signer": authority,
        });
        let proposal = json!({
            "@type": "/cosmos.gov.v1.MsgSubmitProposal",
            "messages": [upgrade], "initial_deposit": [{ "denom": "stake", "amount": "10" }],
            "proposer": self.account("user")?.address, "metadata": "", "title": "next", "summary": "next", "expedited": false,
        });
        self.submit("user", &[proposal]).await?;
        let vote = json!({
            "@type": "/cosmos.gov.v1.MsgVote",
            "proposal_id": "1", "voter": self.account("validator")?.address, "option": "VOTE_OPTION_YES", "metadata": "",
        });
        self.submit("validator", &[vote]).await?;
        let limit = DECIDED_LIMIT + Duration::from_secs(self.config.voting_period_s);
        poll::until("the proposal to be decided", limit, || async {
            let found = self.get("/cosmos/gov/v1/proposals/1")?;
            match text(&found, "/proposal/status")? {
                "PROPOSAL_STATUS_PASSED" => Ok(Some(Ok(()))),
                "PROPOSAL_STATUS_FAILED" | "PROPOSAL_STATUS_REJECTED" => Ok(Some(Err(anyhow!("{found}")))),
                _ => Ok(None),
            }
        })
        .await?
    }

    /// The chain that takes the place of this one, which is of one validator and has ended: its node is stopped, what it holds is exported, and a
    /// node with the same validator starts on it.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn succeed(mut self, chain_id: &str) -> Result<Self> {
        ensure!(self.nodes.len() == 1, "a network of one node is succeeded");
        self.stop_node(0)?;
        let old = self.node(0)?;
        let exported = self.dir.path().join("exported.json");
        old.run(&["export", "--output-document", &exported.to_string_lossy()])?;
        let mut genesis: Value = serde_json::from_slice(&std::fs::read(&exported)?)?;
        genesis["chain_id"] = json!(chain_id);
        let config = NetworkConfig { chain_id: chain_id.to_owned(), ..self.config.clone() };
        let new = Node::new(&self.binary, self.dir.path().join("successor"), &config)?;
        std::fs::write(new.genesis(), serde_json::to_vec_pretty(&genesis)?)?;
        let files = ["config/priv_validator_key.json"].map(str::to_owned).into_iter();
        let keys = std::fs::read_dir(old.home().join("keyring-test"))?.filter_map(|entry| Some(entry.ok()?.file_name()));
        let keys = keys.map(|name| format!("keyring-test/{}", name.to_string_lossy()));
        std::fs::create_dir_all(new.home().join("keyring-test"))?;
        for file in files.chain(keys) {
            std::fs::copy(old.home().join(&file), new.home().join(&file)).with_context(|| file)?;
        }
        self.config = config;
        self.nodes = vec![new];
        self.start_node(0).await?;
        let first = genesis["initial_height"].as_u64().or_else(|| genesis["initial_height"].as_str()?.parse().ok()).unwrap_or(1);
        self.wait_for_height(first + 1, START_LIMIT).await?;
        Ok(self)
    }
}

//! What others have made on the chains before the operator comes, and what users send that nobody expects: clients of other people, connections
//! half open, transfers to nobody.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Site, unix_s};
use crate::cli::text;

impl Site {
    /// One transfer of one `stake` over a channel, to whom and with what text one likes, that nothing times out.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn transfer_as(&self, from: usize, channel: &str, (receiver, memo): (&str, &str)) -> Result<String> {
        let network = &self.networks[from];
        let message = json!({
            "@type": "/ibc.applications.transfer.v1.MsgTransfer",
            "source_port": "transfer",
            "source_channel": channel,
            "token": { "denom": "stake", "amount": "1" },
            "sender": network.account("user")?.address,
            "receiver": receiver,
            "timeout_height": { "revision_number": "0", "revision_height": "0" },
            "timeout_timestamp": ((unix_s()? + 600) * 1_000_000_000).to_string(),
            "memo": memo,
        });
        network.submit("user", &[message]).await
    }

    /// A client on chain `index` like the path's one there, made by an account of its own, with another trust level.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn client_of(&self, index: usize, account: &str, (numerator, denominator): (u64, u64)) -> Result<String> {
        let (network, like) = (&self.networks[index], &self.clients[index]);
        let mut state = network.get(&format!("/ibc/core/client/v1/client_states/{like}"))?["client_state"].take();
        state["trust_level"] = json!({ "numerator": numerator.to_string(), "denominator": denominator.to_string() });
        let height = state["latest_height"].clone();
        let at = format!("revision/{}/height/{}", text(&height, "/revision_number")?, text(&height, "/revision_height")?);
        let consensus = network.get(&format!("/ibc/core/client/v1/consensus_states/{like}/{at}"))?["consensus_state"].take();
        self.create_client(index, account, (&state, &consensus)).await
    }

    /// A client of a kind that no relayer follows: a key on somebody's machine (06-solomachine).
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn solo_machine(&self, index: usize) -> Result<String> {
        let shown = self.networks[index].run_json(&["keys", "show", "user", "--keyring-backend", "test", "--output", "json"])?;
        let key: Value = serde_json::from_str(text(&shown, "/pubkey")?)?;
        let mut consensus = json!({ "public_key": key, "diversifier": "machine", "timestamp": "1" });
        let state = json!({
            "@type": "/ibc.lightclients.solomachine.v3.ClientState", "sequence": "1", "is_frozen": false, "consensus_state": consensus,
        });
        consensus["@type"] = json!("/ibc.lightclients.solomachine.v3.ConsensusState");
        self.create_client(index, "user", (&state, &consensus)).await
    }

    async fn create_client(&self, index: usize, account: &str, (state, consensus): (&Value, &Value)) -> Result<String> {
        let network = &self.networks[index];
        let signer = &network.account(account)?.address;
        let create = json!({
            "@type": "/ibc.core.client.v1.MsgCreateClient", "client_state": state, "consensus_state": consensus, "signer": signer,
        });
        let hash = network.submit(account, &[create]).await?;
        let events = network.get(&format!("/cosmos/tx/v1beta1/txs/{hash}"))?["tx_response"]["events"].take();
        let created = events.as_array().and_then(|events| events.iter().find(|event| event["type"] == "create_client")).cloned();
        let attributes = created.as_ref().and_then(|event| event["attributes"].as_array()).context("no client was made")?;
        let id = attributes.iter().find(|attribute| attribute["key"] == "client_id").and_then(|attribute| attribute["value"].as_str());
        Ok(id.context("a client without an id")?.to_owned())
    }

    /// Begins a connection on chain `index` over the path's clients; its number there is that of the call.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn begin_connection(&self, index: usize) -> Result<String> {
        let network = &self.networks[index];
        let init = json!({
            "@type": "/ibc.core.connection.v1.MsgConnectionOpenInit",
            "client_id": self.clients[index],
            "counterparty": { "client_id": self.clients[1 - index], "connection_id": "", "prefix": { "key_prefix": "aWJj" } },
            "version": { "identifier": "1", "features": ["ORDER_ORDERED", "ORDER_UNORDERED"] },
            "delay_period": "0",
            "signer": network.account("user")?.address,
        });
        network.submit("user", &[init]).await
    }

    /// Connections of a chain by name and state, without the one that it has to itself.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn connections(&self, index: usize) -> Result<Vec<(String, String)>> {
        let found = self.networks[index].get("/ibc/core/connection/v1/connections")?;
        let all = found["connections"].as_array().cloned().unwrap_or_default();
        let ours = all.iter().filter(|one| one["id"] != "connection-localhost");
        ours.map(|one| Ok((text(one, "/id")?.to_owned(), text(one, "/state")?.to_owned()))).collect()
    }

    /// Registers the other end of a client on chain `index`, by the account that made it.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn register(&self, index: usize, account: &str, (client, counterparty): (&str, &str)) -> Result<String> {
        let network = &self.networks[index];
        let register = json!({
            "@type": "/ibc.core.client.v2.MsgRegisterCounterparty",
            "client_id": client, "counterparty_merkle_prefix": ["aWJj", ""], "counterparty_client_id": counterparty,
            "signer": network.account(account)?.address,
        });
        network.submit(account, &[register]).await
    }

    /// Binds stake of the user of chain `index` to its first validator: a million is one unit of voting power.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn delegate(&self, index: usize, amount: u64) -> Result<String> {
        let network = &self.networks[index];
        let validators = network.get("/cosmos/staking/v1beta1/validators")?;
        let delegate = json!({
            "@type": "/cosmos.staking.v1beta1.MsgDelegate",
            "delegator_address": network.account("user")?.address,
            "validator_address": text(&validators, "/validators/0/operator_address")?,
            "amount": { "denom": "stake", "amount": amount.to_string() },
        });
        network.submit("user", &[delegate]).await
    }
}

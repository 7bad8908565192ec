//! Who may do what on a router, and the acts of those who answer for it: pause, roles, ownership, recovery.
//!
//! Not relaying, and not deployment. Called by `path create`, `health` and `contracts admin`.

use crate::adapter::EvmAdapter;
use crate::chain::{Result, view_call};
use crate::tx::{self, single};
use alloy::primitives::{Address, B256, TxKind, U256, keccak256};
use alloy::sol_types::SolCall;
use causeway_adapter::{AdapterError, FeePolicy, TrustedState};
use causeway_evm_contracts::abi::{QbftLightClient, Router};
use serde::Serialize;

/// What a router says of itself and of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterAccess {
    /// The owner: client types, roles, start after a pause.
    pub owner: Address,
    /// Whom ownership was offered to; zero when to nobody.
    pub pending_owner: Address,
    /// Whether packets are stopped.
    pub paused: bool,
    /// Whether anybody may relay.
    pub relaying_open: bool,
    /// The roles that the account holds, in the order of [`Role::ALL`]. The owner acts in every role but that of relayers without
    /// holding it.
    pub roles: Vec<Role>,
    /// Whether the account may relay, one way or the other.
    pub may_relay: bool,
}

/// A role on the router, as RouterAccess.sol names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// May relay while relaying is not open to all.
    Relayer,
    /// May stop packets.
    Pauser,
    /// May choose client ids and port names.
    IdCustomizer,
    /// May put a substitute in the place of an expired or frozen client.
    Recoverer,
    /// May say how much gas the application of a port must be given.
    PortGas,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Relayer, Self::Pauser, Self::IdCustomizer, Self::Recoverer, Self::PortGas];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relayer => "relayer",
            Self::Pauser => "pauser",
            Self::IdCustomizer => "id-customizer",
            Self::Recoverer => "recoverer",
            Self::PortGas => "port-gas",
        }
    }

    /// The identifier on the router: keccak256 of the constant's name.
    #[must_use]
    pub fn id(self) -> B256 {
        keccak256(match self {
            Self::Relayer => "RELAYER_ROLE",
            Self::Pauser => "PAUSER_ROLE",
            Self::IdCustomizer => "ID_CUSTOMIZER_ROLE",
            Self::Recoverer => "RECOVERER_ROLE",
            Self::PortGas => "PORT_GAS_ROLE",
        })
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> core::result::Result<Self, String> {
        let known = Self::ALL.map(Self::name).join(", ");
        let role = Self::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| format!("`{}` is no role; known are {known}", text.chars().take(40).collect::<String>()))
    }
}

/// An act of the owner or of a role's holder on the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAct {
    /// Stops sending and relaying. Clients can still be updated.
    Pause,
    /// Starts again; the owner alone.
    Unpause,
    /// Gives a role to an account.
    Grant(Role, Address),
    /// Takes a role from an account.
    Revoke(Role, Address),
    /// Opens relaying to all, or closes it to all but the relayer role.
    RelayingOpen(bool),
    /// Offers the ownership; it moves when the other side accepts.
    OfferOwnership(Address),
    /// Accepts the ownership that was offered.
    AcceptOwnership,
    /// Says how much gas the application of a port must be given.
    PortGasFloor {
        /// The port.
        port: String,
        /// Gas.
        gas: u64,
    },
    /// Starts a client contract that expired or froze again, from a state that its recoverer vouches for.
    RestartClient {
        /// The client.
        client: String,
        /// A verified state of the chain that it follows, above the client's latest height.
        state: TrustedState,
    },
    /// Puts the contract of another client in the place of one that expired or froze.
    RecoverClient {
        /// The client that stopped.
        client: String,
        /// The client whose contract takes its place.
        substitute: String,
    },
}

/// An act that is in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminDone {
    /// The transaction's hash.
    pub transaction: String,
    /// The block.
    pub height: u64,
}

impl EvmAdapter {
    /// What the node calls itself: program and version.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn node_version(&self) -> Result<String> {
        let version: String = self.chain().rpc.get("web3_clientVersion", serde_json::json!([])).await?;
        Ok(crate::rpc::short(&version))
    }

    /// What the router lets an account do.
    ///
    /// # Errors
    /// [`AdapterError::NotFound`] when there is no router at the configured address.
    pub async fn router_access(&self, account: Address) -> Result<RouterAccess> {
        let chain = self.chain();
        let router = chain.router;
        let height = chain.head().await?.height;
        let mut calls = vec![
            view_call(router, &Router::ownerCall {}),
            view_call(router, &Router::pendingOwnerCall {}),
            view_call(router, &Router::pausedCall {}),
            view_call(router, &Router::relayingOpenCall {}),
        ];
        calls.extend(Role::ALL.map(|role| view_call(router, &Router::hasRoleCall { role: role.id(), account })));
        let mut answers = chain.calls(calls, height).await?.into_iter();
        let absent = || AdapterError::NotFound { what: "router", name: router.to_checksum(None) };
        let mut next = || answers.next().filter(|answer| answer.as_ref().is_ok_and(|bytes| !bytes.is_empty())).ok_or_else(absent);
        let owner = chain.decode_view::<Router::ownerCall>(next()?, height)?.ok_or_else(absent)?;
        let pending_owner = chain.decode_view::<Router::pendingOwnerCall>(next()?, height)?.ok_or_else(absent)?;
        let paused = chain.decode_view::<Router::pausedCall>(next()?, height)?.ok_or_else(absent)?;
        let relaying_open = chain.decode_view::<Router::relayingOpenCall>(next()?, height)?.ok_or_else(absent)?;
        let mut roles = Vec::new();
        for role in Role::ALL {
            if chain.decode_view::<Router::hasRoleCall>(next()?, height)?.ok_or_else(absent)? {
                roles.push(role);
            }
        }
        let may_relay = relaying_open || roles.contains(&Role::Relayer);
        Ok(RouterAccess { owner, pending_owner, paused, relaying_open, roles, may_relay })
    }

    /// Does an act with an unlocked key, and waits until it is in a block.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the router's reason when it refuses, [`AdapterError::NotFound`] for a client that it does not have.
    pub async fn administer(&self, signer: &str, fees: &FeePolicy, act: &AdminAct) -> Result<AdminDone> {
        let chain = self.chain();
        let (to, input) = match act {
            AdminAct::RestartClient { client, state } => {
                let (height, state) = crate::light_client::consensus_of(state)
                    .map_err(|violation| AdapterError::Invalid { what: "state", detail: violation.to_string() })?;
                (self.client_address(client).await?, QbftLightClient::recoverCall { height, state }.abi_encode())
            }
            act => (chain.router, self.router_input(act).await?),
        };
        let signed = single::sign(chain, self.keys(), signer, fees, (TxKind::Call(to), &input.into())).await?;
        let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
        match single::settle(chain, "the transaction", &signed).await? {
            Some(receipt) if receipt.succeeded() => {
                let (envelope, _) = tx::decode(&signed)?;
                Ok(AdminDone { transaction: envelope.tx_hash().to_string(), height: receipt.height() })
            }
            Some(_) => Err(invalid(format!("{} reverted: the router changed meanwhile; run the command again", signed.tx_id))),
            None => Err(invalid("another transaction of the account took its nonce; run the command again".to_string())),
        }
    }

    async fn client_address(&self, client: &str) -> Result<Address> {
        let chain = self.chain();
        let height = chain.head().await?.height;
        let address = chain.view(chain.router, &Router::getClientCall { clientId: client.to_string() }, height).await?;
        address.ok_or_else(|| AdapterError::NotFound { what: "client", name: client.to_string() })
    }

    async fn router_input(&self, act: &AdminAct) -> Result<Vec<u8>> {
        Ok(match act.clone() {
            AdminAct::Pause => Router::pauseCall {}.abi_encode(),
            AdminAct::Unpause => Router::unpauseCall {}.abi_encode(),
            AdminAct::Grant(role, account) => Router::grantRoleCall { role: role.id(), account }.abi_encode(),
            AdminAct::Revoke(role, account) => Router::revokeRoleCall { role: role.id(), account }.abi_encode(),
            AdminAct::RelayingOpen(open) => Router::setRelayingOpenCall { open }.abi_encode(),
            AdminAct::OfferOwnership(account) => Router::transferOwnershipCall { newOwner: account }.abi_encode(),
            AdminAct::AcceptOwnership => Router::acceptOwnershipCall {}.abi_encode(),
            AdminAct::PortGasFloor { port, gas } => Router::setPortGasFloorCall { portId: port, gasFloor: U256::from(gas) }.abi_encode(),
            AdminAct::RecoverClient { client, substitute } => {
                Router::recoverClientCall { clientId: client, substitute: self.client_address(&substitute).await? }.abi_encode()
            }
            AdminAct::RestartClient { .. } => {
                return Err(AdapterError::Unsupported { operation: "restarting a client through the router" });
            }
        })
    }

    /// The account of an unlocked key.
    pub fn key_address(&self, name: &str) -> Option<Address> {
        self.keys().address(name)
    }
}

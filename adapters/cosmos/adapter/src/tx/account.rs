//! Accounts: number, sequence, balance.
//!
//! Called by [`super::build`], [`super::outcome`] and [`crate::adapter`].

use crate::chain::{Chain, Query, Result};
use crate::tx::missing_key;
use causeway_adapter::{Account, AdapterError};
use causeway_cosmos_proto::cosmos::auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse};
use causeway_cosmos_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use std::sync::PoisonError;

/// An account by the newest state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountState {
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    /// The height of that state.
    pub(crate) height: u64,
}

/// The query that [`state_from`] reads.
pub(crate) fn state_query(address: &str) -> Query {
    Query::grpc("/cosmos.auth.v1beta1.Query/AccountInfo", &QueryAccountInfoRequest { address: address.to_string() })
}

/// `None` when the chain does not know the account: nobody has sent it anything yet.
pub(crate) fn state_from(chain: &Chain, response: &crate::answers::AbciResponse) -> Result<Option<AccountState>> {
    if response.code != 0 && response.log.to_lowercase().contains("not found") {
        return Ok(None);
    }
    let answer: QueryAccountInfoResponse = chain.decode(response, "account")?;
    let info = answer.info.ok_or_else(|| chain.protocol("account", "an account", "none"))?;
    Ok(Some(AccountState { number: info.account_number, sequence: info.sequence, height: response.height.unsigned() }))
}

/// An account that must be there.
pub(crate) async fn state(chain: &Chain, address: &str) -> Result<AccountState> {
    let response = chain.query(state_query(address)).await?;
    state_from(chain, &response)?.ok_or_else(|| unfunded(chain, address))
}

/// The account as a transaction needs it that will be simulated: its number, where that is known. The simulation tells a sequence that does not
/// fit, and the height.
pub(crate) async fn for_simulation(chain: &Chain, address: &str, sequence: u64) -> Result<AccountState> {
    let known = chain.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(address).copied();
    if let Some(number) = known {
        let height = chain.head_above(0).await?.number;
        return Ok(AccountState { number, sequence, height });
    }
    let found = state(chain, address).await?;
    keep_number(chain, address, found.number);
    Ok(found)
}

fn keep_number(chain: &Chain, address: &str, number: u64) {
    chain.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_string(), number);
}

fn unfunded(chain: &Chain, address: &str) -> AdapterError {
    AdapterError::InsufficientFunds {
        address: address.to_string(),
        balance: "0".to_string(),
        needed: "anything".to_string(),
        denom: chain.config.gas_denom.clone(),
    }
}

/// The seam's view of a key's account.
pub(crate) async fn account(chain: &Chain, address: Option<&str>, name: &str) -> Result<Account> {
    let address = address.ok_or_else(|| missing_key(name))?;
    let balance = QueryBalanceRequest { address: address.to_string(), denom: chain.config.gas_denom.clone() };
    let answers = chain.queries(&[state_query(address), Query::grpc("/cosmos.bank.v1beta1.Query/Balance", &balance)]).await?;
    let [state, balance] = answers.as_slice() else { return Err(chain.protocol("json-rpc-batch", "2 answers", answers.len())) };
    let state = state_from(chain, state)?;
    state.iter().for_each(|state| keep_number(chain, address, state.number));
    let balance: QueryBalanceResponse = chain.decode(balance, "balance")?;
    let amount = balance.balance.map_or_else(|| "0".to_string(), |coin| coin.amount);
    let balance = amount.parse().map_err(|_| chain.protocol("balance", "a number below 2^128", &amount))?;
    Ok(Account { address: address.to_string(), balance, next_slot: Some(state.map_or(0, |state| state.sequence)) })
}

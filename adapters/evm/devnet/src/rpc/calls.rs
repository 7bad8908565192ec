//! `eth_call` and `eth_estimateGas`. Called by `rpc`.

use alloy::eips::BlockId;
use alloy::primitives::{Bytes, TxKind, U256};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::{Revert, SolError};
use revm::context::TxEnv;
use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction};

use super::envelope::{Params, RpcError, RpcResult};
use super::served::Served;
use super::{json, quantity};
use crate::config::Fork;
use crate::executor::{self, Environment, Refusal, View};

pub(super) fn call(served: &Served<'_>, params: &Params) -> RpcResult {
    let request: TransactionRequest = params.required(0)?;
    let (mut view, env) = served.view(params.optional(1)?)?;
    let gas = served.node.config.rpc.call_gas;
    let tx = tx_env(request, &env, gas)?;
    json(output(executor::simulate(&mut view, &env, tx).map_err(refusal)?)?)
}

pub(super) fn estimate_gas(served: &Served<'_>, params: &Params) -> RpcResult {
    let request: TransactionRequest = params.required(0)?;
    let id: Option<BlockId> = params.optional(1)?;
    let (mut view, env) = served.view(id)?;
    let cap = served.node.config.rpc.call_gas.min(env.gas_limit);
    let tx = tx_env(request, &env, cap)?;
    let cap = affordable(&view, &tx).map_or(tx.gas_limit, |gas| tx.gas_limit.min(gas));
    Ok(quantity(smallest_gas(&mut view, &env, TxEnv { gas_limit: cap, ..tx })?))
}

/// The smallest gas limit, to a hundredth, with which a call succeeds.
fn smallest_gas(view: &mut View, env: &Environment, tx: TxEnv) -> Result<u64, RpcError> {
    let cap = tx.gas_limit;
    let mut attempt = |gas_limit: u64| executor::simulate(view, env, TxEnv { gas_limit, ..tx.clone() });
    let result = attempt(cap).map_err(refusal)?;
    let spent = result.gas().total_gas_spent();
    output(result)?;
    let (mut low, mut high) = (spent.saturating_sub(1), cap);
    // What was spent, before refunds, with what EIP-150 keeps back for the caller is
    // nearly always enough.
    let likely = spent.saturating_add(2_300).saturating_mul(64) / 63;
    if likely < high && succeeds(attempt(likely))? {
        high = likely;
    }
    while high - low > 1 && (high - low) > high / 100 {
        let middle = low + (high - low) / 2;
        if succeeds(attempt(middle))? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// Whether a gas limit was enough; too little even to begin is not an error here.
fn succeeds(result: Result<ExecutionResult, Refusal>) -> Result<bool, RpcError> {
    match result {
        Ok(result) => Ok(result.is_success()),
        Err(EVMError::Transaction(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. } | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
        )) => Ok(false),
        Err(other) => Err(refusal(other)),
    }
}

/// The gas that the caller's balance pays for; none if the call is free.
fn affordable(view: &View, tx: &TxEnv) -> Option<u64> {
    let price = U256::from(tx.gas_price);
    let left = view.world.balance(&tx.caller).saturating_sub(tx.value);
    left.checked_div(price).map(|gas| u64::try_from(gas).unwrap_or(u64::MAX))
}

fn tx_env(request: TransactionRequest, env: &Environment, gas_cap: u64) -> Result<TxEnv, RpcError> {
    let data = match (&request.input.input, &request.input.data) {
        (Some(a), Some(b)) if a != b => {
            return Err(RpcError::params("both \"data\" and \"input\" are set and not equal; use \"input\""));
        }
        _ => request.input.into_input().unwrap_or_default(),
    };
    let london = env.fork >= Fork::London;
    let priority = request.max_priority_fee_per_gas.filter(|_| london);
    let gas_price = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
    let access_list = request.access_list.unwrap_or_default();
    let tx_type = match (priority, access_list.0.is_empty()) {
        (Some(_), _) => 2,
        (None, false) => 1,
        (None, true) => 0,
    };
    Ok(TxEnv {
        tx_type,
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(gas_cap).min(gas_cap),
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        chain_id: Some(env.chain_id),
        access_list,
        gas_priority_fee: priority,
        ..TxEnv::default()
    })
}

/// What a call returned, or why it did not, in geth's words.
fn output(result: ExecutionResult) -> Result<Bytes, RpcError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => {
            let reason = Revert::abi_decode(&output).map_or_else(|_| String::new(), |revert| format!(": {}", revert.reason));
            Err(RpcError::reverted(format!("execution reverted{reason}"), &output))
        }
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => Err(RpcError::server("out of gas")),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::server(format!("execution halted: {reason:?}"))),
    }
}

fn refusal(refusal: Refusal) -> RpcError {
    match refusal {
        EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { fee, balance }) => {
            RpcError::server(format!("insufficient funds for gas * price + value: have {balance} want {fee}"))
        }
        EVMError::Transaction(InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit }) => {
            RpcError::server(format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}"))
        }
        other => RpcError::server(other.to_string()),
    }
}

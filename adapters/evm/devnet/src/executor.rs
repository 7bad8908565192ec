//! Running transactions and calls on a state with revm. Decides nothing about order or
//! fees. Called by `producer` and by the RPC server.

use std::convert::Infallible;
use std::sync::Arc;

use alloy::consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy::primitives::{Address, B256, U256};
use revm::context::result::{EVMError, ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::state::{AccountInfo, Bytecode};
use revm::{Database, ExecuteEvm, MainBuilder, MainContext};

use crate::chain::Chain;
use crate::config::Fork;
use crate::header::BFT_MIX_HASH;
use crate::state::World;

/// Why a transaction could not run at all; one that reverts did run.
pub(crate) type Refusal = EVMError<Infallible>;

/// The block around a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment {
    pub(crate) chain_id: u64,
    pub(crate) fork: Fork,
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    pub(crate) beneficiary: Address,
    pub(crate) gas_limit: u64,
    pub(crate) base_fee: Option<u64>,
}

/// A state that the EVM reads, with the chain behind it for BLOCKHASH.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) world: World,
    pub(crate) chain: Arc<Chain>,
}

impl Database for View {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.world.info(&address))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        self.world.code_by_hash(&hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.world.account(&address).map_or(U256::ZERO, |account| account.slot(slot)))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        Ok(self.chain.block(number).map_or(B256::ZERO, |block| block.hash))
    }
}

/// Runs a signed transaction by all rules of the fork.
pub(crate) fn run(view: &mut View, env: &Environment, tx: TxEnv) -> Result<ResultAndState, Refusal> {
    Context::mainnet().with_db(view).with_block(env.block()).with_cfg(env.cfg()).build_mainnet().transact(tx)
}

/// Runs a call that nobody signed: no nonce, no code check on the caller, and free
/// unless it names a price.
pub(crate) fn simulate(view: &mut View, env: &Environment, tx: TxEnv) -> Result<ExecutionResult, Refusal> {
    let mut cfg = env.cfg();
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_base_fee = tx.gas_price == 0;
    cfg.disable_block_gas_limit = true;
    Context::mainnet().with_db(view).with_block(env.block()).with_cfg(cfg).build_mainnet().transact(tx).map(|out| out.result)
}

/// A signed transaction as revm takes it.
pub(crate) fn tx_env(tx: &Recovered<TxEnvelope>) -> TxEnv {
    TxEnv {
        tx_type: tx.tx_type().into(),
        caller: tx.signer(),
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        ..TxEnv::default()
    }
}

impl Environment {
    fn block(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.beneficiary,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit,
            basefee: self.base_fee.unwrap_or_default(),
            difficulty: U256::ONE,
            prevrandao: Some(BFT_MIX_HASH),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(0, 3_338_477)),
            slot_num: 0,
        }
    }

    fn cfg(&self) -> CfgEnv {
        let mut cfg = CfgEnv::new_with_spec(self.fork.spec());
        cfg.chain_id = self.chain_id;
        cfg
    }
}

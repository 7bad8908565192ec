//! A state, a clock, and transactions on it.

use alloy::primitives::{Address, Bytes, Log, TxKind, U256};
use alloy::sol_types::{SolCall, SolEvent};
use causeway_evm_contracts::{Contract, refusal};
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::{ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};

/// What a transaction may use unless it says otherwise.
pub const GAS: u64 = 200_000_000;

#[derive(Debug, Clone)]
pub struct Evm {
    pub db: InMemoryDB,
    pub time: u64,
    pub spec: SpecId,
}

#[derive(Debug, Clone)]
pub struct Outcome {
    pub ok: bool,
    pub gas: u64,
    pub output: Bytes,
    pub logs: Vec<Log>,
}

impl Outcome {
    /// The answer of a call that must have succeeded.
    #[track_caller]
    pub fn answer<C: SolCall>(&self) -> C::Return {
        assert!(self.ok, "{} was refused: {}", C::SIGNATURE, refusal::describe(&self.output));
        C::abi_decode_returns(&self.output).expect("the answer decodes")
    }

    /// Name of the custom error that a call must have ended with.
    #[track_caller]
    pub fn error(&self) -> String {
        assert!(!self.ok, "the call succeeded");
        refusal::describe(&self.output)
    }

    #[track_caller]
    pub fn must(self) -> Self {
        assert!(self.ok, "refused: {}", refusal::describe(&self.output));
        self
    }

    pub fn events<E: SolEvent>(&self) -> Vec<E> {
        self.logs.iter().filter_map(|log| E::decode_log(log).ok()).map(|log| log.data).collect()
    }
}

impl Evm {
    pub fn new(spec: SpecId, time: u64) -> Self {
        Self { db: InMemoryDB::default(), time, spec }
    }

    fn run(&self, tx: TxEnv, db: &mut InMemoryDB, commit: bool) -> Outcome {
        let mut cfg = CfgEnv::new_with_spec(self.spec);
        cfg.disable_nonce_check = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let block = BlockEnv { timestamp: U256::from(self.time), gas_limit: u64::MAX, number: U256::from(1), ..BlockEnv::default() };
        let mut evm = Context::mainnet().with_db(db).with_block(block).with_cfg(cfg).build_mainnet();
        let result = if commit { evm.transact_commit(tx) } else { evm.transact(tx).map(|out| out.result) };
        let result: ExecutionResult = result.expect("the transaction is well-formed");
        let output = match &result {
            ExecutionResult::Success { output, .. } if output.address().is_some() => {
                Bytes::copy_from_slice(output.address().expect("checked above").as_slice())
            }
            other => other.output().cloned().unwrap_or_default(),
        };
        Outcome { ok: result.is_success(), gas: result.tx_gas_used(), output, logs: result.into_logs() }
    }

    fn transaction(caller: Address, kind: TxKind, data: Bytes, gas: u64) -> TxEnv {
        TxEnv { caller, gas_limit: gas, gas_price: 0, kind, data, chain_id: Some(1), ..TxEnv::default() }
    }

    #[track_caller]
    pub fn deploy(&mut self, caller: Address, contract: Contract, arguments: &[u8]) -> Address {
        let out = self.create(caller, contract, arguments).must();
        Address::from_slice(&out.output)
    }

    pub fn create(&mut self, caller: Address, contract: Contract, arguments: &[u8]) -> Outcome {
        let nonce = self.db.cache.accounts.get(&caller).map_or(0, |account| account.info.nonce);
        let mut tx = Self::transaction(caller, TxKind::Create, contract.creation_code(arguments), GAS);
        tx.nonce = nonce;
        self.commit(tx)
    }

    fn commit(&mut self, tx: TxEnv) -> Outcome {
        let mut db = std::mem::take(&mut self.db);
        let out = self.run(tx, &mut db, true);
        self.db = db;
        out
    }

    pub fn call<C: SolCall>(&mut self, caller: Address, to: Address, call: &C) -> Outcome {
        self.call_with_gas(caller, to, call, GAS)
    }

    pub fn call_with_gas<C: SolCall>(&mut self, caller: Address, to: Address, call: &C, gas: u64) -> Outcome {
        self.send(caller, to, call.abi_encode().into(), gas)
    }

    pub fn send(&mut self, caller: Address, to: Address, data: Bytes, gas: u64) -> Outcome {
        self.commit(Self::transaction(caller, TxKind::Call(to), data, gas))
    }

    /// A call that leaves no trace.
    pub fn try_call<C: SolCall>(&self, caller: Address, to: Address, call: &C) -> Outcome {
        let mut db = self.db.clone();
        self.run(Self::transaction(caller, TxKind::Call(to), call.abi_encode().into(), GAS), &mut db, false)
    }

    #[track_caller]
    pub fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.try_call(Address::ZERO, to, call).answer::<C>()
    }

    /// The slots of an account that are not zero.
    pub fn storage(&self, account: Address) -> Vec<(U256, U256)> {
        let Some(account) = self.db.cache.accounts.get(&account) else { return Vec::new() };
        account.storage.iter().filter(|(_, value)| !value.is_zero()).map(|(slot, value)| (*slot, *value)).collect()
    }
}

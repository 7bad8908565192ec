//! The world state: accounts in a trie, each with its own storage trie, and the code by
//! its hash. A `World` is a value that shares structure with its ancestors; executing on
//! a clone leaves the original alone. Called by `executor` and by the RPC server.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy::trie::TrieAccount;
use revm::state::{AccountInfo, Bytecode, EvmState};

use crate::trie::{Trie, TrieValue};

/// A storage value; its leaf is the RLP integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) U256);

impl TrieValue for Word {
    fn to_leaf(&self) -> Vec<u8> {
        alloy::rlp::encode(self.0)
    }
}

/// An account with all of its storage.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
    pub(crate) storage: Trie<Word>,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY, storage: Trie::default() }
    }
}

impl Account {
    fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    /// The value of a storage slot; absent is zero.
    pub(crate) fn slot(&self, slot: U256) -> U256 {
        self.storage.get(&slot_key(slot)).map_or(U256::ZERO, |word| word.0)
    }

    /// The proof of a storage slot, root first.
    pub(crate) fn slot_proof(&self, slot: U256) -> Vec<Bytes> {
        self.storage.proof(&slot_key(slot))
    }
}

impl TrieValue for Account {
    fn to_leaf(&self) -> Vec<u8> {
        alloy::rlp::encode(TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: self.storage.root(),
            code_hash: self.code_hash,
        })
    }
}

fn slot_key(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

/// Code is never forgotten: it is small, and any block in the window may need it.
#[derive(Debug, Clone, Default)]
struct Codes(Arc<RwLock<HashMap<B256, Bytecode>>>);

impl Codes {
    fn get(&self, hash: &B256) -> Option<Bytecode> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn put(&self, hash: B256, code: Bytecode) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(hash).or_insert(code);
    }
}

/// The state after some block.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    accounts: Trie<Account>,
    codes: Codes,
}

impl World {
    /// A genesis state in which each address holds its balance (wei).
    pub(crate) fn funded(balances: &[(Address, U256)]) -> Self {
        let mut world = Self::default();
        for (address, balance) in balances {
            let account = Account { balance: *balance, ..Account::default() };
            if !account.is_empty() {
                world.accounts.insert(&keccak256(address), account);
            }
        }
        world
    }

    /// The state root; only what changed since the last call is hashed.
    pub(crate) fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// The account, if it exists.
    pub(crate) fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(&keccak256(address))
    }

    /// The nonce of an account; absent is zero.
    pub(crate) fn nonce(&self, address: &Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    /// The balance of an account in wei; absent is zero.
    pub(crate) fn balance(&self, address: &Address) -> U256 {
        self.account(address).map_or(U256::ZERO, |account| account.balance)
    }

    /// The code of an account; absent is empty.
    pub(crate) fn code(&self, address: &Address) -> Bytes {
        self.account(address).and_then(|account| self.codes.get(&account.code_hash)).map_or_else(Bytes::new, |code| code.original_bytes())
    }

    /// The proof of an account, root first.
    pub(crate) fn account_proof(&self, address: &Address) -> Vec<Bytes> {
        self.accounts.proof(&keccak256(address))
    }

    /// What the EVM may ask about an account.
    pub(crate) fn info(&self, address: &Address) -> Option<AccountInfo> {
        let account = self.account(address)?;
        Some(AccountInfo { balance: account.balance, nonce: account.nonce, code_hash: account.code_hash, account_id: None, code: None })
    }

    /// Code by its hash, for the EVM.
    pub(crate) fn code_by_hash(&self, hash: &B256) -> Result<Bytecode, Infallible> {
        Ok(self.codes.get(hash).unwrap_or_default())
    }

    /// Applies what a transaction left behind (EIP-161: empty accounts vanish).
    pub(crate) fn apply(&mut self, changes: EvmState) {
        for (address, change) in changes {
            if !change.is_touched() {
                continue;
            }
            let key = keccak256(address);
            if change.is_selfdestructed() {
                self.accounts.remove(&key);
                continue;
            }
            let mut account = match self.accounts.get(&key) {
                // A contract at an address that held only ether starts with no storage.
                Some(account) if !change.is_created() => account.clone(),
                _ => Account::default(),
            };
            for (slot, value) in change.changed_storage_slots() {
                let slot = slot_key(*slot);
                match value.present_value {
                    U256::ZERO => account.storage.remove(&slot),
                    present => account.storage.insert(&slot, Word(present)),
                }
            }
            account.nonce = change.info.nonce;
            account.balance = change.info.balance;
            account.code_hash = change.info.code_hash;
            if let Some(code) = change.info.code
                && account.code_hash != KECCAK256_EMPTY
            {
                self.codes.put(account.code_hash, code);
            }
            if account.is_empty() {
                self.accounts.remove(&key);
            } else {
                self.accounts.insert(&key, account);
            }
        }
    }
}

//! The chain as the server shows it to one request: true, or bent by the lies it was told
//! to tell. Called by the RPC methods.

use std::sync::Arc;

use alloy::consensus::Header;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::B256;

use super::envelope::RpcError;
use crate::chain::Block;
use crate::executor::{Environment, View};
use crate::faults::Faults;
use crate::node::Node;
use crate::producer;
use crate::state::World;

pub(super) struct Served<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) faults: Faults,
    /// The head as it is served.
    pub(super) head: u64,
}

impl<'a> Served<'a> {
    pub(super) fn new(node: &'a Arc<Node>) -> Self {
        let faults = node.faults();
        let head = faults.head(node.chain.height());
        Self { node, faults, head }
    }

    /// The number a tag stands for, if such a block is served. Istanbul blocks are final.
    pub(super) fn number(&self, tag: BlockNumberOrTag) -> Option<u64> {
        let number = match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            _ => self.head,
        };
        let served = number <= self.head && self.faults.withheld_block != Some(number);
        served.then_some(number)
    }

    /// The number of a block named by number, tag or hash.
    pub(super) fn number_of(&self, id: BlockId) -> Option<u64> {
        match id {
            BlockId::Number(tag) => self.number(tag),
            BlockId::Hash(hash) => self.number_of_hash(&hash.block_hash),
        }
    }

    pub(super) fn number_of_hash(&self, hash: &B256) -> Option<u64> {
        let lied = self
            .faults
            .conflicting_block
            .filter(|number| self.node.chain.block(*number).is_some_and(|block| self.header(&block).1 == *hash));
        let number = lied.or_else(|| self.node.chain.number_of(hash))?;
        self.number(number.into())
    }

    pub(super) fn block(&self, tag: BlockNumberOrTag) -> Option<Arc<Block>> {
        self.node.chain.block(self.number(tag)?)
    }

    /// The header and the hash as they are served.
    pub(super) fn header(&self, block: &Block) -> (Header, B256) {
        self.faults.header(block, &self.node.keyring)
    }

    /// The state after a block, or geth's answer if it is forgotten.
    pub(super) fn state(&self, id: Option<BlockId>) -> Result<(Arc<Block>, World), RpcError> {
        let id = id.unwrap_or(BlockId::latest());
        let unknown = || RpcError::server("header not found");
        let number = self.number_of(id).ok_or_else(unknown)?;
        let block = self.node.chain.block(number).ok_or_else(unknown)?;
        let world = self.node.chain.state(number).ok_or_else(|| {
            let root = block.header.state_root;
            RpcError::server(format!("missing trie node {root:x} (path ) state {root:#x} is not available"))
        })?;
        Ok((block, world))
    }

    /// The state after a block and the block around a call on it.
    pub(super) fn view(&self, id: Option<BlockId>) -> Result<(View, Environment), RpcError> {
        let (block, world) = self.state(id)?;
        let config = &self.node.config;
        let env = Environment {
            chain_id: config.chain_id,
            fork: config.fork,
            number: block.header.number,
            timestamp: block.header.timestamp,
            beneficiary: block.header.beneficiary,
            gas_limit: block.header.gas_limit,
            base_fee: block.header.base_fee_per_gas,
        };
        Ok((View { world, chain: self.node.chain.clone() }, env))
    }

    /// Base fee of the block after the served head, wei per gas; none before London.
    pub(super) fn next_base_fee(&self) -> Option<u64> {
        let head = self.node.chain.block(self.head)?;
        producer::next_base_fee(&self.node.config, &head.header)
    }
}

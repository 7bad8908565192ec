//! What tests see of a fake chain: the truth that they compare answers with. It changes nothing. Called by tests only.

use super::*;

impl FakeChain {
    /// The newest block's chain height.
    pub fn height(&self) -> Height {
        self.inner.config.family.chain_height(self.lock().tip())
    }

    /// The block hash at a client height: an operator's root of trust.
    pub fn block_hash(&self, height: Height) -> Option<Hash> {
        let number = self.inner.config.family.block_of(height)?;
        self.lock().block(number).map(|block| block.header.hash())
    }

    /// What an honest verifier trusts at a client height.
    pub fn trusted(&self, height: Height) -> Option<TrustedState> {
        let number = self.inner.config.family.block_of(height)?;
        self.lock().block(number).map(|block| self.light_client().trust(&block.header))
    }

    /// The update of a second, validly signed block at a client height, built on `trusted`: misbehaviour.
    pub fn fork_update(&self, height: Height, trusted: Height) -> Option<Vec<u8>> {
        let number = self.inner.config.family.block_of(height)?;
        let state = self.lock();
        let mut header = state.block(number)?.header.clone();
        header.root = wire::hash(&[b"fork", &header.root]).to_vec();
        let signatures = sign_header(&header);
        Some(Update { header: Some(header), signatures, trusted: trusted.number }.encode_to_vec())
    }

    /// Whether the packet's commitment still lives here.
    pub fn has_commitment(&self, packet: &Packet) -> bool {
        let key = causeway_types::Claim::Commitment { packet: packet.clone(), locator: None }.path();
        self.lock().host.store.contains_key(&key)
    }

    /// Whether the packet was received here.
    pub fn has_receipt(&self, packet: &Packet) -> bool {
        if let PacketEnd::Channel(channel) = packet.dest() {
            let state = self.lock();
            return state.host.state_classic(&channel, packet.sequence(), &FakeFaults::default()).received;
        }
        let key = causeway_types::Claim::Receipt { packet: packet.clone(), locator: None }.path();
        self.lock().host.store.get(&key).is_some_and(|value| value == crate::fakes::light_client::RECEIVED)
    }

    /// Every event so far, in order: the truth that tests compare with.
    pub fn events(&self) -> Vec<LocatedEvent> {
        self.lock().blocks.iter().flat_map(|block| block.events.clone()).collect()
    }

    /// What became of every transaction that got into a block: its height, fee and a result a message.
    pub fn transactions(&self) -> Vec<(TxId, Height, u128, Vec<MessageResult>)> {
        let family = self.inner.config.family;
        let state = self.lock();
        state.included.iter().map(|(id, tx)| (id.clone(), family.chain_height(tx.block), tx.fee, tx.results.clone())).collect()
    }

    /// The clients hosted here.
    pub fn clients(&self) -> BTreeSet<ClientId> {
        self.lock().client_ids()
    }
}

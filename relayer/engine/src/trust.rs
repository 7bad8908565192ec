//! What an operator may do to the trusted states of a chain while no engine runs on the store.
//!
//! What it is not: it verifies nothing; the next start does, from the root it is configured with.

use crate::chain::{Held, Trust};
use crate::evidence;
use crate::journal::keys;
use causeway_adapter::TrustedState;
use causeway_store::{Store, StoreError, Tree, Write};
use causeway_types::{ChainId, Height};

/// Keys removed in one commit.
const PAGE: usize = 1_000;

/// Forgets everything that was trusted of a chain, so that the next start binds the journal to the configured root. Packets stay. Evidence
/// against the chain is put aside: whoever vouches for a block anew has judged it. It can still be read.
///
/// # Errors
/// [`StoreError`]; calling it again goes on.
pub async fn reset(store: &dyn Store, chain: &ChainId, now_ms: u64) -> Result<(), StoreError> {
    store.commit(evidence::closing(store, chain, now_ms).await?).await?;
    forget(store, chain).await
}

/// Forgets everything that was trusted of a chain; evidence stands.
pub(crate) async fn forget(store: &dyn Store, chain: &ChainId) -> Result<(), StoreError> {
    loop {
        let rows = store.scan(Tree::Meta, &keys::trusts(chain), None, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        store.commit(rows.into_iter().map(|(key, _)| Write::Delete(Tree::Meta, key)).collect()).await?;
    }
    store.commit(vec![Write::Delete(Tree::Meta, keys::root(chain))]).await
}

/// Trusts a state that was verified by what `base`, which is trusted already, says of it: a chain that goes on under another name names the
/// state from which it is followed. What is trusted at that height already stays. Whether it is new.
///
/// # Errors
/// [`StoreError`].
pub async fn adopt(store: &dyn Store, chain: &ChainId, (state, base): (&TrustedState, Height), now_ms: u64) -> Result<bool, StoreError> {
    if store.get(Tree::Meta, &keys::trust(chain, state.height)).await?.is_some() {
        return Ok(false);
    }
    let held = Held { state: state.clone(), update: Vec::new(), base };
    store.commit(vec![Trust::write(chain, &held, now_ms)]).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_store::MemoryStore;

    #[tokio::test]
    async fn a_reset_forgets_one_chain_and_no_other() {
        let store = MemoryStore::new();
        let (a, b) = (ChainId::new("alpha").unwrap(), ChainId::new("beta").unwrap());
        let put = |key: Vec<u8>| Write::Put(Tree::Meta, key, b"x".to_vec());
        let writes = [&a, &b].into_iter().flat_map(|chain| [put(keys::root(chain)), put(keys::trust(chain, Height::new(7)))]);
        store.commit(writes.collect()).await.unwrap();
        reset(&store, &a, 5).await.unwrap();
        for (chain, left) in [(&a, 0), (&b, 1)] {
            assert_eq!(store.scan(Tree::Meta, &keys::trusts(chain), None, 10).await.unwrap().len(), left);
            assert_eq!(store.get(Tree::Meta, &keys::root(chain)).await.unwrap().is_some(), left == 1);
        }
    }

    #[tokio::test]
    async fn an_adopted_state_is_read_back_and_never_replaced() {
        let (store, chain) = (MemoryStore::new(), ChainId::new("alpha").unwrap());
        let state =
            |mark: u8| TrustedState { height: Height { revision: 2, number: 1 }, time_s: Some(9), block_hash: [0; 32], bytes: vec![mark] };
        let base = Height { revision: 1, number: 20 };
        assert!(adopt(&store, &chain, (&state(1), base), 5).await.unwrap());
        assert!(!adopt(&store, &chain, (&state(2), base), 6).await.unwrap());
        let rows = store.scan(Tree::Meta, &keys::trusts(&chain), None, 10).await.unwrap();
        let [(_, row)] = &rows[..] else { panic!("{rows:?}") };
        let held = Trust::read(row).unwrap();
        assert_eq!((held.state, held.base), (state(1), base));
    }
}

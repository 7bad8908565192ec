//! What an operator may do to the trusted states of a chain while no engine runs on the store.
//!
//! What it is not: it verifies nothing; the next start does, from the root it is configured with.

use crate::journal::keys;
use causeway_store::{Store, StoreError, Tree, Write};
use causeway_types::ChainId;

/// Keys removed in one commit.
const PAGE: usize = 1_000;

/// Forgets everything that was trusted of a chain, so that the next start binds the journal to the configured root. Packets stay.
///
/// # Errors
/// [`StoreError`]; calling it again goes on.
pub async fn reset(store: &dyn Store, chain: &ChainId) -> Result<(), StoreError> {
    loop {
        let rows = store.scan(Tree::Meta, &keys::trusts(chain), None, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        store.commit(rows.into_iter().map(|(key, _)| Write::Delete(Tree::Meta, key)).collect()).await?;
    }
    store.commit(vec![Write::Delete(Tree::Meta, keys::root(chain))]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_store::MemoryStore;
    use causeway_types::Height;

    #[tokio::test]
    async fn a_reset_forgets_one_chain_and_no_other() {
        let store = MemoryStore::new();
        let (a, b) = (ChainId::new("alpha").unwrap(), ChainId::new("beta").unwrap());
        let put = |key: Vec<u8>| Write::Put(Tree::Meta, key, b"x".to_vec());
        let writes = [&a, &b].into_iter().flat_map(|chain| [put(keys::root(chain)), put(keys::trust(chain, Height::new(7)))]);
        store.commit(writes.collect()).await.unwrap();
        reset(&store, &a).await.unwrap();
        for (chain, left) in [(&a, 0), (&b, 1)] {
            assert_eq!(store.scan(Tree::Meta, &keys::trusts(chain), None, 10).await.unwrap().len(), left);
            assert_eq!(store.get(Tree::Meta, &keys::root(chain)).await.unwrap().is_some(), left == 1);
        }
    }
}

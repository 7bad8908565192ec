//! What endpoints said, remembered until one of them is distrusted, so that a second answer is one.
//!
//! What was asked before everything was forgotten is not remembered from the answer that comes after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is remembered. Clones share it.
#[derive(Debug, Default)]
pub(crate) struct Memory<T>(Arc<Mutex<Inner<T>>>);

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug, Default)]
struct Inner<T> {
    kept: T,
    /// How often everything was forgotten.
    forgotten: u64,
}

/// When something was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(u64);

impl<T: Default> Memory<T> {
    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called before a question, for [`Memory::keep`].
    pub(crate) fn asking(&self) -> Asked {
        Asked(self.inner().forgotten)
    }

    /// Remembers an answer, unless everything was forgotten since it was asked for.
    pub(crate) fn keep(&self, Asked(asked): Asked, keep: impl FnOnce(&mut T)) {
        let mut inner = self.inner();
        if inner.forgotten == asked {
            keep(&mut inner.kept);
        }
    }

    /// What is remembered.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&mut T) -> R) -> R {
        read(&mut self.inner().kept)
    }

    pub(crate) fn forget(&self) {
        let mut inner = self.inner();
        inner.kept = T::default();
        inner.forgotten = inner.forgotten.wrapping_add(1);
    }
}

//! A place for caches: what modules remember between requests, owned by the [`Database`](super::Database) it was
//! computed from and gone when that goes.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type AnyCache = Arc<dyn Any + Send + Sync>;

/// One cache per type. A module defines its cache as a type of its own and reaches it by that type through
/// [`Tenant::cache`](super::Tenant::cache); nobody else can name it.
///
/// A cache sees to its own locking and to its own bounds. It is shared by all municipalities, so its keys have to tell
/// them apart; ids do. What it holds has to be checked against the transaction's own snapshot before it is used:
/// another request may have filled it from an earlier or a later one.
#[derive(Default)]
pub struct Caches(Mutex<HashMap<TypeId, AnyCache>>);

impl Caches {
    /// The cache of type `C`, made on first use.
    pub fn get<C: Default + Send + Sync + 'static>(&self) -> Arc<C> {
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry(TypeId::of::<C>()).or_insert_with(|| Arc::new(C::default()));
        // An entry always has the type that it is found by.
        Arc::clone(cache).downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hits(AtomicU32);

    #[derive(Default)]
    struct Misses(AtomicU32);

    #[test]
    fn each_type_has_one_cache() {
        let caches = Caches::default();
        caches.get::<Hits>().0.store(7, Ordering::Relaxed);
        assert_eq!(caches.get::<Hits>().0.load(Ordering::Relaxed), 7);
        assert_eq!(caches.get::<Misses>().0.load(Ordering::Relaxed), 0);
        assert_eq!(Caches::default().get::<Hits>().0.load(Ordering::Relaxed), 0);
    }
}

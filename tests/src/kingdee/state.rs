//! What this data centre holds: the books, and the file in which their changes are kept.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use crate::dataset::{Dataset, Mutation};
use crate::lock;
use crate::store::Store;

/// The books of one data centre.
#[derive(Debug)]
pub(crate) struct State {
    dataset: Mutex<Dataset>,
    store: Store,
}

impl State {
    /// The books as they were when the file was last written; without a file, as they are.
    pub(crate) fn open(mut dataset: Dataset, file: Option<&Path>) -> io::Result<Self> {
        let store = match file {
            None => Store::default(),
            Some(file) => {
                let (store, mutations) = Store::open::<Mutation>(file)?;
                for mutation in &mutations {
                    dataset.apply(mutation);
                }
                store
            }
        };
        Ok(Self { dataset: Mutex::new(dataset), store })
    }

    pub(crate) fn dataset(&self) -> MutexGuard<'_, Dataset> {
        lock(&self.dataset)
    }

    /// Computes a mutation, writes it down and applies it.
    pub(crate) fn mutate(&self, mutation: impl FnOnce(&Dataset) -> Mutation) -> io::Result<Mutation> {
        let mut dataset = self.dataset();
        let mutation = mutation(&dataset);
        self.store.append(&mutation)?;
        dataset.apply(&mutation);
        Ok(mutation)
    }
}

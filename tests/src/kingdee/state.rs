//! What this data centre holds: the books it began with, the file in which their changes are kept, and the bills that were saved here.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use super::bills::Bills;
use crate::dataset::{Dataset, Mutation};
use crate::lock;
use crate::store::Store;

/// The books of one data centre.
#[derive(Debug)]
pub(crate) struct State {
    dataset: Mutex<Dataset>,
    store: Store,
    /// Locked after the dataset where both are.
    bills: Mutex<Bills>,
}

impl State {
    /// The books as they were when their file was last written; without a file, as they are.
    pub(crate) fn open(mut dataset: Dataset, file: Option<&Path>, bills: Bills) -> io::Result<Self> {
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
        Ok(Self { dataset: Mutex::new(dataset), store, bills: Mutex::new(bills) })
    }

    pub(crate) fn dataset(&self) -> MutexGuard<'_, Dataset> {
        lock(&self.dataset)
    }

    pub(crate) fn bills(&self) -> MutexGuard<'_, Bills> {
        lock(&self.bills)
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

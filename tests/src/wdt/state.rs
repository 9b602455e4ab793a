//! What this seller holds: refunds and goods, and the file in which the changes of refunds are kept.
//!
//! The refunds' dates hang on the moment when the books were opened for the first time. That moment is the file's first line, so that
//! a second start on the same file gives the same refunds.

use std::io;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Material, Refund, RefundMutation};
use crate::store::Store;

/// An article of the goods archive.
#[derive(Clone, Debug)]
pub(crate) struct Goods {
    pub(crate) id: u64,
    pub(crate) material: Material,
    pub(crate) modified: DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
enum Event {
    Opened { at: DateTime },
    Changed(RefundMutation),
}

/// The books of one seller.
#[derive(Debug)]
pub(crate) struct State {
    dataset: Dataset,
    /// By id.
    refunds: Vec<Refund>,
    goods: Vec<Goods>,
    mutations: u64,
    store: Store,
}

/// The newest refund is a little older than the opening, so that a client that stays some minutes behind the present sees it.
const NEWEST_MINUTES: i64 = 15;

impl State {
    /// The books as they were when the file was last written; without a file, or with a new one, opened at `now`.
    pub(crate) fn open(dataset: Dataset, file: Option<&Path>, now: DateTime) -> io::Result<Self> {
        let (store, events) = match file {
            None => Default::default(),
            Some(file) => Store::open::<Event>(file)?,
        };
        let opened = events.iter().find_map(|event| match event {
            Event::Opened { at } => Some(*at),
            Event::Changed(_) => None,
        });
        let at = opened.unwrap_or(now);
        if opened.is_none() {
            store.append(&Event::Opened { at })?;
        }
        let newest = at.saturating_sub(NEWEST_MINUTES.minutes());
        let mut state =
            Self { refunds: dataset.refunds(newest), goods: goods(&dataset, newest), dataset, mutations: 0, store };
        for event in events {
            if let Event::Changed(mutation) = event {
                state.apply(&mutation);
            }
        }
        Ok(state)
    }

    pub(crate) fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    pub(crate) fn goods(&self) -> &[Goods] {
        &self.goods
    }

    pub(crate) fn change(&mut self, count: usize, now: DateTime) -> io::Result<RefundMutation> {
        self.commit(self.dataset.change_refunds(&self.refunds, self.mutations, count, now))
    }

    pub(crate) fn add(&mut self, count: usize, modified: DateTime) -> io::Result<RefundMutation> {
        self.commit(self.dataset.add_refunds(&self.refunds, self.mutations, count, modified))
    }

    /// Modifies these refunds at `now` and changes nothing else of them.
    pub(crate) fn touch(&mut self, ids: &[u64], now: DateTime) -> io::Result<RefundMutation> {
        let mut refunds: Vec<Refund> = self.refunds.iter().filter(|refund| ids.contains(&refund.id)).cloned().collect();
        for refund in &mut refunds {
            refund.touch(now);
        }
        self.commit(RefundMutation { kind: "touch".to_owned(), at: now, refunds })
    }

    fn commit(&mut self, mutation: RefundMutation) -> io::Result<RefundMutation> {
        self.store.append(&Event::Changed(mutation.clone()))?;
        self.apply(&mutation);
        Ok(mutation)
    }

    fn apply(&mut self, mutation: &RefundMutation) {
        self.mutations += 1;
        for refund in &mutation.refunds {
            match self.refunds.binary_search_by_key(&refund.id, |held| held.id) {
                Ok(at) => {
                    if let Some(held) = self.refunds.get_mut(at) {
                        held.clone_from(refund);
                    }
                }
                Err(at) => self.refunds.insert(at, refund.clone()),
            }
        }
    }
}

/// The materials, each modified some hours after the one before it.
fn goods(dataset: &Dataset, newest: DateTime) -> Vec<Goods> {
    let count = dataset.materials.len() as u64;
    let materials = dataset.materials.iter().cloned().zip(0_u64..);
    materials
        .map(|(material, index)| {
            let age = i64::try_from((count - 1 - index) * 4).unwrap_or(0);
            Goods { id: 5_001 + index, material, modified: newest.saturating_sub(age.hours()) }
        })
        .collect()
}

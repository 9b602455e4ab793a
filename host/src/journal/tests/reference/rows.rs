//! What becomes of rows: pages, rows that are staged again, and bills that are grouped anew.

use super::*;

fn content(row: &RowToStore) -> u8 {
    row.digest[0]
}

impl Scheme {
    pub(in super::super) fn page(&mut self, page: &PageToStore) -> Option<PageStored> {
        let scan = self.scan.as_mut()?;
        if scan.id != page.scan || !scan.known.contains(&page.page.index) {
            return None;
        }
        if !scan.open.remove(&page.page.index) {
            return Some(PageStored::default());
        }
        for next in &page.next {
            if scan.known.insert(next.index) {
                scan.open.insert(next.index);
            }
        }
        scan.complete &= page.complete_bills && page.makes_bills && page.merges;
        for row in &page.rows {
            scan.returned_bills.insert(row.bill.clone());
            scan.returned_rows.insert(row.id.clone());
        }
        let begun_ms = scan.begun_ms;
        let (stored, touched) = self.store(&page.rows, page.left_out, page.on_change, !page.indexes.is_empty());
        if page.makes_bills && page.merges {
            self.scan.as_mut()?.touched.extend(touched.iter().cloned());
            for bill in &touched {
                self.hold_up(bill);
            }
        } else if page.makes_bills {
            let made = touched.iter().filter(|bill| self.make(bill, begun_ms)).count() as u64;
            self.scan.as_mut()?.bills += made;
        }
        Some(stored)
    }

    /// Takes rows in; says what became of them, and which bills they touched.
    fn store(
        &mut self,
        rows: &[RowToStore],
        left_out: u64,
        on_change: OnChange,
        indexed: bool,
    ) -> (PageStored, BTreeSet<String>) {
        let mut stored = PageStored { rows: left_out, skipped: left_out, new: 0 };
        let mut touched = BTreeSet::new();
        for row in rows {
            stored.rows += 1;
            let known = self.rows.get(&row.id).cloned();
            let skipped = known.as_ref().is_some_and(|known| {
                let changed = known.content != content(row);
                if known.refused.is_some() {
                    row.refused.is_some() && !changed
                } else {
                    !changed || on_change == OnChange::Skip
                }
            });
            if skipped {
                stored.skipped += 1;
                continue;
            }
            stored.new += 1;
            self.clock += 1;
            touched.extend(known.as_ref().map(|known| known.bill.clone()));
            touched.insert(row.bill.clone());
            let stays = known.as_ref().filter(|known| known.bill == row.bill);
            let new = Row {
                content: content(row),
                bill: row.bill.clone(),
                arrived: known.as_ref().map_or(self.clock, |known| known.arrived),
                stored: self.clock,
                placed: stays.map_or(self.clock, |known| known.placed),
                refused: row.refused.clone(),
            };
            self.rows.insert(row.id.clone(), new);
            self.index_is_complete &= row.refused.is_some() || indexed;
        }
        self.rows_read += stored.rows;
        self.rows_new += stored.new;
        (stored, touched)
    }

    /// Bills of which the scan under way has brought rows, and may bring more.
    fn coming(&self, merges: bool) -> BTreeSet<String> {
        let begun = self.scan.as_ref().filter(|scan| merges && !scan.open.is_empty()).map(|scan| scan.clock);
        let coming = |row: &&Row| begun.is_some_and(|begun| row.placed > begun);
        self.rows.values().filter(coming).map(|row| row.bill.clone()).collect()
    }

    /// New versions of bills that changed beside a scan; says how many.
    fn renew(&mut self, touched: BTreeSet<String>, coming: &BTreeSet<String>, begun_ms: i64) -> u64 {
        let (later, now): (Vec<_>, Vec<_>) = touched.into_iter().partition(|bill| coming.contains(bill));
        for bill in &later {
            self.hold_up(bill);
        }
        if let Some(scan) = &mut self.scan {
            scan.touched.extend(later);
        }
        now.iter().filter(|bill| self.make(bill, begun_ms)).count() as u64
    }

    /// Rows that a delivery of another scheme brings.
    pub(in super::super) fn bring(&mut self, brought: &RowsBrought) {
        let indexed = !brought.indexes.is_empty();
        let (_, touched) = self.store(&brought.rows, brought.left_out, brought.on_change, indexed);
        if brought.makes_bills {
            self.renew(touched, &BTreeSet::new(), brought.at_ms);
        }
    }

    /// Rows that the scan under way must not take for vanished.
    fn spare(&mut self, id: &str) {
        if let Some(scan) = &mut self.scan {
            scan.returned_rows.insert(id.to_owned());
        }
    }

    pub(in super::super) fn restage(&mut self, rows: &[Restaged], how: &RestageSettings) -> u64 {
        let (mut touched, mut still) = (BTreeSet::new(), BTreeSet::new());
        let coming = self.coming(how.merges);
        for restaged in rows {
            let is_it = |row: &&Row| row.refused.is_some() && row.content == restaged.digest[0];
            let Some(refused) = self.rows.get(&restaged.id).filter(is_it).cloned() else {
                continue;
            };
            if let [row] = restaged.becomes.as_slice()
                && row.refused.is_some()
                && (&row.id, content(row), &row.bill) == (&restaged.id, refused.content, &refused.bill)
            {
                still.insert(row.bill.clone());
                self.rows.insert(row.id.clone(), Row { refused: row.refused.clone(), ..refused });
                continue;
            }
            touched.insert(refused.bill.clone());
            self.rows.remove(&restaged.id);
            for row in &restaged.becomes {
                let other = self.rows.get(&row.id).cloned();
                if other.as_ref().is_some_and(|other| other.stored >= refused.stored) {
                    continue;
                }
                self.clock += 1;
                touched.extend(other.as_ref().map(|other| other.bill.clone()));
                touched.insert(row.bill.clone());
                let new = Row {
                    content: content(row),
                    bill: row.bill.clone(),
                    arrived: other.map_or(refused.arrived, |other| other.arrived),
                    stored: refused.stored,
                    placed: self.clock,
                    refused: row.refused.clone(),
                };
                self.rows.insert(row.id.clone(), new);
                self.spare(&row.id);
                self.index_is_complete &= row.refused.is_some() || !how.indexes.is_empty();
            }
        }
        if !how.makes_bills {
            return 0;
        }
        for bill in &still {
            self.hold_up(bill);
        }
        let begun_ms = self.scan_begun_ms();
        self.renew(touched, &coming, begun_ms)
    }

    /// `bill_of`: by id and content. `None`: a bill is claimed.
    pub(in super::super) fn regroup(
        &mut self,
        grouping: &str,
        merges: bool,
        bill_of: impl Fn(&str, u8) -> Option<String>,
    ) -> Option<u64> {
        if self.grouping.as_deref() == Some(grouping) {
            return Some(0);
        }
        if !self.claimed().is_empty() {
            return None;
        }
        self.grouping = Some(grouping.to_owned());
        let mut rows: Vec<(String, Row)> = self.rows.clone().into_iter().collect();
        rows.sort_by_key(|(_, row)| (row.bill.clone(), row.placed));
        let to: Vec<String> =
            rows.iter().map(|(id, row)| bill_of(id, row.content).unwrap_or_else(|| row.bill.clone())).collect();
        let leaves = |((_, row), to): &(&(String, Row), &String)| row.bill != **to;
        let left: BTreeSet<String> =
            rows.iter().zip(&to).filter(leaves).map(|((_, row), _)| row.bill.clone()).collect();
        let unsent: BTreeSet<String> = left.into_iter().filter(|bill| self.supersede(bill)).collect();
        let noted = self.scan.as_ref().map(|scan| scan.touched.clone()).unwrap_or_default();
        let coming = self.scan.as_ref().is_some_and(|scan| merges && !scan.open.is_empty());
        let mut to_make = BTreeSet::new();
        for ((id, row), to) in rows.iter().zip(to) {
            if unsent.contains(&row.bill) {
                to_make.insert(to.clone());
            }
            if row.bill == to {
                continue;
            }
            self.clock += 1;
            self.rows.insert(id.clone(), Row { bill: to.clone(), placed: self.clock, ..row.clone() });
            self.spare(id);
            if noted.contains(&row.bill) && !coming {
                to_make.insert(to.clone());
            } else if noted.contains(&row.bill) {
                self.scan.as_mut()?.touched.insert(to.clone());
            }
            if noted.contains(&row.bill) && !coming {
                to_make.insert(to.clone());
            } else if noted.contains(&row.bill) {
                self.scan.as_mut()?.touched.insert(to.clone());
            }
            let has_pending = |versions: &Vec<Version>| versions.last().is_some_and(Version::is_pending);
            if self.bills.get(&to).is_some_and(has_pending) {
                to_make.insert(to.clone());
            }
        }
        let begun_ms = self.scan_begun_ms();
        Some(to_make.iter().filter(|bill| self.make(bill, begun_ms)).count() as u64)
    }

    /// Id, bill and content.
    pub(in super::super) fn refused_rows(&self) -> Vec<(String, String, u8, Problem)> {
        let row = |(id, row): (&String, &Row)| Some((id.clone(), row.bill.clone(), row.content, row.refused.clone()?));
        self.rows.iter().filter_map(row).collect()
    }

    /// Ids and contents of a bill's rows in the order of their arrival.
    pub(in super::super) fn rows_of(&self, bill: &str) -> Vec<(String, u8)> {
        let mut rows: Vec<_> = self.rows.iter().filter(|(_, row)| row.bill == bill && row.refused.is_none()).collect();
        rows.sort_by_key(|(_, row)| (row.arrived, row.placed));
        rows.into_iter().map(|(id, row)| (id.clone(), row.content)).collect()
    }

    /// Id and content of the latest row that is accepted, of those with this content if one is given.
    pub(in super::super) fn look_up(
        &self,
        content: Option<u8>,
        accept: impl Fn(&str, u8) -> bool,
    ) -> Option<(String, u8)> {
        let rows = self.rows.iter().filter(|(id, row)| {
            content.is_none_or(|content| row.content == content) && row.refused.is_none() && accept(id, row.content)
        });
        let latest = rows.max_by_key(|(id, row)| (row.stored, (*id).clone()));
        latest.map(|(id, row)| (id.clone(), row.content))
    }
}

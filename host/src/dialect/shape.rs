//! Shaping: what the metadata makes of a fetched row before anything sees it.
//!
//! First `formatResponse` adds its fields, then `condition` tests what it names as fetched, then `beatFlat` makes one row of
//! each element, and `condition` tests what it names as flattened (`details_qty`). A group of tests of both kinds must hold
//! as a whole.

use super::Row;
use super::error::MappingError;
use super::source::SourcePlan;

impl SourcePlan {
    /// The rows that a fetched row becomes; none: `condition` leaves it out.
    pub fn shape(&self, mut row: Row) -> Result<Vec<Row>, MappingError> {
        let zone = &self.common.options.time_zone;
        for format in self.formats.iter() {
            format.add(&mut row, zone)?;
        }
        Ok(match &self.flatten {
            Some(flatten) => flatten.rows(&self.condition, row, zone),
            None => self.condition.keep(row, zone).into_iter().collect(),
        })
    }
}

//! Which base data there is, and what it is called.

use super::schema::Base;
use crate::dataset::Dataset;

/// The name of the base data of this number; nothing if there is none.
pub(crate) fn name<'a>(dataset: &'a Dataset, base: Base, number: &str) -> Option<&'a str> {
    match base {
        Base::Organization => (number == "100").then_some(ORGANIZATION),
        Base::Customer => dataset.customer(number).map(|customer| customer.name.as_str()),
        Base::Salesman => dataset.salesman(number).map(|salesman| salesman.name.as_str()),
        Base::Material => dataset.material(number).map(|material| material.name.as_str()),
        Base::Currency => {
            dataset.currencies.iter().find(|currency| currency.number == number).map(|currency| currency.name)
        }
        Base::Fixed(list) => list.iter().find(|(known, _)| *known == number).map(|(_, name)| *name),
    }
}

/// The only organization, `100`.
pub(crate) const ORGANIZATION: &str = "深圳桥通贸易有限公司";

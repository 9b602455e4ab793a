//! Stages: steps over whole pages of rows, before they are stored. One file each.
//!
//! A stage sees one page at a time, in a fresh instance: what it says of rows among each other holds within a page.

mod deduplicate;
mod drop_rows;
mod fields;
mod rename;
mod split;
mod validate;

use qiao_plugin::Library;

pub(crate) fn register(library: &mut Library<'_>) {
    drop_rows::register(library);
    rename::register(library);
    split::register(library);
    deduplicate::register(library);
    validate::register(library);
}

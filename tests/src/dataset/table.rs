//! The mapping table of the example project, made from the dataset: material code → OKKI's product number.

use std::io::Write;

use super::Dataset;

/// Writes the table: a CSV in UTF-8 whose first column is the key, as mapping tables have it.
pub fn write_material_table(dataset: &Dataset, out: impl Write) -> csv::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["material_code", "product_no", "name"])?;
    for material in &dataset.materials {
        table.write_record([&material.number, &material.product_no, &material.name])?;
    }
    table.flush()?;
    Ok(())
}

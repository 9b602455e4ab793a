//! The mapping as metadata, driven as the engine does it: the bills of a batch are mapped, what they ask is answered for
//! all of them together, and they are mapped again.

use anyhow::{Context as _, bail};
use dialect_alone::dialect::{
    Answer, Answers, Mapping, OnExpressionError, Options, Question, Questions, TargetPlan, Variables, parse_source,
    parse_target,
};
use jiff::tz::TimeZone;

use super::books::{Products, Row};

/// Bills of a batch: the engine's.
const BATCH: usize = 64;

/// The scheme's target, read as it is when a scheme loads.
pub(super) fn plan() -> anyhow::Result<TargetPlan> {
    let options = Options {
        time_zone: TimeZone::get("Asia/Shanghai")?,
        on_expression_error: OnExpressionError::Fail,
        optional_lookups: false,
    };
    let source = parse_source(&serde_json::from_str(include_str!("source.json"))?, &options);
    let source = source.plan.with_context(|| format!("the source does not load: {:?}", source.errors))?;
    let target = parse_target(&serde_json::from_str(include_str!("target.json"))?, Some(&source), &options);
    target.plan.with_context(|| format!("the target does not load: {:?}", target.errors))
}

/// The orders of these bills, in their order.
pub(super) fn orders(plan: &TargetPlan, bills: &[Vec<Row>], products: &Products) -> anyhow::Result<Vec<Row>> {
    let mut orders = Vec::with_capacity(bills.len());
    for batch in bills.chunks(BATCH) {
        orders.extend(map(plan, batch, products)?);
    }
    Ok(orders)
}

fn map(plan: &TargetPlan, bills: &[Vec<Row>], products: &Products) -> anyhow::Result<Vec<Row>> {
    let variables = Variables::at(1_767_225_600);
    let mut answers = Answers::new();
    let mut open: Vec<&[Row]> = bills.iter().map(Vec::as_slice).collect();
    let mut mapped = Vec::with_capacity(bills.len());
    while !open.is_empty() {
        let mut questions = Questions::default();
        let mut still_open = Vec::new();
        for rows in open {
            match plan.map(rows, &variables, &answers) {
                Mapping::Bill(bill) => mapped.push(bill),
                Mapping::Pending(more) => {
                    questions.extend(more);
                    still_open.push(rows);
                }
                Mapping::Failed(error) => bail!("{error}"),
            }
        }
        for question in questions {
            let answer = answer(&question, products)?;
            answers.insert(question, answer);
        }
        open = still_open;
    }
    Ok(mapped)
}

fn answer(question: &Question, products: &Products) -> anyhow::Result<Answer> {
    let Question::Lookup { search, .. } = question else {
        bail!("the mapping asks for something else than a row: {question:?}");
    };
    let number = search.reads().first().and_then(|read| read.values().first()).map_or("", String::as_str);
    Ok(products.get(number).map_or(Answer::Absent, |product| Answer::Value(product.product_id.clone())))
}

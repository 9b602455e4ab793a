//! The plan of a target: how rows become bills.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Row;
use super::error::{MappingError, Place, Side};
use super::finding::Parsed;
use super::item::{Computed, Item};
use super::key::Key;
use super::load::{Loader, Names, says_nothing};
use super::mapping::{Draft, Mapping, Rendering};
use super::metadata::{self, Common};
use super::name;
use super::options::{Options, Variables};
use super::plan::{FunctionUse, LookupUse, Named};
use super::question::Answers;
use super::scope::Scope;
use super::source::{SourcePlan, empty_row, render};
use super::value::index_text;

/// A target's metadata, read.
#[derive(Clone, Debug)]
pub struct TargetPlan {
    common: Common,
    request: Arc<[Item]>,
    other_request: Arc<[Item]>,
    merge: Option<(Key, Arc<str>)>,
    /// What the source computes from each row.
    computed: Arc<[Computed]>,
}

/// Reads a target's metadata. With its source, names that no column feeds are warned of, and the fields that the source
/// computes can be named.
pub fn parse_target(metadata: &Value, source: Option<&SourcePlan>, options: &Options) -> Parsed<TargetPlan> {
    let mut loader = Loader::new(Side::Target, options);
    if let Some(source) = source {
        loader.source_computed = Arc::clone(&source.computed);
        loader.columns = source.columns().map(empty_row);
    }
    let plan = metadata::members(&mut loader, metadata).map(|keys| read(&mut loader, keys));
    if let Some(((key, _), suffixed)) =
        plan.as_ref().and_then(|plan| plan.merge.as_ref()).zip(source.and_then(suffixed))
        && key.names().iter().any(|name| name::same_letters(name, suffixed))
    {
        let hint = "give the source an `id` of its own, and merge by the number".to_owned();
        let message = format!("flattening makes `{suffixed}` different in every row: no two rows become one bill");
        loader.findings.warning("$.operation.field", &Value::from(key.written()), message, hint);
    }
    let uses = plan.as_ref().map(|plan| plan.common.uses()).unwrap_or_default();
    loader.findings.finish(plan, uses)
}

/// The field to which flattening adds the element's place.
fn suffixed(source: &SourcePlan) -> Option<&str> {
    source.flatten.as_ref()?.id.as_deref()
}

fn read(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> TargetPlan {
    let header = metadata::header(loader, keys);
    if let Some(pagination) = keys.get("pagination").filter(|value| !says_nothing(value)) {
        loader.findings.warning("$.pagination", pagination, "`pagination` does nothing on a target", None);
    }
    let merge = metadata::operation(loader, keys);
    loader.key_fields(merge.as_ref().map(|merge| &merge.key), "no row says which bill it belongs to");
    // A field of the bill or, where that has none of the name, of its head row.
    loader.mentioned.fields.extend(header.number.iter().flat_map(Key::names).map(str::to_owned));
    loader.lines = merge.as_ref().map(|merge| merge.lines.clone());
    let request = loader.items("$.request", keys.get("request").unwrap_or(&Value::Null));
    if request.is_empty() && loader.findings.is_clean() {
        let hint = "map fields: `[{\"field\": …, \"value\": \"{{…}}\"}]`".to_owned();
        loader.findings.error("$.request", &Value::Null, "a target without `request` maps nothing", hint);
    }
    loader.names = Names::Moment;
    let other_request = loader.items("$.otherRequest", keys.get("otherRequest").unwrap_or(&Value::Null));
    TargetPlan {
        common: Common {
            header,
            options: loader.options.clone(),
            lookups: std::mem::take(&mut loader.lookups).into(),
            functions: std::mem::take(&mut loader.functions).into(),
            named: std::mem::take(&mut loader.mentioned).into(),
        },
        request: request.into(),
        other_request: other_request.into(),
        merge: merge.map(|merge| (merge.key, merge.lines.into())),
        computed: Arc::clone(&loader.source_computed),
    }
}

impl TargetPlan {
    /// The vendor's operation.
    pub fn api(&self) -> &str {
        &self.common.header.api
    }

    /// The HTTP method, upper case; `POST` where the metadata has none.
    pub fn method(&self) -> &str {
        &self.common.header.method
    }

    /// Before writing, the target is asked whether it has the number.
    pub fn id_check(&self) -> bool {
        self.common.header.id_check.unwrap_or(false)
    }

    /// Rows with an equal key become one bill.
    pub fn is_merge(&self) -> bool {
        self.merge.is_some()
    }

    /// The key of a row's bill; `None` where every row is a bill of its own.
    pub fn merge_key(&self, row: &Row) -> Result<Option<String>, MappingError> {
        self.merge.as_ref().map(|(key, _)| key.of(row, &self.common.options.time_zone)).transpose()
    }

    /// How rows are grouped into bills: a text that changes exactly when rows would be grouped differently.
    pub fn grouping(&self) -> String {
        self.merge.as_ref().map_or_else(
            || "none".to_owned(),
            |(key, _)| format!("merge:{}", key.fingerprint(&self.common.options.time_zone)),
        )
    }

    /// `number`, as the metadata writes it.
    pub fn number_field(&self) -> Option<&str> {
        self.common.header.number.as_ref().map(Key::written)
    }

    /// The number that the target can find a bill by: `number` as a field of the mapped bill or, where that has none of the
    /// name, of its head row, or as a template over the head row; without `number` the operation's own `default_field`.
    pub fn bill_number(&self, bill: &Row, head: Option<&Row>, default_field: Option<&str>) -> Option<String> {
        let text = |row: &Row, field: &str| name::field(row, field).map(index_text).filter(|text| !text.is_empty());
        let Some(number) = &self.common.header.number else {
            return text(bill, default_field?);
        };
        match number.field() {
            Some(field) => text(bill, field).or_else(|| text(head?, field)),
            None => number.text(head?, &self.common.options.time_zone),
        }
    }

    /// The lookups of the mapping.
    pub fn lookups(&self) -> &[LookupUse] {
        &self.common.lookups
    }

    /// The plugin functions of the mapping; those of the source's computed fields are the source's.
    pub fn functions(&self) -> &[FunctionUse] {
        &self.common.functions
    }

    /// `otherRequest`, rendered; an empty object where there is none.
    pub fn render_other_request(&self, variables: &Variables) -> Result<Value, MappingError> {
        render(&self.other_request, &self.common.options, variables, false)
    }

    /// The fields of a row that it names.
    pub(super) fn named(&self) -> &Named {
        &self.common.named
    }

    /// Maps the rows of one bill, its head first. Only a merge looks at more than the first.
    pub fn map(&self, rows: &[Row], variables: &Variables, answers: &Answers) -> Mapping {
        match rows.first() {
            Some(head) => self.rendered(rows, head, variables, answers, Rendering::render),
            None => Mapping::Failed(no_rows()),
        }
    }

    /// Maps them as far as can be, for a person to look at: with everything that failed.
    pub fn draft(&self, rows: &[Row], variables: &Variables, answers: &Answers) -> Draft {
        match rows.first() {
            Some(head) => self.rendered(rows, head, variables, answers, Rendering::draft),
            None => Draft { failures: vec![no_rows()], ..Draft::default() },
        }
    }

    fn rendered<'a, T>(
        &'a self,
        rows: &'a [Row],
        head: &'a Row,
        variables: &'a Variables,
        answers: &'a Answers,
        render: fn(Rendering<'a>, &[Item], &Scope<'a>) -> T,
    ) -> T {
        let mut rendering = Rendering::new(&self.common.options, variables, answers);
        let mut scope = Scope { computed: &self.computed, ..Scope::of_row(head) };
        rendering.computed = &self.computed;
        if let Some((_, lines)) = &self.merge {
            rendering.lines = rows;
            rendering.lines_name = lines;
            // Outside of arrays a line's field is the first line's.
            scope.list = Some(lines);
        }
        render(rendering, &self.request, &scope)
    }
}

fn no_rows() -> MappingError {
    let place = Place { side: Side::Target, path: "$.request".into(), text: "".into(), line: None };
    MappingError::NoRows { place }
}

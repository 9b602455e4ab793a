//! The plan of a target: how rows become bills.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Row;
use super::error::{MappingError, Place, Side};
use super::finding::Parsed;
use super::group::GroupCalculate;
use super::item::{Computed, Item};
use super::key::Key;
use super::load::{Loader, Names, says_nothing};
use super::mapping::{Draft, Mapping, Rendering};
use super::metadata::{self, Common, Merge};
use super::name;
use super::options::{Options, Variables};
use super::plan::{FunctionUse, LookupUse, Named};
use super::question::Answers;
use super::scope::Scope;
use super::source::{SourcePlan, empty_row, render};
use super::value::index_text;
use super::write_back::{self, WriteBack};

/// A target's metadata, read.
#[derive(Clone, Debug)]
pub struct TargetPlan {
    common: Common,
    request: Arc<[Item]>,
    other_request: Arc<[Item]>,
    grouping: Grouping,
    /// Bills of one write at most.
    rows_per_write: Option<u32>,
    write_backs: Arc<[WriteBack]>,
    /// What the source computes from each row.
    computed: Arc<[Computed]>,
}

/// How rows become bills.
#[derive(Clone, Debug)]
enum Grouping {
    /// Each row is one.
    None,
    /// Rows with an equal key are one; its lines have this name.
    Merge(Key, Arc<str>),
    /// Rows are regrouped, and their values gathered.
    Calculate(Arc<GroupCalculate>),
}

/// Reads a target's metadata. With its source, names that no column feeds are warned of, and the fields that the source
/// computes can be named.
pub fn parse_target(metadata: &Value, source: Option<&SourcePlan>, options: &Options) -> Parsed<TargetPlan> {
    let mut loader = Loader::new(Side::Target, options);
    if let Some(source) = source {
        loader.source_computed = Arc::clone(&source.computed);
        loader.columns = source.columns().map(empty_row);
    }
    let group = source.and_then(|source| source.group.as_ref());
    let plan = metadata::members(&mut loader, metadata).map(|keys| read(&mut loader, keys, group));
    if let Some(TargetPlan { grouping: Grouping::Merge(key, _), .. }) = &plan
        && let Some(suffixed) = source.and_then(suffixed)
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

fn read(loader: &mut Loader<'_>, keys: &Map<String, Value>, of_source: Option<&GroupCalculate>) -> TargetPlan {
    let header = metadata::header(loader, keys);
    if let Some(pagination) = keys.get("pagination").filter(|value| !says_nothing(value)) {
        loader.findings.warning("$.pagination", pagination, "`pagination` does nothing on a target", None);
    }
    let operation = metadata::operation(loader, keys);
    loader.key_fields(operation.merge.as_ref().map(|merge| &merge.key), "no row says which bill it belongs to");
    // A field of the bill or, where that has none of the name, of its head row.
    loader.mentioned.fields.extend(header.number.iter().flat_map(Key::names).map(str::to_owned));
    let grouping = grouping(loader, keys, operation.merge, of_source);
    match &grouping {
        Grouping::None => {}
        Grouping::Merge(_, lines) => loader.lines = Some(lines.to_string()),
        Grouping::Calculate(group) => loader.columns = Some(group.columns()),
    }
    let write_backs = write_back::read(loader, keys);
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
        grouping,
        rows_per_write: operation.rows,
        write_backs: write_backs.into(),
        computed: Arc::clone(&loader.source_computed),
    }
}

/// `operation: merge`, or `groupCalculate` of this side or of the source's.
fn grouping(
    loader: &mut Loader<'_>,
    keys: &Map<String, Value>,
    merge: Option<Merge>,
    of_source: Option<&GroupCalculate>,
) -> Grouping {
    const PATH: &str = "$.groupCalculate";
    let group = loader.group_calculate(keys.get("groupCalculate"));
    if let (Some(group), Some(_)) = (&group, of_source) {
        let hint = "keep one of them: rows are grouped once".to_owned();
        let text = Value::from(group.origin.text.as_ref());
        loader.findings.error(PATH, &text, "the source's metadata has a `groupCalculate` as well", hint);
    }
    match (group.or_else(|| of_source.cloned()), merge) {
        (Some(group), merge) => {
            if merge.is_some() {
                let hint = "keep one of them: `groupCalculate` makes the bills".to_owned();
                let text = Value::from(group.origin.text.as_ref());
                let message = "`merge` and `groupCalculate` both group rows into bills";
                loader.findings.error("$.operation.method", &text, message, hint);
            }
            if let Some(computed) = loader.source_computed.first() {
                let hint = "call the function in the target's mapping: `_plugin name(…)`".to_owned();
                let message = format!("`groupCalculate` takes the computed field `{}` out of rows", computed.name);
                loader.findings.error(PATH, &Value::from(computed.name.as_ref()), message, hint);
            }
            Grouping::Calculate(group.into())
        }
        (None, Some(merge)) => Grouping::Merge(merge.key, merge.lines.into()),
        (None, None) => Grouping::None,
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
        !matches!(self.grouping, Grouping::None)
    }

    /// The key of a row's bill; `None` where every row is a bill of its own.
    pub fn merge_key(&self, row: &Row) -> Result<Option<String>, MappingError> {
        match &self.grouping {
            Grouping::None => Ok(None),
            Grouping::Merge(key, _) => key.of(row, &self.common.options.time_zone).map(Some),
            Grouping::Calculate(group) => group.key(row).map(Some),
        }
    }

    /// How rows are grouped into bills: a text that changes exactly when rows would be grouped differently.
    pub fn grouping(&self) -> String {
        match &self.grouping {
            Grouping::None => "none".to_owned(),
            Grouping::Merge(key, _) => format!("merge:{}", key.fingerprint(&self.common.options.time_zone)),
            Grouping::Calculate(group) => group.fingerprint(),
        }
    }

    /// Bills of one write at most, where the metadata says so (`operation.rows`); the connector's own limit counts as well.
    pub fn rows_per_write(&self) -> Option<u32> {
        self.rows_per_write
    }

    /// What is passed on to other schemes after a write (`callBackStrategy`).
    pub fn write_backs(&self) -> &[WriteBack] {
        &self.write_backs
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

    /// Maps the rows of one bill, its head first. Only where rows are grouped more than the first is looked at.
    pub fn map(&self, rows: &[Row], variables: &Variables, answers: &Answers) -> Mapping {
        match self.regrouped(rows) {
            Ok(head) => self.rendered(rows, &head, variables, answers, Rendering::render),
            Err(error) => Mapping::Failed(error),
        }
    }

    /// Maps them as far as can be, for a person to look at: with everything that failed.
    pub fn draft(&self, rows: &[Row], variables: &Variables, answers: &Answers) -> Draft {
        match self.regrouped(rows) {
            Ok(head) => self.rendered(rows, &head, variables, answers, Rendering::draft),
            Err(error) => Draft { failures: vec![error], ..Draft::default() },
        }
    }

    /// The row that the mapping sees as the bill's head.
    fn regrouped<'r>(&self, rows: &'r [Row]) -> Result<Cow<'r, Row>, MappingError> {
        let head = rows.first().ok_or_else(no_rows)?;
        match &self.grouping {
            Grouping::Calculate(group) => group.regroup(rows).map(Cow::Owned),
            Grouping::None | Grouping::Merge(..) => Ok(Cow::Borrowed(head)),
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
        if let Grouping::Merge(_, lines) = &self.grouping {
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

//! The plan of a source: requests, and what tells its rows apart.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Row;
use super::call::Parameter;
use super::condition::Condition;
use super::error::{MappingError, Place, Side};
use super::finding::{Parsed, member, nearest};
use super::flatten::Flatten;
use super::format::Formatted;
use super::group::GroupCalculate;
use super::item::{Computed, Content, Item};
use super::load::{Loader, says_nothing};
use super::mapping::{Mapping, Rendering};
use super::metadata::{self, Common, Header};
use super::name;
use super::options::{Options, Variables};
use super::plan::FunctionUse;
use super::question::Answers;
use super::scope::Scope;
use super::target::TargetPlan;
use super::value::index_text;

/// The parameters of a Kingdee query; every other item of its request is a column (Kingdee's help on `ExecuteBillQuery`).
const KINGDEE_PARAMETERS: [&str; 8] =
    ["FormId", "FieldKeys", "FilterString", "OrderString", "Limit", "StartRow", "TopRowCount", "SubSystemId"];

/// A source's metadata, read.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    pub(super) common: Common,
    request: Arc<[Item]>,
    other_request: Arc<[Item]>,
    remedy: Option<Remedy>,
    page_size: Option<u32>,
    needs_last_sync: bool,
    columns: Option<Arc<[String]>>,
    pub(super) formats: Arc<[Formatted]>,
    pub(super) flatten: Option<Flatten>,
    pub(super) condition: Arc<Condition>,
    pub(super) computed: Arc<[Computed]>,
    /// `groupCalculate`, which acts where bills are mapped.
    pub(super) group: Option<GroupCalculate>,
}

/// `omissionRemedy`: the request by which what a vendor committed late is fetched again.
#[derive(Clone, Debug)]
struct Remedy {
    crontab: Arc<str>,
    request: Arc<[Item]>,
    other_request: Arc<[Item]>,
}

/// Reads a source's metadata.
pub fn parse_source(metadata: &Value, options: &Options) -> Parsed<SourcePlan> {
    let mut loader = Loader::new(Side::Source, options);
    let plan = metadata::members(&mut loader, metadata).map(|keys| read(&mut loader, keys));
    let uses = plan.as_ref().map(|plan| plan.common.uses()).unwrap_or_default();
    loader.findings.finish(plan, uses)
}

fn read(loader: &mut Loader<'_>, keys: &Map<String, Value>) -> SourcePlan {
    let header = metadata::header(loader, keys);
    if header.id.is_none() && header.number.is_none() {
        let hint = "name the field that is different in every row".to_owned();
        loader.findings.error("$.id", &Value::Null, "neither `id` nor `number` is given", hint);
    }
    if let Some(operation) = keys.get("operation").filter(|value| !says_nothing(value)) {
        let hint = "rows are grouped by the target's metadata".to_owned();
        loader.findings.warning("$.operation", operation, "`operation` does nothing on a source", hint);
    }
    let page_size = metadata::page_size(loader, keys);
    let request = loader.items("$.request", keys.get("request").unwrap_or(&Value::Null));
    let other_request = loader.items("$.otherRequest", keys.get("otherRequest").unwrap_or(&Value::Null));
    let remedy = remedy(loader, keys.get("omissionRemedy"), &request, &other_request);
    let columns = columns(&header, &request);
    loader.columns = columns.as_deref().map(empty_row);
    let formats = loader.formats(keys.get("formatResponse"));
    let flatten = loader.flatten(keys.get("beatFlat"), header.id.as_ref().or(header.number.as_ref()));
    let condition = loader.condition(keys.get("condition"));
    let group = loader.group_calculate(keys.get("groupCalculate"));
    loader.key_fields(header.id.as_ref(), "rows have no id");
    loader.key_fields(header.number.as_ref(), "rows have no number");
    let computed = std::mem::take(&mut loader.computed);
    let columns = loader.columns.take().map(|columns| columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    if let Some(columns) = &columns {
        check_params(loader, columns, &computed);
    }
    SourcePlan {
        common: Common {
            header,
            options: loader.options.clone(),
            lookups: Arc::from([]),
            functions: std::mem::take(&mut loader.functions).into(),
            named: std::mem::take(&mut loader.mentioned).into(),
        },
        request: request.into(),
        other_request: other_request.into(),
        remedy,
        page_size,
        needs_last_sync: loader.needs_last_sync,
        columns: columns.map(Into::into),
        formats: formats.into(),
        flatten,
        condition: condition.into(),
        computed: computed.into(),
        group,
    }
}

/// The request with the items that the remedy puts in the place of others, by their `field`.
fn remedy(loader: &mut Loader<'_>, value: Option<&Value>, request: &[Item], other_request: &[Item]) -> Option<Remedy> {
    const PATH: &str = "$.omissionRemedy";
    const KEYS: [&str; 2] = ["crontab", "takeOverRequest"];
    let value = value.filter(|value| !says_nothing(value))?;
    let Value::Object(keys) = value else {
        let hint = "write `{\"crontab\": \"0 2 * * *\", \"takeOverRequest\": [items]}`".to_owned();
        loader.findings.error(PATH, value, "`omissionRemedy` is no object", hint);
        return None;
    };
    for (key, value) in keys {
        if !KEYS.contains(&key.as_str()) {
            loader.findings.unknown_key(PATH, key, value, &KEYS);
        }
    }
    let crontab = keys.get("crontab").map(index_text).unwrap_or_default().trim().to_owned();
    if crontab.is_empty() {
        let hint = "say when, as cron does: `\"0 2 * * *\"` is every night at two".to_owned();
        loader.findings.error(&member(PATH, "crontab"), value, "`omissionRemedy` has no `crontab`", hint);
        return None;
    }
    let items = keys.get("takeOverRequest").filter(|items| !says_nothing(items));
    let Some(items) = items else {
        let hint = "the same request fetches the same rows: give items with a wider window of time".to_owned();
        let message = "`omissionRemedy` takes nothing of the request over";
        loader.findings.warning(&member(PATH, "takeOverRequest"), value, message, hint);
        return Some(Remedy { crontab: crontab.into(), request: request.into(), other_request: other_request.into() });
    };
    let (mut request, mut other_request) = (request.to_vec(), other_request.to_vec());
    for item in loader.items(&member(PATH, "takeOverRequest"), items) {
        let same = |other: &&mut Item| other.field.eq_ignore_ascii_case(&item.field);
        match request.iter_mut().chain(&mut other_request).find(same) {
            Some(other) => *other = item,
            None => request.push(item),
        }
    }
    Some(Remedy { crontab: crontab.into(), request: request.into(), other_request: other_request.into() })
}

/// The columns of a Kingdee style query; of other vendors the request does not tell them.
fn columns(header: &Header, request: &[Item]) -> Option<Vec<String>> {
    if !header.api.eq_ignore_ascii_case("executeBillQuery") {
        return None;
    }
    let mut columns: Vec<String> = Vec::new();
    for item in request {
        if !KINGDEE_PARAMETERS.iter().any(|parameter| parameter.eq_ignore_ascii_case(&item.field)) {
            columns.push(item.field.to_string());
        } else if item.field.eq_ignore_ascii_case("FieldKeys") {
            match &item.content {
                Content::Literal(Value::String(keys)) => {
                    columns.extend(keys.split(',').map(|key| key.trim().to_owned()));
                }
                Content::Literal(Value::Array(keys)) => {
                    columns.extend(keys.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    columns.retain(|column| !column.is_empty());
    (!columns.is_empty()).then_some(columns)
}

/// A computed field's parameters are columns.
fn check_params(loader: &mut Loader<'_>, columns: &[String], computed: &[Computed]) {
    let row = empty_row(columns);
    for field in computed {
        for argument in &field.call.arguments {
            if let Parameter::Field(column) = argument
                && name::field(&row, column).is_none()
            {
                let hint =
                    nearest(column, columns.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
                let message = format!("the request has no column `{column}`: it stays empty");
                loader.findings.warning(&field.origin.path, &Value::from(field.origin.text.as_ref()), message, hint);
            }
        }
    }
}

/// A row of these columns, for looking names up.
pub(super) fn empty_row(columns: &[String]) -> Row {
    columns.iter().map(|column| (column.clone(), Value::Null)).collect()
}

impl SourcePlan {
    /// The vendor's operation.
    pub fn api(&self) -> &str {
        &self.common.header.api
    }

    /// The HTTP method, upper case; `POST` where the metadata has none.
    pub fn method(&self) -> &str {
        &self.common.header.method
    }

    /// A row whose id is stored already is skipped, whatever it contains now.
    pub fn id_check(&self) -> bool {
        self.common.header.id_check.unwrap_or(true)
    }

    /// `pagination.pageSize`.
    pub fn page_size(&self) -> Option<u32> {
        self.page_size
    }

    /// The request names `LAST_SYNC_TIME`: the first scan needs a `start_from`.
    pub fn needs_last_sync(&self) -> bool {
        self.needs_last_sync
    }

    /// The names of the rows' fields, where the request tells them: that of a Kingdee query does.
    pub fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// The columns that are fetched and that nothing uses: neither this metadata, nor the target's, nor lookups of others by
    /// or for these fields. None where the request does not tell its columns.
    pub fn unused_columns(&self, target: &TargetPlan, looked_up: &[&str]) -> Vec<&str> {
        let is_made = |column: &str| self.formats.iter().any(|format| format.new == column);
        let is_used = |column: &str| {
            self.common.named.has(column)
                || target.named().has(column)
                || looked_up.iter().any(|field| name::same_letters(field, column))
        };
        let columns = self.columns.iter().flat_map(|columns| columns.iter().map(String::as_str));
        columns.filter(|column| !is_made(column) && !is_used(column)).collect()
    }

    /// The field of its rows nearest to a name that is none of them; `Ok` where it is one, or nobody knows.
    pub fn misses_column(&self, field: &str) -> Result<(), Option<&str>> {
        let Some(columns) = &self.columns else { return Ok(()) };
        if name::field(&empty_row(columns), field).is_some() {
            return Ok(());
        }
        Err(nearest(field, columns.iter().map(String::as_str)))
    }

    /// The plugin functions that compute fields of its rows. They are called while mapping.
    pub fn functions(&self) -> &[FunctionUse] {
        &self.common.functions
    }

    /// The request: an object with one member per item, in order; an item without a value is `null`.
    pub fn render_request(&self, variables: &Variables) -> Result<Value, MappingError> {
        render(&self.request, &self.common.options, variables, true)
    }

    /// `otherRequest`, likewise; an empty object where there is none.
    pub fn render_other_request(&self, variables: &Variables) -> Result<Value, MappingError> {
        render(&self.other_request, &self.common.options, variables, true)
    }

    /// When what was committed late is fetched again (`omissionRemedy`): cron, as the metadata has it.
    pub fn remedy_crontab(&self) -> Option<&str> {
        self.remedy.as_ref().map(|remedy| &*remedy.crontab)
    }

    /// The request by which what was committed late is fetched again, and its `otherRequest`; without an `omissionRemedy`
    /// the request itself.
    pub fn render_remedy(&self, variables: &Variables) -> Result<(Value, Value), MappingError> {
        let Some(Remedy { request, other_request, .. }) = &self.remedy else {
            return Ok((self.render_request(variables)?, self.render_other_request(variables)?));
        };
        let options = &self.common.options;
        Ok((render(request, options, variables, true)?, render(other_request, options, variables, true)?))
    }

    /// Rows are regrouped where bills are mapped (`groupCalculate`).
    pub fn regroups(&self) -> bool {
        self.group.is_some()
    }

    /// What tells rows apart, as the metadata writes it: a field's path or a template.
    pub fn id_field(&self) -> &str {
        let header = &self.common.header;
        header.id.as_ref().or(header.number.as_ref()).map_or("", |key| key.written())
    }

    /// What tells this row from all others.
    pub fn row_id(&self, row: &Row) -> Result<String, MappingError> {
        let header = &self.common.header;
        match header.id.as_ref().or(header.number.as_ref()) {
            Some(key) => key.of(row, &self.common.options.time_zone),
            None => Err(MappingError::Key {
                place: Place { side: Side::Source, path: "$.id".into(), text: "id".into(), line: None },
                columns: row.keys().cloned().collect(),
            }),
        }
    }

    /// The number that people know the row by.
    pub fn row_number(&self, row: &Row) -> Option<String> {
        self.common.header.number.as_ref()?.text(row, &self.common.options.time_zone)
    }
}

/// Renders items that depend on no row.
pub(super) fn render(
    items: &[Item],
    options: &Options,
    variables: &Variables,
    keeps_empty: bool,
) -> Result<Value, MappingError> {
    let answers = Answers::new();
    let mut rendering = Rendering::new(options, variables, &answers);
    rendering.keeps_empty = keeps_empty;
    match rendering.render(items, &Scope::NONE) {
        Mapping::Bill(members) => Ok(Value::Object(members)),
        Mapping::Failed(error) => Err(error),
        // Loading refuses lookups and functions in requests.
        Mapping::Pending(_) => Ok(Value::Object(Row::new())),
    }
}

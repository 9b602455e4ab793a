//! Names in templates: what feeds them.

use serde_json::Value;

use super::super::call::{Call, Parameter};
use super::super::directive::DirectiveError;
use super::super::find::Find;
use super::super::finding::{listed, nearest};
use super::super::key::Key;
use super::super::name;
use super::super::plan::{FunctionUse, LookupIn, LookupUse};
use super::super::scope::below;
use super::super::template::{Segment, Template};
use super::super::variable::{self, Variable};
use super::{Loader, Names};

impl Loader<'_> {
    /// A call; `leading` arguments come before those that are written.
    pub(super) fn called(&mut self, path: &str, value: &Value, call: &Call, leading: usize) {
        for argument in &call.arguments {
            match argument {
                Parameter::Field(name) => self.name(path, value, name),
                Parameter::Template(template) | Parameter::Text(template) => self.named(path, value, template),
                Parameter::Literal(_) => {}
            }
        }
        self.functions.push(FunctionUse {
            path: path.to_owned(),
            name: call.name.to_string(),
            argument_count: leading + call.arguments.len(),
        });
    }

    /// Looks at the names of a template.
    pub(super) fn named(&mut self, path: &str, value: &Value, template: &Template) {
        self.braces(path, value, template);
        for filling in template.fillings() {
            self.filling(path, value, filling);
        }
    }

    /// What stands for something else: a name, or a lookup.
    pub(super) fn filling(&mut self, path: &str, value: &Value, filling: &Segment) {
        match filling {
            Segment::Text(_) => {}
            Segment::Placeholder(placeholder) => self.name(path, value, &placeholder.name),
            Segment::Find(embedded) if self.names == Names::Row => self.looked_up(path, value, &embedded.find),
            Segment::Find(_) => {
                let DirectiveError { message, hint } = only_for_mappings(self.names);
                self.findings.error(path, value, message, hint);
            }
        }
    }

    /// A lookup, with those that its values need.
    pub(super) fn looked_up(&mut self, path: &str, value: &Value, find: &Find) {
        for operand in find.operands() {
            self.named(path, value, operand);
        }
        let indexes = if find.is_table { Vec::new() } else { find.indexes() };
        if indexes.iter().any(Vec::is_empty) {
            let message =
                format!("the lookup has no field that equals something: it reads all rows of `{}`", find.collection);
            let hint = "every record costs a pass over them, the latest first, until one fits; add a field that equals something (`$eq`, `$in`)";
            self.findings.warning(path, value, message, hint.to_owned());
        }
        let name = find.collection.to_string();
        self.lookups.push(LookupUse {
            path: path.to_owned(),
            source: if find.is_table { LookupIn::Table(name) } else { LookupIn::Collection(name) },
            find: find.field.to_string(),
            where_fields: find.fields(),
            indexes,
        });
    }

    pub(super) fn braces(&mut self, path: &str, value: &Value, template: &Template) {
        if template.has_odd_brace() {
            self.findings.warning(path, value, "a brace is left over and stays text", "write `{{field}}`".to_owned());
        }
    }

    pub(super) fn name(&mut self, path: &str, value: &Value, written: &str) {
        let variable = Variable::parse(written);
        self.needs_last_sync |= variable == Some(Variable::LastSyncTime);
        match variable {
            Some(variable) if variable.is_of_a_page() && self.names != Names::Page => {
                self.findings.error(path, value, format!("`{written}` has a value only in a source's request"), None);
            }
            Some(_) => {}
            None if self.names == Names::Row => self.field(path, value, written),
            None if self.names == Names::Reply => self.mentioned.fields.push(written.to_owned()),
            None => {
                let hint = nearest(written, variable::NAMES).map_or_else(
                    || format!("variables: {}", listed(&variable::NAMES)),
                    |near| format!("did you mean `{near}`?"),
                );
                self.findings.error(
                    path,
                    value,
                    format!("`{written}` is no variable, and a request has no fields"),
                    hint,
                );
            }
        }
    }

    /// The fields that tell rows or bills apart; `consequence`: what comes of one that no column feeds.
    pub(in super::super) fn key_fields(&mut self, key: Option<&Key>, consequence: &str) {
        let Some(key) = key else { return };
        let (path, written) = (key.origin.path.to_string(), Value::from(key.written()));
        for field in key.names().into_iter().filter(|name| Variable::parse(name).is_none()) {
            self.mentioned.fields.push(field.to_owned());
            let Some(columns) = &self.columns else { continue };
            if name::field(columns, field).is_none() && !self.is_flattened(field) {
                let near = nearest(field, columns.keys().map(String::as_str));
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("the source's request has no column `{field}`: {consequence}");
                self.findings.warning(&path, &written, message, hint);
            }
        }
    }

    /// A name that no column feeds is most likely misspelt.
    pub(super) fn field(&mut self, path: &str, value: &Value, written: &str) {
        let of_line = self.lines.as_deref().and_then(|lines| below(written, lines));
        self.line_named |= of_line.is_some_and(|rest| !rest.is_empty());
        self.mentioned.whole_rows |= of_line.is_some_and(str::is_empty);
        self.mentioned.fields.push(of_line.unwrap_or(written).to_owned());
        let Some(columns) = self.columns.as_ref().filter(|_| self.lists == 0) else {
            return;
        };
        let column = of_line.unwrap_or(written);
        let is_computed = self.source_computed.iter().any(|computed| name::same_letters(&computed.name, column));
        if name::field(columns, column).is_some() || is_computed {
            return;
        }
        let hint = nearest(column, columns.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        self.findings.warning(
            path,
            value,
            format!("the source's request has no column `{column}`: it stays empty"),
            hint,
        );
    }
}

/// Where a request has a lookup or a plugin's function.
pub(super) fn only_for_mappings(names: Names) -> DirectiveError {
    match names {
        Names::Reply => DirectiveError::new(
            "lookups and plugin functions are for mappings, not for what is written back",
            "make them in the mapping of the scheme that gets the row",
        ),
        _ => DirectiveError::new(
            "lookups and plugin functions are for mappings; a request is rendered before there is a row",
            "use variables and `_function` here",
        ),
    }
}

//! A conditional change of one item, as an update of its own or as a part of a transaction.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ConditionCheck, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem, Update},
};

use super::{Item, SessionTable, number, session_item, text};
use crate::{
    error::Fault,
    identity::{SessionId, SubjectId},
    lifecycle::End,
    unix_time::UnixMillis,
};

/// A change under construction. An attribute `a` is written `#a` and its value `:a`, so no name is ever a reserved word.
pub(super) struct Change {
    key: (String, String),
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    names: Vec<&'static str>,
    values: Vec<(String, AttributeValue)>,
}

impl Change {
    /// A change of the item with this key.
    pub(super) fn of(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        let key = (pk.into(), sk.into());
        Self { key, set: Vec::new(), remove: Vec::new(), conditions: Vec::new(), names: Vec::new(), values: Vec::new() }
    }

    /// A change of a session, on condition that it is live at `now`. Nothing else may ever be written to a session:
    /// what has ended stays ended.
    pub(super) fn of_live_session(subject: SubjectId, id: SessionId, now: UnixMillis) -> Self {
        Self::of(session_item::user_key(subject), session_item::session_key(id))
            .when("status", "#status = :active")
            .when("idle_limit", "#idle_limit >= :now")
            .when("absolute_limit", "#absolute_limit >= :now")
            .value("active", text(session_item::ACTIVE))
            .value("now", number(now.as_millis()))
    }

    /// Ends the session that this is a change of.
    pub(super) fn end(self, end: &End) -> Self {
        let change = self
            .set("status", text(session_item::ENDED))
            .set("end_reason", text(end.reason.as_str()))
            .set("ended_at", number(end.at.as_millis()));
        match end.by {
            Some(by) => change.set("ended_by", text(by)),
            None => change,
        }
    }

    /// Gives `attribute` a new value.
    pub(super) fn set(mut self, attribute: &'static str, value: AttributeValue) -> Self {
        self.set.push(format!("#{attribute} = :{attribute}"));
        self.named(attribute).value(attribute, value)
    }

    /// Gives `attribute` the value of an expression.
    pub(super) fn compute(mut self, attribute: &'static str, expression: &str) -> Self {
        self.set.push(format!("#{attribute} = {expression}"));
        self.named(attribute)
    }

    /// Takes `attribute` away.
    pub(super) fn remove(mut self, attribute: &'static str) -> Self {
        self.remove.push(format!("#{attribute}"));
        self.named(attribute)
    }

    /// Makes the change depend on a condition about `attribute`.
    pub(super) fn when(mut self, attribute: &'static str, condition: &str) -> Self {
        self.conditions.push(format!("({condition})"));
        self.named(attribute)
    }

    /// The value that expressions call `:name`.
    pub(super) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.push((format!(":{name}"), value));
        self
    }

    fn named(mut self, attribute: &'static str) -> Self {
        if !self.names.contains(&attribute) {
            self.names.push(attribute);
        }
        self
    }

    fn expression(&self) -> String {
        let set = format!("SET {}", self.set.join(", "));
        if self.remove.is_empty() { set } else { format!("{set} REMOVE {}", self.remove.join(", ")) }
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    fn names(&self) -> std::collections::HashMap<String, String> {
        self.names.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect()
    }

    /// DynamoDB refuses a map of values that is empty.
    fn values(&self) -> Option<std::collections::HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.iter().cloned().collect())
    }

    fn key(&self) -> Item {
        let (pk, sk) = &self.key;
        [("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))].into()
    }

    /// As a request of its own; a failed condition returns the item.
    pub(super) fn update(self, table: &SessionTable) -> UpdateItemFluentBuilder {
        table
            .client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(self.key()))
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(Some(self.names()))
            .set_expression_attribute_values(self.values())
            .return_values_on_condition_check_failure(AllOld)
    }

    /// As a part of a transaction; a failed condition returns the item.
    pub(super) fn part(self, table: &SessionTable) -> Result<TransactWriteItem, Fault> {
        let update = Update::builder()
            .table_name(&table.name)
            .set_key(Some(self.key()))
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(Some(self.names()))
            .set_expression_attribute_values(self.values())
            .return_values_on_condition_check_failure(AllOld);
        Ok(TransactWriteItem::builder().update(update.build().map_err(|error| unbuildable(&error))?).build())
    }

    /// The condition alone, as a part of a transaction that changes other items.
    pub(super) fn check(self, table: &SessionTable) -> Result<TransactWriteItem, Fault> {
        let check = ConditionCheck::builder()
            .table_name(&table.name)
            .set_key(Some(self.key()))
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(Some(self.names()))
            .set_expression_attribute_values(self.values())
            .return_values_on_condition_check_failure(AllOld);
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(|error| unbuildable(&error))?).build())
    }
}

pub(super) fn unbuildable(error: &BuildError) -> Fault {
    Fault::new("build a transaction", error.to_string())
}

//! What the parser finds in statements that hold queries.

use std::collections::HashMap;
use std::ops::ControlFlow;

use postern_domain::statement::{NotUnderstood, StatementClass, TableName};
use sqlparser::ast::{
    CopySource, CopyTarget, Delete, FromTable, Insert, MergeAction, ObjectName, Query, Select, SetExpr, Statement,
    TableFactor, TableObject, Update, Visit as _, Visitor,
};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::kind::Facts;
use crate::names;

/// How deep a statement may be nested.
const DEPTH_MAX: usize = 50;

/// Adds what the parser finds.
pub(crate) fn parsed(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    parsed_in(&PostgreSqlDialect {}, tokens, facts)
}

/// Adds what the parser finds in the grammar of this database.
pub(crate) fn parsed_in(dialect: &dyn Dialect, tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    let mut parser = Parser::new(dialect).with_recursion_limit(DEPTH_MAX).with_tokens(tokens.to_vec());
    let not_understood = |error: sqlparser::parser::ParserError| NotUnderstood(error.to_string());
    let statement = parser.parse_statement().map_err(not_understood)?;
    if parser.peek_token().token != Token::EOF {
        return Err(NotUnderstood(format!("`{}` is not expected", parser.peek_token().token)));
    }
    let several = dialect.is::<MySqlDialect>();
    let mut look = Look { facts, several, scopes: Vec::new(), planned: HashMap::new(), targets: Vec::new() };
    match statement.visit(&mut look) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(NotUnderstood(why.to_owned())),
    }?;
    if facts.is_empty() {
        facts.does(StatementClass::Read, None);
    }
    Ok(())
}

/// Looks at a tree, from the top down.
struct Look<'a> {
    facts: &'a mut Facts,
    /// The names of `WITH` that can be seen, for each query around.
    scopes: Vec<Vec<String>>,
    /// The same for queries that are yet to come, by where they are.
    planned: HashMap<usize, Vec<String>>,
    /// Whether a statement may write several tables that are joined.
    several: bool,
    /// Tables that are written, which the walk comes by once more.
    targets: Vec<TableName>,
}

impl Look<'_> {
    fn writes(&mut self, class: StatementClass, name: &ObjectName, without_where: bool) {
        let table = names::of_object(name);
        self.facts.changes(class, table.clone(), without_where);
        self.targets.extend(table);
    }

    fn defines(&mut self, name: &ObjectName) -> ControlFlow<&'static str> {
        self.writes(StatementClass::Ddl, name, false);
        ControlFlow::Continue(())
    }

    fn insert(&mut self, insert: &Insert) -> ControlFlow<&'static str> {
        match &insert.table {
            TableObject::TableName(name) => self.writes(StatementClass::Insert, name, false),
            _ => return ControlFlow::Break("what is inserted into is no table"),
        }
        let table = match &insert.table {
            TableObject::TableName(name) => names::of_object(name),
            _ => None,
        };
        if insert.replace_into {
            self.facts.does(StatementClass::Delete, table.clone());
        }
        if let Some(sqlparser::ast::OnInsert::DuplicateKeyUpdate(_)) = &insert.on {
            self.facts.does(StatementClass::Update, table);
        }
        if let Some(sqlparser::ast::OnInsert::OnConflict(conflict)) = &insert.on
            && let sqlparser::ast::OnConflictAction::DoUpdate(_) = conflict.action
        {
            let table = match &insert.table {
                TableObject::TableName(name) => names::of_object(name),
                _ => None,
            };
            self.facts.does(StatementClass::Update, table);
        }
        ControlFlow::Continue(())
    }

    fn update(&mut self, update: &Update) -> ControlFlow<&'static str> {
        // Of several tables that are joined, any may be written.
        for join in &update.table.joins {
            let TableFactor::Table { name, .. } = &join.relation else {
                return ControlFlow::Break("what is updated is no table");
            };
            self.facts.changes(StatementClass::Update, names::of_object(name), update.selection.is_none());
        }
        match &update.table.relation {
            TableFactor::Table { name, .. } => {
                // To change a row of this view is to change a setting, which one is not in the text alone.
                if names::of_object(name).is_some_and(|table| table.name == "pg_settings") {
                    self.facts.settings.insert("all".to_owned());
                }
                self.writes(StatementClass::Update, name, update.selection.is_none());
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break("what is updated is no table"),
        }
    }

    fn delete(&mut self, delete: &Delete) -> ControlFlow<&'static str> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        for table in from {
            let TableFactor::Table { name, .. } = &table.relation else {
                return ControlFlow::Break("what is deleted from is no table");
            };
            self.writes(StatementClass::Delete, name, delete.selection.is_none());
            for join in &table.joins {
                let TableFactor::Table { name, .. } = &join.relation else {
                    return ControlFlow::Break("what is deleted from is no table");
                };
                self.facts.changes(StatementClass::Delete, names::of_object(name), delete.selection.is_none());
            }
        }
        // Of several tables that are joined, any may be written.
        for table in delete.using.iter().flatten().filter(|_| self.several) {
            let TableFactor::Table { name, .. } = &table.relation else {
                return ControlFlow::Break("what is deleted from is no table");
            };
            self.facts.changes(StatementClass::Delete, names::of_object(name), delete.selection.is_none());
        }
        if from.is_empty() { ControlFlow::Break("a DELETE from nothing") } else { ControlFlow::Continue(()) }
    }

    fn merge(&mut self, merge: &sqlparser::ast::Merge) -> ControlFlow<&'static str> {
        let TableFactor::Table { name, .. } = &merge.table else {
            return ControlFlow::Break("what is merged into is no table");
        };
        let table = names::of_object(name);
        for clause in &merge.clauses {
            let class = match &clause.action {
                MergeAction::Insert(_) => StatementClass::Insert,
                MergeAction::Update { .. } => StatementClass::Update,
                MergeAction::Delete { .. } => StatementClass::Delete,
                _ => continue,
            };
            self.facts.does(class, table.clone());
        }
        self.targets.extend(table);
        ControlFlow::Continue(())
    }

    fn copy(&mut self, source: &CopySource, to: bool, target: &CopyTarget) {
        let table = match source {
            CopySource::Table { table_name, .. } => names::of_object(table_name),
            CopySource::Query(_) => None,
        };
        if to {
            if table.is_some() {
                self.facts.does(StatementClass::Read, table.clone());
            }
            self.facts.does(StatementClass::CopyOut, table);
        } else {
            self.facts.does(StatementClass::Insert, table.clone());
            self.facts.does(StatementClass::CopyIn, table);
        }
        match target {
            CopyTarget::Stdin | CopyTarget::Stdout => {}
            CopyTarget::File { .. } => self.facts.does(StatementClass::File, None),
            CopyTarget::Program { .. } => self.facts.does(StatementClass::Program, None),
        }
    }

    /// `TABLE name`, which is a query of its own.
    fn table_command(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Table(table) => {
                let name = table.table_name.as_ref().map(names::of_ident);
                let schema = table.schema_name.as_ref().map(names::of_ident);
                if let Some(name) = name {
                    self.reads(TableName { schema, name });
                }
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.table_command(left);
                self.table_command(right);
            }
            _ => {}
        }
    }

    fn reads(&mut self, table: TableName) {
        let seen = self.scopes.last();
        let of_with = table.schema.is_none() && seen.is_some_and(|seen| seen.contains(&table.name));
        if !of_with {
            self.facts.does(StatementClass::Read, Some(table));
        }
    }
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl Visitor for Look<'_> {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        let around = self.scopes.last().cloned().unwrap_or_default();
        let mut seen = self.planned.remove(&place(query)).unwrap_or(around);
        if let Some(with) = &query.with {
            let named: Vec<String> = with.cte_tables.iter().map(|cte| names::of_ident(&cte.alias.name)).collect();
            if with.recursive {
                seen.extend(named.iter().cloned());
            }
            for (cte, name) in with.cte_tables.iter().zip(named) {
                self.planned.insert(place(&cte.query), seen.clone());
                if !with.recursive {
                    seen.push(name);
                }
            }
        }
        self.scopes.push(seen);
        self.table_command(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<&'static str> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        if let Some(into) = &select.into {
            for target in &into.targets {
                self.facts.does(StatementClass::Ddl, names::of_expression(target));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<&'static str> {
        let Some(table) = names::of_object(name) else {
            return ControlFlow::Break("a table whose name is computed");
        };
        match self.targets.iter().position(|target| *target == table) {
            Some(at) => drop(self.targets.swap_remove(at)),
            None => self.reads(table),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<&'static str> {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Truncate(truncate) => {
                for target in &truncate.table_names {
                    self.writes(StatementClass::Truncate, &target.name, true);
                }
                ControlFlow::Continue(())
            }
            Statement::Copy { source, to, target, .. } => {
                self.copy(source, *to, target);
                ControlFlow::Continue(())
            }
            // Within EXPLAIN, too, which may run it.
            Statement::CreateTable(create) => self.defines(&create.name),
            Statement::CreateView(create) => self.defines(&create.name),
            Statement::Query(_)
            | Statement::Explain { .. }
            | Statement::Prepare { .. }
            | Statement::Declare { .. }
            | Statement::CreateSchema { .. }
            | Statement::CreateRule(_) => ControlFlow::Continue(()),
            _ => ControlFlow::Break("a kind of statement within another that is not known"),
        }
    }
}

//! Roles that were defined here; those that Postern ships are not stored.

use std::collections::BTreeSet;

use postern_domain::permission::{Permission, Role};
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

impl ReadTx {
    /// The custom roles, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roles_custom(&mut self) -> Result<Vec<Role>, Error> {
        let rows = sqlx::query("select * from role order by name").fetch_all(self.connection()).await?;
        rows.iter().map(role).collect()
    }
}

impl WriteTx {
    /// Defines a role, or what it allows from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn role_put(&mut self, role: &Role) -> Result<(), Error> {
        sqlx::query(
            "insert into role (name, permissions) values (?1, ?2) on conflict (name) do update set permissions = ?2",
        )
        .bind(role.name.as_str())
        .bind(row::to_json(&role.permissions, "permissions")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn role(row: &SqliteRow) -> Result<Role, Error> {
    let permissions: BTreeSet<Permission> = row::json(row, "permissions")?;
    Ok(Role { name: row::text(row, "name")?, permissions, built_in: false })
}

//! What nobody may hold together.

use postern_domain::duties::SeparationOfDuties;
use postern_domain::{DutiesId, DutiesName, ScopePath};
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

impl ReadTx {
    /// All of them, by tenant and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn duties(&mut self) -> Result<Vec<SeparationOfDuties>, Error> {
        let rows = sqlx::query("select * from separation_of_duties order by tenant, name")
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(duties).collect()
    }

    /// The one of this name in a tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn duties_named(
        &mut self,
        tenant: &ScopePath,
        name: &DutiesName,
    ) -> Result<Option<SeparationOfDuties>, Error> {
        let row = sqlx::query("select * from separation_of_duties where tenant = ?1 and name = ?2")
            .bind(tenant.as_str())
            .bind(name.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(duties).transpose()
    }
}

impl WriteTx {
    /// Writes one down, new or changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn duties_put(&mut self, duties: &SeparationOfDuties) -> Result<(), Error> {
        let declared = &duties.declared;
        sqlx::query(
            "insert into separation_of_duties (id, tenant, name, scope, body, waiting, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             on conflict (id) do update set scope = excluded.scope, body = excluded.body, waiting = excluded.waiting",
        )
        .bind(duties.id.as_str())
        .bind(declared.scope.tenant().as_str())
        .bind(declared.name.as_str())
        .bind(declared.scope.as_str())
        .bind(row::to_json(declared, "body")?)
        .bind(duties.waiting.as_ref().map(|waiting| row::to_json(waiting, "waiting")).transpose()?)
        .bind(duties.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes one away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn duties_delete(&mut self, id: &DutiesId) -> Result<(), Error> {
        sqlx::query("delete from separation_of_duties where id = ?1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn duties(row: &SqliteRow) -> Result<SeparationOfDuties, Error> {
    Ok(SeparationOfDuties {
        id: row::text(row, "id")?,
        declared: row::json(row, "body")?,
        waiting: row::json_opt(row, "waiting")?,
        created_at: row::time(row, "created_at")?,
    })
}

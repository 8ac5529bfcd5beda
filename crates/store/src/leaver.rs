//! What somebody who leaves answers for, and what they know.

use postern_domain::UserId;
use postern_domain::account::Account;

use crate::account;
use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

impl ReadTx {
    /// The accounts that somebody answers for, by asset and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_owned(&mut self, user: &UserId) -> Result<Vec<Account>, Error> {
        let sql = format!("{} where c.owner_id = ?1 order by a.name, c.name", account::SELECT);
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(user.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(account::account).collect()
    }

    /// The accounts whose secret, as it is now, somebody has seen by checking it out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_known(&mut self, user: &UserId) -> Result<Vec<Account>, Error> {
        let sql = format!(
            "{} where exists (select 1 from checkout k where k.account_id = c.id and k.user_id = ?1 \
             and k.version = s.version) order by a.name, c.name",
            account::SELECT
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(user.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(account::account).collect()
    }
}

impl WriteTx {
    /// Makes somebody else answer for an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_hand_over(&mut self, account: &Account, heir: &UserId) -> Result<(), Error> {
        sqlx::query("update account set owner_id = ?2 where id = ?1")
            .bind(account.id.as_str())
            .bind(heir.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

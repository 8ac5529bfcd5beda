//! Which notices people get, and where.

use postern_domain::UserId;
use postern_domain::user::NoticeChoice;
use sqlx::Row as _;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

impl ReadTx {
    /// What somebody has chosen, or what holds for those who have not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_choice(&mut self, user: &UserId) -> Result<NoticeChoice, Error> {
        let row = sqlx::query("select * from user_notice where user_id = ?1")
            .bind(user.as_str())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(NoticeChoice::default()) };
        Ok(NoticeChoice {
            address: row.try_get("address")?,
            asked: row.try_get("asked")?,
            answered: row.try_get("answered")?,
        })
    }
}

impl WriteTx {
    /// Keeps what somebody has chosen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_choice_set(&mut self, user: &UserId, choice: &NoticeChoice) -> Result<(), Error> {
        sqlx::query(
            "insert into user_notice (user_id, address, asked, answered) values (?1, ?2, ?3, ?4) \
             on conflict (user_id) do update set address = ?2, asked = ?3, answered = ?4",
        )
        .bind(user.as_str())
        .bind(&choice.address)
        .bind(choice.asked)
        .bind(choice.answered)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

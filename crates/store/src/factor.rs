//! What people prove themselves with: password hashes, sealed generators' seeds, recovery codes, and
//! when and from where they last did.

use postern_domain::{Timestamp, UserId};
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// What a user can be checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// The password's hash; none before enrolment.
    pub password_hash: Option<String>,
    /// The seed of their one-time codes; none before enrolment.
    pub totp: Option<TotpSeed>,
}

/// The seed of somebody's one-time codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpSeed {
    /// The seed as the vault sealed it.
    pub sealed: Vec<u8>,
    /// The last time step whose code was used; codes of it and of earlier ones are worthless.
    pub last_step: i64,
}

impl ReadTx {
    /// What a user can be checked against; nothing for an unknown user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proofs(&mut self, user: &UserId) -> Result<Proofs, Error> {
        let row = sqlx::query("select password_hash, totp_sealed, totp_last_step from user where id = ?1")
            .bind(user.as_str())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(Proofs::default()) };
        let last_step = row.try_get("totp_last_step")?;
        let sealed = row.try_get::<Option<Vec<u8>>, _>("totp_sealed")?;
        Ok(Proofs {
            password_hash: row.try_get("password_hash")?,
            totp: sealed.map(|sealed| TotpSeed { sealed, last_step }),
        })
    }

    /// The hashes of the recovery codes that a user has left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_hashes(&mut self, user: &UserId) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar("select hash from recovery_code where user_id = ?1 and used_at is null order by hash")
            .bind(user.as_str())
            .fetch_all(self.connection())
            .await?)
    }

    /// Everybody's sealed seed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totp_seeds(&mut self) -> Result<Vec<(UserId, Vec<u8>)>, Error> {
        let rows = sqlx::query("select id, totp_sealed from user where totp_sealed is not null order by id")
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok((row::text(row, "id")?, row.try_get("totp_sealed")?))).collect()
    }

    /// When a user last proved a second factor by this key from this address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor_proved_at(
        &mut self,
        user: &UserId,
        ssh_key: &str,
        source: &str,
    ) -> Result<Option<Timestamp>, Error> {
        let proved: Option<i64> = sqlx::query_scalar(
            "select proved_at from factor_proof where user_id = ?1 and ssh_key = ?2 and source = ?3",
        )
        .bind(user.as_str())
        .bind(ssh_key)
        .bind(source)
        .fetch_optional(self.connection())
        .await?;
        Ok(proved.map(Timestamp::from_millis))
    }

    /// Whether a user has proved who they are from this address since `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_known(&mut self, user: &UserId, source: &str, since: Timestamp) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "select exists (select 1 from user_source where user_id = ?1 and source = ?2 and seen_at >= ?3)",
        )
        .bind(user.as_str())
        .bind(source)
        .bind(since.as_millis())
        .fetch_one(self.connection())
        .await?)
    }
}

impl WriteTx {
    /// Sets a user's password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn password_set(&mut self, user: &UserId, hash: &str) -> Result<(), Error> {
        sqlx::query("update user set password_hash = ?2 where id = ?1")
            .bind(user.as_str())
            .bind(hash)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Sets the seed of a user's codes; codes up to `last_step` are used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totp_set(&mut self, user: &UserId, seed: &TotpSeed) -> Result<(), Error> {
        sqlx::query("update user set totp_sealed = ?2, totp_last_step = ?3 where id = ?1")
            .bind(user.as_str())
            .bind(&seed.sealed)
            .bind(seed.last_step)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes a user's seed away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totp_clear(&mut self, user: &UserId) -> Result<(), Error> {
        sqlx::query("update user set totp_sealed = null, totp_last_step = 0 where id = ?1")
            .bind(user.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Stores the same seed sealed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totp_rewrap(&mut self, user: &UserId, sealed: &[u8]) -> Result<(), Error> {
        sqlx::query("update user set totp_sealed = ?2 where id = ?1")
            .bind(user.as_str())
            .bind(sealed)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Uses up the codes up to `step`; false when that had happened already: a replay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totp_step_use(&mut self, user: &UserId, step: i64) -> Result<bool, Error> {
        let used = sqlx::query("update user set totp_last_step = ?2 where id = ?1 and totp_last_step < ?2")
            .bind(user.as_str())
            .bind(step)
            .execute(self.connection())
            .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Replaces a user's recovery codes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_codes_set(&mut self, user: &UserId, hashes: &[String]) -> Result<(), Error> {
        sqlx::query("delete from recovery_code where user_id = ?1")
            .bind(user.as_str())
            .execute(self.connection())
            .await?;
        for hash in hashes {
            sqlx::query("insert into recovery_code (user_id, hash) values (?1, ?2)")
                .bind(user.as_str())
                .bind(hash)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Uses up a recovery code; false when it is not one of theirs or was used before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_code_use(&mut self, user: &UserId, hash: &str) -> Result<bool, Error> {
        let now = self.now();
        let used =
            sqlx::query("update recovery_code set used_at = ?3 where user_id = ?1 and hash = ?2 and used_at is null")
                .bind(user.as_str())
                .bind(hash)
                .bind(now.as_millis())
                .execute(self.connection())
                .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Notes that a user proved a second factor just now, by this key from this address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor_proved(&mut self, user: &UserId, ssh_key: &str, source: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into factor_proof (user_id, ssh_key, source, proved_at) values (?1, ?2, ?3, ?4) \
             on conflict (user_id, ssh_key, source) do update set proved_at = ?4",
        )
        .bind(user.as_str())
        .bind(ssh_key)
        .bind(source)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets all of a user's second factors that were proved to gateways.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn factor_proofs_forget(&mut self, user: &UserId) -> Result<(), Error> {
        sqlx::query("delete from factor_proof where user_id = ?1")
            .bind(user.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a user proved who they are from this address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_seen(&mut self, user: &UserId, source: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into user_source (user_id, source, seen_at) values (?1, ?2, ?3) \
             on conflict (user_id, source) do update set seen_at = ?3",
        )
        .bind(user.as_str())
        .bind(source)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

//! Groups, their members and the roles that membership brings.

use postern_domain::permission::RoleAssignment;
use postern_domain::user::Group;
use postern_domain::{GroupId, GroupName, ScopePath, UserId, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;
use crate::user;

impl ReadTx {
    /// The groups of this name, in whichever tenants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn groups_by_name(&mut self, name: &GroupName) -> Result<Vec<Group>, Error> {
        let rows = sqlx::query("select * from user_group where name = ?1 order by tenant")
            .bind(name.as_str())
            .fetch_all(self.connection())
            .await?;
        self.groups_from(&rows).await
    }

    /// Groups in `scopes` whose name contains `q`, by name.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn groups(
        &mut self,
        scopes: &[ScopePath],
        q: Option<&str>,
        listing: &Listing,
    ) -> Result<Listed<Group>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, q).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, q).total(self).await?,
            false => None,
        };
        Ok(Listed { items: self.groups_from(&rows).await?, next, total })
    }

    /// The roles that membership brings.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_roles(&mut self, id: &GroupId) -> Result<Vec<RoleAssignment>, Error> {
        let rows = sqlx::query("select role, scope from role_assignment where group_id = ?1 order by role, scope")
            .bind(id.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(user::assignment).collect()
    }

    async fn groups_from(&mut self, rows: &[SqliteRow]) -> Result<Vec<Group>, Error> {
        let mut groups = Vec::with_capacity(rows.len());
        for row in rows {
            let id: GroupId = row::text(row, "id")?;
            let members = self.group_members(&id).await?;
            let roles = self.group_roles(&id).await?;
            let (name, scope) = (row::text(row, "name")?, row::text(row, "scope")?);
            let description = row.try_get("description")?;
            groups.push(Group { id, name, scope, description, members, roles });
        }
        Ok(groups)
    }

    async fn group_members(&mut self, id: &GroupId) -> Result<Vec<UserName>, Error> {
        let rows = sqlx::query(
            "select u.name from group_member m join user u on u.id = m.user_id where m.group_id = ?1 order by u.name",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| row::text(row, "name")).collect()
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: "user_group.*",
    from: "user_group where 1",
    id: "user_group.id",
    keys: &[("name", "user_group.name")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], q: Option<&str>) -> Query {
    query.within("user_group.scope", scopes);
    query.containing(&["user_group.name"], q);
    query
}

impl WriteTx {
    /// Adds a group or changes one; its members and roles are set apart.
    ///
    /// # Errors
    /// When its scope does not exist or the database fails.
    pub async fn group_put(&mut self, group: &Group) -> Result<(), Error> {
        sqlx::query(
            "insert into user_group (id, tenant, name, scope, description) values (?1, ?2, ?3, ?4, ?5) \
             on conflict (id) do update set scope = ?4, description = ?5",
        )
        .bind(group.id.as_str())
        .bind(group.scope.tenant().as_str())
        .bind(group.name.as_str())
        .bind(group.scope.as_str())
        .bind(&group.description)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Replaces a group's members.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_members_set(&mut self, id: &GroupId, members: &[UserId]) -> Result<(), Error> {
        sqlx::query("delete from group_member where group_id = ?1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        for member in members {
            self.group_member_add(id, member).await?;
        }
        Ok(())
    }

    /// Adds one member, who may be one already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_member_add(&mut self, id: &GroupId, member: &UserId) -> Result<(), Error> {
        sqlx::query("insert into group_member (group_id, user_id) values (?1, ?2) on conflict do nothing")
            .bind(id.as_str())
            .bind(member.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes one member out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_member_remove(&mut self, id: &GroupId, member: &UserId) -> Result<(), Error> {
        sqlx::query("delete from group_member where group_id = ?1 and user_id = ?2")
            .bind(id.as_str())
            .bind(member.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Replaces the roles that membership brings.
    ///
    /// # Errors
    /// When a scope does not exist or the database fails.
    pub async fn group_roles_set(&mut self, id: &GroupId, roles: &[RoleAssignment]) -> Result<(), Error> {
        sqlx::query("delete from role_assignment where group_id = ?1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        for assignment in roles {
            sqlx::query("insert into role_assignment (role, scope, group_id) values (?1, ?2, ?3)")
                .bind(assignment.role.as_str())
                .bind(assignment.scope.as_str())
                .bind(id.as_str())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Takes a user out of the groups that belong to tenants other than `tenant`, the root's excepted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_groups_leave(&mut self, user: &UserId, tenant: &ScopePath) -> Result<(), Error> {
        sqlx::query(
            "delete from group_member where user_id = ?1 and group_id in \
             (select id from user_group where tenant <> '/' and tenant <> ?2)",
        )
        .bind(user.as_str())
        .bind(tenant.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a group with its memberships and roles.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_delete(&mut self, id: &GroupId) -> Result<(), Error> {
        sqlx::query("delete from user_group where id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }
}

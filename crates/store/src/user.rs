//! Users, with the groups they are in and the roles they hold.

use std::collections::BTreeMap;

use ipnet::IpNet;
use postern_domain::permission::RoleAssignment;
use postern_domain::policy::Hours;
use postern_domain::user::{Profile, User, UserState};
use postern_domain::vendor::Vendor;
use postern_domain::{GroupName, RoleName, ScopePath, Timestamp, UserId, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::page::{Page, PageRequest};
use crate::row;

/// A user with the groups they are in and the roles they hold, directly or by a group, as lists of
/// pairs of a name and a scope.
pub(crate) const COLUMNS: &str = "u.*, \
     (select json_group_array(json_array(p.name, p.scope)) from \
       (select g.name, g.scope from group_member m join user_group g on g.id = m.group_id \
        where m.user_id = u.id order by g.name, g.scope) p) as member_of, \
     (select json_group_array(json_array(h.role, h.scope)) from \
       (select a.role, a.scope from role_assignment a where a.user_id = u.id union \
        select a.role, a.scope from role_assignment a join group_member m on m.group_id = a.group_id \
        where m.user_id = u.id) h) as holds, \
     (select i.name from user i where i.id = u.identity_id) as identity, \
     (select json_group_array(p.name) from user p where p.identity_id = u.id) as privileged, \
     (select json_array(s.name, json(case when s.state = 'active' and s.kind = 'person' \
         and not exists (select 1 from vendor w where w.user_id = s.id) then 'true' else 'false' end), \
       v.company, v.ends_at, json(v.networks), json(v.hours)) \
      from vendor v join user s on s.id = v.sponsor_id where v.user_id = u.id) as vendor_terms";

/// A user, and where their groups belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user: User,
    /// The groups that they are in, each with the scope that it belongs to.
    pub groups: Vec<(GroupName, ScopePath)>,
}

/// Which users are wanted; every field given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// A part of the name or of the address that notices go to, without case.
    pub q: Option<String>,
    /// In this scope or below.
    pub scope: Option<ScopePath>,
    /// In this state.
    pub state: Option<UserState>,
}

/// By what policies choose users.
#[derive(Clone, Copy, Debug, Default)]
pub struct Among<'a> {
    /// People, and programs, by name.
    pub names: &'a [&'a UserName],
    /// People by group.
    pub groups: &'a [&'a GroupName],
    /// People by attributes: whoever has all of one of these.
    pub attributes: &'a [&'a BTreeMap<String, String>],
    /// Whether all programs.
    pub workloads: bool,
}

impl ReadTx {
    /// The user of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&mut self, id: &UserId) -> Result<Option<User>, Error> {
        Ok(self.person(id).await?.map(|person| person.user))
    }

    /// The user of this id, and where their groups belong.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&mut self, id: &UserId) -> Result<Option<Person>, Error> {
        let sql = format!("select {COLUMNS} from user u where u.id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(person).transpose()
    }

    /// The user of this name, wherever they belong.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_by_name(&mut self, name: &UserName) -> Result<Option<User>, Error> {
        let sql = format!("select {COLUMNS} from user u where u.name = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(name.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(|row| Ok(person(row)?.user)).transpose()
    }

    /// Users in `scopes` that match, by name unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn users(
        &mut self,
        scopes: &[ScopePath],
        filter: &UserFilter,
        listing: &Listing,
    ) -> Result<Listed<User>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter)?.total(self).await?,
            false => None,
        };
        let items = rows.iter().map(|row| Ok(person(row)?.user)).collect::<Result<_, Error>>()?;
        Ok(Listed { items, next, total })
    }

    /// The active users whom policies could be about that choose them so, groups being of `tenant` or the
    /// root, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_among(
        &mut self,
        among: &Among<'_>,
        tenant: &ScopePath,
        page: &PageRequest,
    ) -> Result<Page<User>, Error> {
        // The attributes of one policy come as JSON within JSON.
        let has_all = row::labels_clause("u.attributes", "chosen.value");
        let sql = format!(
            "select {COLUMNS} from user u where u.name > ?1 and u.state = 'active' \
             and (u.name in (select value from json_each(?2)) or exists \
               (select 1 from group_member m join user_group g on g.id = m.group_id where m.user_id = u.id \
                and g.name in (select value from json_each(?3)) and g.tenant in ('/', ?4)) \
               or (?7 and u.kind = 'workload') \
               or exists (select 1 from json_each(?6) chosen where {has_all})) \
             order by u.name limit ?5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(page.after())
            .bind(row::to_json(&among.names, "names")?)
            .bind(row::to_json(&among.groups, "groups")?)
            .bind(tenant.as_str())
            .bind(page.limit() + 1)
            .bind(row::to_json(&among.attributes, "attributes")?)
            .bind(among.workloads)
            .fetch_all(self.connection())
            .await?;
        let users = rows.iter().map(|row| Ok(person(row)?.user)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Page::from_rows(users, page.limit(), |user| user.name.to_string()))
    }

    /// Whom somebody sponsors, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn vendors_of(&mut self, sponsor: &UserId) -> Result<Vec<User>, Error> {
        let sql = format!(
            "select {COLUMNS} from user u join vendor w on w.user_id = u.id where w.sponsor_id = ?1 order by u.name"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(sponsor.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(|row| Ok(person(row)?.user)).collect()
    }

    /// The users for privileged work of somebody, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_of_identity(&mut self, identity: &UserId) -> Result<Vec<User>, Error> {
        let sql = format!("select {COLUMNS} from user u where u.identity_id = ?1 order by u.name");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(identity.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(|row| Ok(person(row)?.user)).collect()
    }

    /// All users of the person whose user this is, by name: itself, the everyday one, and those linked to that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_of_person(&mut self, id: &UserId) -> Result<Vec<Person>, Error> {
        let sql = format!(
            "select {COLUMNS} from user u where coalesce(u.identity_id, u.id) = \
             (select coalesce(w.identity_id, w.id) from user w where w.id = ?1) order by u.name"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(person).collect()
    }

    /// How many users there are, in whichever state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_count(&mut self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("select count(*) from user").fetch_one(self.connection()).await?)
    }

    /// The active users who hold `role` over everything, directly or by a group.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_over_all(&mut self, role: &str) -> Result<Vec<UserId>, Error> {
        let rows = sqlx::query(
            "select u.id from user u where u.state = 'active' and u.scope = '/' \
             and not exists (select 1 from vendor w where w.user_id = u.id) and exists \
             (select 1 from role_assignment a left join group_member m on m.group_id = a.group_id \
              where a.role = ?1 and a.scope = '/' and (a.user_id = u.id or m.user_id = u.id))",
        )
        .bind(role)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// The roles assigned to the user directly.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_roles_direct(&mut self, id: &UserId) -> Result<Vec<RoleAssignment>, Error> {
        let rows = sqlx::query("select role, scope from role_assignment where user_id = ?1 order by role, scope")
            .bind(id.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(assignment).collect()
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: COLUMNS,
    from: "user u where 1",
    id: "u.id",
    keys: &[("name", "u.name"), ("created_at", "u.created_at"), ("last_seen_at", "coalesce(u.last_seen_at, 0)")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &UserFilter) -> Result<Query, Error> {
    query.within("u.scope", scopes);
    if let Some(scope) = &filter.scope {
        query.within("u.scope", std::slice::from_ref(scope));
    }
    query.equal("u.state", filter.state.as_ref().map(|state| row::word(state, "state")).transpose()?);
    query.containing(&["u.name", "lower(coalesce(u.email, ''))"], filter.q.as_deref());
    Ok(query)
}

impl WriteTx {
    /// Adds a user; their groups and roles are set apart.
    ///
    /// # Errors
    /// When the name is taken or the database fails.
    pub async fn user_create(&mut self, user: &User) -> Result<(), Error> {
        let state = row::word(&user.state, "state")?;
        sqlx::query(
            "insert into user (id, name, email, scope, state, created_at, kind) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(user.id.as_str())
        .bind(user.name.as_str())
        .bind(&user.email)
        .bind(user.scope.as_str())
        .bind(state)
        .bind(user.created_at.as_millis())
        .bind(row::word(&user.profile.kind, "kind")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Sets where notices go, the scope and the state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_change(
        &mut self,
        id: &UserId,
        email: Option<&str>,
        scope: &ScopePath,
        state: UserState,
    ) -> Result<(), Error> {
        let state = row::word(&state, "state")?;
        sqlx::query("update user set email = ?2, scope = ?3, state = ?4 where id = ?1")
            .bind(id.as_str())
            .bind(email)
            .bind(scope.as_str())
            .bind(state)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Sets what else is known of the user, where it was looked up who `sponsor` and `identity` are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_profile_set(
        &mut self,
        id: &UserId,
        profile: &Profile,
        sponsor: Option<&UserId>,
        identity: Option<&UserId>,
    ) -> Result<(), Error> {
        sqlx::query("update user set kind = ?2, attributes = ?3, identity_id = ?4 where id = ?1")
            .bind(id.as_str())
            .bind(row::word(&profile.kind, "kind")?)
            .bind(row::to_json(&profile.attributes, "attributes")?)
            .bind(identity.map(UserId::as_str))
            .execute(self.connection())
            .await?;
        sqlx::query("delete from vendor where user_id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        let Some((vendor, sponsor)) = profile.vendor.as_ref().zip(sponsor) else { return Ok(()) };
        sqlx::query(
            "insert into vendor (user_id, sponsor_id, company, ends_at, networks, hours) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(id.as_str())
        .bind(sponsor.as_str())
        .bind(&vendor.company)
        .bind(vendor.ends_at.as_millis())
        .bind(row::to_json(&vendor.networks, "networks")?)
        .bind(row::to_json(&vendor.hours, "hours")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Makes `heir` the sponsor of those whom `sponsor` answers for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn vendors_hand_over(&mut self, sponsor: &UserId, heir: &UserId) -> Result<(), Error> {
        sqlx::query("update vendor set sponsor_id = ?2 where sponsor_id = ?1 and user_id <> ?2")
            .bind(sponsor.as_str())
            .bind(heir.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Sets when the user was last seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_seen(&mut self, id: &UserId, at: Timestamp) -> Result<(), Error> {
        sqlx::query("update user set last_seen_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(at.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Replaces the roles assigned to the user directly.
    ///
    /// # Errors
    /// When a scope does not exist or the database fails.
    pub async fn user_roles_set(&mut self, id: &UserId, roles: &[RoleAssignment]) -> Result<(), Error> {
        sqlx::query("delete from role_assignment where user_id = ?1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        for assignment in roles {
            sqlx::query("insert into role_assignment (role, scope, user_id) values (?1, ?2, ?3)")
                .bind(assignment.role.as_str())
                .bind(assignment.scope.as_str())
                .bind(id.as_str())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Ends what a disabled user could act with besides sessions: logins, tokens, links and grants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_cut_off(&mut self, id: &UserId, reason: &str) -> Result<(), Error> {
        let now = self.now();
        self.logins_end(id).await?;
        self.tokens_revoke(id).await?;
        self.links_end(id).await?;
        sqlx::query("delete from factor_proof where user_id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        sqlx::query(
            "update access_grant set revoked_at = ?2, revoked_reason = ?3 \
             where user_id = ?1 and revoked_at is null and ends_at > ?2",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .bind(reason)
        .execute(self.connection())
        .await?;
        sqlx::query("update request set state = 'withdrawn' where user_id = ?1 and state = 'pending'")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// A vendor as the database gives one: sponsor, whether sponsored, company, end in milliseconds, networks, hours.
type VendorTerms = (UserName, bool, String, i64, Vec<IpNet>, Vec<Hours>);

pub(crate) fn person(row: &SqliteRow) -> Result<Person, Error> {
    let scope: ScopePath = row::text(row, "scope")?;
    let groups: Vec<(GroupName, ScopePath)> = row::json(row, "member_of")?;
    let held: Vec<(RoleName, ScopePath)> = row::json(row, "holds")?;
    // As far as they reach into the user's own scope.
    let mut roles: Vec<_> =
        held.into_iter().filter_map(|(role, at)| RoleAssignment { role, scope: at }.within(&scope)).collect();
    roles.sort();
    roles.dedup();
    let terms: Option<VendorTerms> = row::json_opt(row, "vendor_terms")?;
    let vendor = terms.map(|(sponsor, sponsored, company, ends_at, networks, hours)| Vendor {
        sponsor,
        sponsored,
        company,
        ends_at: Timestamp::from_millis(ends_at),
        networks,
        hours,
    });
    if vendor.is_some() {
        // People of another company administer nothing, whichever group they were put into.
        roles.clear();
    }
    let profile = Profile {
        kind: row::from_word(row, "kind")?,
        attributes: row::json(row, "attributes")?,
        vendor,
        identity: row::text_opt(row, "identity")?,
        privileged_users: row::json(row, "privileged")?,
    };
    let user = User {
        id: row::text(row, "id")?,
        name: row::text(row, "name")?,
        email: row.try_get("email")?,
        scope,
        state: row::from_word(row, "state")?,
        groups: groups.iter().map(|(name, _)| name.clone()).collect(),
        roles,
        totp: row.try_get::<Option<Vec<u8>>, _>("totp_sealed")?.is_some(),
        created_at: row::time(row, "created_at")?,
        last_seen_at: row::time_opt(row, "last_seen_at")?,
        profile,
    };
    Ok(Person { user, groups })
}

/// A role held in a scope.
pub(crate) fn assignment(row: &SqliteRow) -> Result<RoleAssignment, Error> {
    Ok(RoleAssignment { role: row::text(row, "role")?, scope: row::text(row, "scope")? })
}

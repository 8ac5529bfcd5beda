//! `postern group ...`.

use clap::Subcommand;
use postern_control::GroupBody;
use postern_domain::user::Group;
use postern_domain::{GroupName, ScopePath, UserName};
use reqwest::Method;

use super::user::{RoleIn, role_in};
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Groups.
#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// List groups.
    List {
        /// A part of the name.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show one group.
    Show {
        /// The name.
        name: GroupName,
        /// A scope in its tenant, where several tenants have a group of this name.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
    /// Make a group or change it; what is not given stays as it is.
    Put {
        /// The name.
        name: GroupName,
        /// The scope it belongs to.
        #[arg(long)]
        scope: Option<ScopePath>,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// A member; may be repeated, and all members are named.
        #[arg(long = "member", value_name = "USER", conflicts_with = "no_members")]
        members: Vec<UserName>,
        /// Nobody is a member.
        #[arg(long)]
        no_members: bool,
        /// A role that membership brings, as role or role=/scope; may be repeated, and all are named.
        #[arg(long = "role", value_name = "ROLE=SCOPE", value_parser = role_in, conflicts_with = "no_roles")]
        roles: Vec<RoleIn>,
        /// Membership brings no role.
        #[arg(long)]
        no_roles: bool,
    },
    /// Remove a group.
    Delete {
        /// The name.
        name: GroupName,
        /// A scope in its tenant, where several tenants have a group of this name.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
}

impl Columns for Group {
    const HEADINGS: &'static [&'static str] = &["NAME", "SCOPE", "MEMBERS", "ROLES"];

    fn cells(&self) -> Vec<String> {
        let members: Vec<_> = self.members.iter().map(ToString::to_string).collect();
        let roles: Vec<_> = self.roles.iter().map(|held| format!("{}={}", held.role, held.scope)).collect();
        vec![self.name.to_string(), self.scope.to_string(), members.join(","), roles.join(",")]
    }
}

impl GroupCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List { search } => {
                let groups: Vec<Group> = client.all("/v1/groups", &[("q", search)]).await?;
                output::list(format, &groups)?;
            }
            Self::Show { name, scope } => {
                let scope = scope.map(|scope| scope.to_string());
                let group: Group = client.get_with(&format!("/v1/groups/{name}"), &[("scope", scope)]).await?;
                output::one(format, &group)?;
            }
            Self::Put { name, scope, description, members, no_members, roles, no_roles } => {
                let within = scope.clone().unwrap_or_default();
                let body = GroupBody {
                    scope,
                    description,
                    members: (no_members || !members.is_empty()).then(|| members.into_iter().collect()),
                    roles: (no_roles || !roles.is_empty())
                        .then(|| roles.into_iter().map(|role| role.within(&within)).collect()),
                };
                let group: Group = client.send(Method::PUT, &format!("/v1/groups/{name}"), &body).await?;
                output::list(format, &[group])?;
            }
            Self::Delete { name, scope } => {
                let scope = scope.map_or_else(String::new, |scope| format!("?scope={scope}"));
                client.delete(&format!("/v1/groups/{name}{scope}")).await?;
                output::line(&format!("group {name} removed"))?;
            }
        }
        Ok(DONE)
    }
}

//! `postern user ...`.

use clap::{Subcommand, ValueEnum};
use postern_control::{Leaving, LinkIssued, UserChange, UserCreate, UserCreated};
use postern_domain::permission::RoleAssignment;
use postern_domain::user::{User, UserState};
use postern_domain::{GroupName, ScopePath, UserName};
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Users.
#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; prints the one-time link by which they enrol.
    Create {
        /// The sign-in name.
        name: UserName,
        /// Where notices go.
        #[arg(long)]
        email: Option<String>,
        /// A group to be in, made when there is none of this name; may be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<GroupName>,
        /// A role to hold, as role or role=/scope; may be repeated.
        #[arg(long = "role", value_name = "ROLE=SCOPE", value_parser = role_in)]
        roles: Vec<RoleIn>,
        /// The scope that they belong to; your own unless given.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
    /// List users.
    List {
        /// A part of the name or of the address that notices go to.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// In this scope or below.
        #[arg(long)]
        scope: Option<ScopePath>,
        /// In this state.
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// Show one user.
    Show {
        /// The sign-in name.
        name: UserName,
    },
    /// Disable a user: ends their sign-ins, tokens, grants and live sessions, and changes the secrets they know.
    Disable {
        /// The sign-in name.
        name: UserName,
        /// Who answers from now on for the accounts that they answered for.
        #[arg(long, value_name = "USER")]
        heir: Option<UserName>,
    },
    /// List the accounts that a user answers for, and those whose secret they know by a check-out.
    Leaving {
        /// The sign-in name.
        name: UserName,
    },
    /// Let a disabled user act again.
    Enable {
        /// The sign-in name.
        name: UserName,
    },
    /// Issue a new enrolment link, which replaces the password and the second factor when it is used.
    Link {
        /// The sign-in name.
        name: UserName,
    },
    /// Set the roles that a user holds directly, all of them; without any they hold none.
    Role {
        /// The sign-in name.
        name: UserName,
        /// A role, as role or role=/scope.
        #[arg(value_name = "ROLE=SCOPE", value_parser = role_in)]
        roles: Vec<RoleIn>,
    },
}

/// A user's state, as it is typed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum State {
    /// Has not enrolled yet.
    Invited,
    /// May act.
    Active,
    /// May not act.
    Disabled,
}

/// A role, and the scope if one was typed.
#[derive(Clone)]
pub(crate) struct RoleIn {
    role: postern_domain::RoleName,
    scope: Option<ScopePath>,
}

impl RoleIn {
    /// The assignment; `scope` stands where none was typed.
    pub(crate) fn within(self, scope: &ScopePath) -> RoleAssignment {
        RoleAssignment { role: self.role, scope: self.scope.unwrap_or_else(|| scope.clone()) }
    }
}

/// Reads `role` or `role=/scope`.
pub(crate) fn role_in(text: &str) -> Result<RoleIn, String> {
    let (role, scope) = match text.split_once('=') {
        Some((role, scope)) => (role, Some(scope)),
        None => (text, None),
    };
    Ok(RoleIn {
        role: role.parse().map_err(|error: postern_domain::InvalidName| error.to_string())?,
        scope: scope.map(str::parse).transpose().map_err(|error: postern_domain::InvalidName| error.to_string())?,
    })
}

impl Columns for User {
    const HEADINGS: &'static [&'static str] = &["NAME", "STATE", "SCOPE", "GROUPS", "ROLES", "LAST SEEN"];

    fn cells(&self) -> Vec<String> {
        let state = match self.state {
            UserState::Invited => "invited",
            UserState::Active => "active",
            UserState::Disabled => "disabled",
        };
        let groups: Vec<_> = self.groups.iter().map(ToString::to_string).collect();
        let roles: Vec<_> = self.roles.iter().map(|held| format!("{}={}", held.role, held.scope)).collect();
        vec![
            self.name.to_string(),
            state.to_owned(),
            self.scope.to_string(),
            groups.join(","),
            roles.join(","),
            self.last_seen_at.map_or_else(|| "-".to_owned(), output::time),
        ]
    }
}

impl UserCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Create { name, email, groups, roles, scope } => {
                let roles = match &scope {
                    Some(scope) => roles.into_iter().map(|role| role.within(scope)).collect(),
                    None => with_own_scope(&client, roles).await?,
                };
                let wish = UserCreate { name, email, scope, groups, roles };
                let made: UserCreated = client.post("/v1/users", &wish).await?;
                if format == Format::Table {
                    output::line(&format!("user {} created; they enrol by this link, once:", made.user.name))?;
                    print_link(&made.link)?;
                } else {
                    output::one(format, &made)?;
                }
            }
            Self::List { search, scope, state } => {
                let state = state.and_then(|state| state.to_possible_value()).map(|value| value.get_name().to_owned());
                let scope = scope.map(|scope| scope.to_string());
                let query = [("q", search), ("scope", scope), ("state", state)];
                let users: Vec<User> = client.all("/v1/users", &query).await?;
                output::list(format, &users)?;
            }
            Self::Show { name } => output::one(format, &client.get::<User>(&format!("/v1/users/{name}")).await?)?,
            Self::Disable { name, heir } => set_state(&client, &name, UserState::Disabled, heir, format).await?,
            Self::Enable { name } => set_state(&client, &name, UserState::Active, None, format).await?,
            Self::Leaving { name } => {
                let leaving: Leaving = client.get(&format!("/v1/users/{name}/leaving")).await?;
                output::one(format, &leaving)?;
            }
            Self::Link { name } => {
                let link: LinkIssued = client.post(&format!("/v1/users/{name}/link"), &json!({})).await?;
                if format == Format::Table { print_link(&link)? } else { output::one(format, &link)? }
            }
            Self::Role { name, roles } => {
                let user: User = client.get(&format!("/v1/users/{name}")).await?;
                let roles: Vec<_> = roles.into_iter().map(|role| role.within(&user.scope)).collect();
                let user: User = client.send(Method::PUT, &format!("/v1/users/{name}/roles"), &roles).await?;
                output::list(format, &[user])?;
            }
        }
        Ok(DONE)
    }
}

/// The assignments; where no scope was typed, the caller's own stands, as it does for the user.
async fn with_own_scope(client: &Client, roles: Vec<RoleIn>) -> Result<Vec<RoleAssignment>, Failure> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let me: postern_control::WhoAmI = client.get("/v1/login").await?;
    Ok(roles.into_iter().map(|role| role.within(&me.user.scope)).collect())
}

async fn set_state(
    client: &Client,
    name: &UserName,
    state: UserState,
    heir: Option<UserName>,
    format: Format,
) -> Result<(), Failure> {
    let change = UserChange { state: Some(state), heir, ..UserChange::default() };
    let user: User = client.send(Method::PATCH, &format!("/v1/users/{name}"), &change).await?;
    output::list(format, &[user])
}

fn print_link(link: &LinkIssued) -> Result<(), Failure> {
    output::line(&link.url)?;
    output::line(&format!("it works until {}", output::time(link.expires_at)))
}

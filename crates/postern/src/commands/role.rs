//! `postern role ...` and `postern scope ...`.

use clap::Subcommand;
use postern_control::{RoleBody, ScopeBody};
use postern_domain::permission::{Permission, Role};
use postern_domain::{RoleName, ScopePath};
use reqwest::Method;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Roles of Postern itself.
#[derive(Subcommand)]
pub(crate) enum RoleCommand {
    /// List the roles and what they allow.
    List,
    /// Define a custom role; all that it allows is named.
    Put {
        /// The name.
        name: RoleName,
        /// A permission, for example asset:read; may be repeated.
        #[arg(long = "permission", value_name = "NOUN:VERB", value_parser = permission)]
        permissions: Vec<Permission>,
    },
}

/// Scopes.
#[derive(Subcommand)]
pub(crate) enum ScopeCommand {
    /// List the scopes that you can see something of.
    List,
    /// Make a scope.
    Create {
        /// Its path, for example /emea/payments; the one above must exist.
        path: ScopePath,
    },
}

/// Reads a permission's name.
pub(crate) fn permission(text: &str) -> Result<Permission, String> {
    let known = Permission::ALL.iter().find(|permission| permission.as_str() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        format!("there is no such permission; say one of {}", names.join(", "))
    })
}

impl Columns for Role {
    const HEADINGS: &'static [&'static str] = &["NAME", "BUILT IN", "PERMISSIONS"];

    fn cells(&self) -> Vec<String> {
        let permissions: Vec<_> = self.permissions.iter().map(|permission| permission.as_str()).collect();
        vec![self.name.to_string(), if self.built_in { "yes" } else { "no" }.to_owned(), permissions.join(" ")]
    }
}

impl Columns for ScopeBody {
    const HEADINGS: &'static [&'static str] = &["PATH"];

    fn cells(&self) -> Vec<String> {
        vec![self.path.to_string()]
    }
}

impl RoleCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List => output::list(format, &client.all::<Role>("/v1/roles", &[]).await?)?,
            Self::Put { name, permissions } => {
                let body = RoleBody { permissions: permissions.into_iter().collect() };
                let role: Role = client.send(Method::PUT, &format!("/v1/roles/{name}"), &body).await?;
                output::list(format, &[role])?;
            }
        }
        Ok(DONE)
    }
}

impl ScopeCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List => output::list(format, &client.all::<ScopeBody>("/v1/scopes", &[]).await?)?,
            Self::Create { path } => {
                let scope: ScopeBody = client.post("/v1/scopes", &ScopeBody { path }).await?;
                output::list(format, &[scope])?;
            }
        }
        Ok(DONE)
    }
}

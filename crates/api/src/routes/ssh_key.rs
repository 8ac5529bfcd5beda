//! SSH keys.

use axum::http::Method;
use postern_control::{Caller, Control, SshKeyAdd};
use postern_domain::SshKeyId;
use postern_domain::link::{CredentialMade, WaitingCredential};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::SshKey;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::reply::{Created, Done, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/ssh-keys", "ssh_key_list", "One's own SSH keys"), list)
        .signed_in((Method::POST, "/v1/ssh-keys", "ssh_key_add", "Register an SSH key of one's own"), add)
        .signed_in((Method::DELETE, "/v1/ssh-keys/{id}", "ssh_key_remove", "Remove one of one's own SSH keys"), remove)
        .holding(
            Permission::UserWrite,
            (Method::POST, "/v1/ssh-keys/{id}/confirm", "ssh_key_confirm", "Confirm a workload's SSH key that waits"),
            confirm,
        )
}

/// A key's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The key.
    id: SshKeyId,
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, PageQuery>,
) -> Result<Found<Page<SshKey>>, Problem> {
    Ok(Found(control.ssh_key_list(&caller, &input.query.into()).await?.into()))
}

async fn add(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, SshKeyAdd>,
) -> Result<Created<SshKey>, Problem> {
    Ok(Created(control.ssh_key_add(&caller, &input.body).await?))
}

async fn confirm(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<WaitingCredential>, Problem> {
    let id = input.path.id;
    Ok(Found(control.credential_confirm(&caller, &permit, CredentialMade::SshKey, id.as_str()).await?))
}

async fn remove(control: Control, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    control.ssh_key_remove(&caller, &input.path.id).await?;
    Ok(Done)
}

//! The vault.

use axum::http::Method;
use postern_control::{Caller, Control, Unsealing, VaultStatus};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    let manage = Permission::VaultManage;
    routes
        .holding(Permission::VaultRead, (Method::GET, "/v1/vault", "vault_show", "The vault's state"), show)
        .holding(manage, (Method::POST, "/v1/vault/seal", "vault_seal", "Seal it: no session can begin"), seal)
        .holding(manage, (Method::POST, "/v1/vault/unseal", "vault_unseal", "Unseal it"), unseal)
        .holding(
            manage,
            (Method::POST, "/v1/vault/rotate-key", "vault_rotate_key", "Make a new key and re-wrap what is stored"),
            rotate,
        )
        .signed_in(
            (Method::GET, "/v1/ssh-ca", "ssh_ca_show", "The key that targets trust for user certificates"),
            ssh_ca,
        )
}

/// The public half of the authority that signs the gateway's user certificates.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct SshCa {
    /// One line for the file that sshd's `TrustedUserCAKeys` names.
    pub public_key: String,
}

async fn show(control: Control, _: Caller, _: Permit<Manage>, _: Input) -> Result<Found<VaultStatus>, Problem> {
    Ok(Found(control.vault_status()))
}

async fn seal(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<VaultStatus>, Problem> {
    Ok(Found(control.vault_seal(&caller, &permit).await?))
}

async fn unseal(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, Unsealing>,
) -> Result<Found<VaultStatus>, Problem> {
    Ok(Found(control.vault_unseal(&caller, &permit, input.body).await?))
}

async fn rotate(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    _: Input,
) -> Result<Found<VaultStatus>, Problem> {
    Ok(Found(control.vault_rotate_key(&caller, &permit).await?))
}

async fn ssh_ca(control: Control, _: Caller, _: Input) -> Result<Found<SshCa>, Problem> {
    Ok(Found(SshCa { public_key: control.ssh_user_ca().await? }))
}

//! Programs as users: what they come with is made for them by people who may change them.

use postern_domain::permission::{Authority, Permission};
use postern_domain::user::User;
use postern_domain::{UserId, UserName};
use postern_store::WriteTx;

use crate::{Caller, Error, authenticate, user};

/// Whose a new token or key is to be, and what they may do: the caller's own, or that of the workload named.
///
/// # Errors
/// `Forbidden` and `NotFound` where the caller may not change it; `Invalid` where it is a person.
pub(crate) async fn owner(
    tx: &mut WriteTx,
    caller: &Caller,
    named: Option<&UserName>,
) -> Result<(User, Authority), Error> {
    let Some(name) = named.filter(|name| **name != caller.user.name) else {
        return Ok((caller.user.clone(), caller.authority.clone()));
    };
    let lacking = || Error::Forbidden("this needs the permission user:write; ask an administrator".to_owned());
    let permit = caller.permit(Permission::UserWrite).ok_or_else(lacking)?;
    let user = user::governed(tx, caller, &permit, name).await?;
    if !user.is_workload() {
        return Err(Error::invalid("user", format!("{name} is a person, who makes what they sign in with themselves")));
    }
    let authority = authenticate::authority(tx, &user).await?;
    Ok((user, authority))
}

/// The owner of a token or a key where the caller may take it away: themselves, or a workload that they may change.
pub(crate) async fn owned(tx: &mut WriteTx, caller: &Caller, owner: &UserId) -> Result<Option<User>, Error> {
    if *owner == caller.user.id {
        return Ok(Some(caller.user.clone()));
    }
    let Some(permit) = caller.permit(Permission::UserWrite) else { return Ok(None) };
    Ok(tx.user(owner).await?.filter(|user| user.is_workload() && permit.covers(&user.scope)))
}

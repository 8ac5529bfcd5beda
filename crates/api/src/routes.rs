//! Every route, one file per noun.

use crate::route::Routes;

mod audit;
mod feed;
mod session;
mod status;
mod vault;

/// Declares them all.
pub(crate) fn all(routes: Routes) -> Routes {
    routes.and(audit::declare).and(feed::declare).and(session::declare).and(status::declare).and(vault::declare)
}

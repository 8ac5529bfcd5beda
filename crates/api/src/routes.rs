//! Every route, one file per noun.

use crate::route::Routes;

mod status;

/// Declares them all.
pub(crate) fn all(routes: Routes) -> Routes {
    routes.and(status::declare)
}

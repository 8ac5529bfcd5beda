//! Every route, one file per noun.

use crate::route::Routes;

mod account;
mod alert;
mod asset;
mod attachment;
mod audit;
mod break_glass;
mod checkout;
mod connect;
mod discovery;
mod discovery_source;
mod document;
mod duties;
mod feed;
mod file;
mod group;
mod hold;
mod home;
mod link;
mod login;
mod notice;
mod passkey;
mod policy;
mod proposal;
mod reach;
mod report;
mod request;
mod review;
mod right_size;
mod role;
mod rotation;
mod scope;
mod search;
mod session;
mod sql_console;
mod ssh_key;
mod stand_in;
mod statement;
mod status;
mod terminal;
mod token;
mod user;
mod vault;

/// Declares them all.
pub(crate) fn all(routes: Routes) -> Routes {
    routes
        .and(account::declare)
        .and(alert::declare)
        .and(asset::declare)
        .and(attachment::declare)
        .and(audit::declare)
        .and(break_glass::declare)
        .and(checkout::declare)
        .and(connect::declare)
        .and(document::declare)
        .and(duties::declare)
        .and(discovery::declare)
        .and(discovery_source::declare)
        .and(feed::declare)
        .and(file::declare)
        .and(group::declare)
        .and(home::declare)
        .and(link::declare)
        .and(login::declare)
        .and(notice::declare)
        .and(passkey::declare)
        .and(policy::declare)
        .and(proposal::declare)
        .and(reach::declare)
        .and(report::declare)
        .and(hold::declare)
        .and(request::declare)
        .and(review::declare)
        .and(right_size::declare)
        .and(role::declare)
        .and(rotation::declare)
        .and(scope::declare)
        .and(search::declare)
        .and(session::declare)
        .and(sql_console::declare)
        .and(ssh_key::declare)
        .and(stand_in::declare)
        .and(statement::declare)
        .and(status::declare)
        .and(terminal::declare)
        .and(token::declare)
        .and(user::declare)
        .and(vault::declare)
}

//! HTTP and OpenAPI; serves the console.
//!
//! Every route is declared once, with the permission it needs, in `routes/`; the router, the OpenAPI
//! document and the authorization tests are made from that declaration. No handler decides who may
//! call it.

mod auth;
mod console;
mod health;
mod idempotency;
mod input;
mod metrics;
mod openapi;
mod page;
mod problem;
mod reply;
mod route;
pub mod routes;
mod server;
mod socket;

#[cfg(test)]
mod tests;

pub use metrics::Metrics;
pub use page::Page;
pub use problem::Problem;
pub use route::{Guard, RouteSpec};
pub use server::{InBrowser, Server, app, document};

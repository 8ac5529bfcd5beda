//! SQL consoles reach the database gateway within the process: as clients from where the browser is, over
//! TLS with the gateway's own certificate and no other.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use postern_gateway_database::Protocol as Served;
use postern_sql_console::{Consoles, Door, Limits, Protocol};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;

/// The gateway's door.
struct Within(postern_gateway_database::Door);

#[async_trait]
impl Door for Within {
    async fn enter(&self, protocol: Protocol, source: IpAddr) -> io::Result<TcpStream> {
        let protocol = match protocol {
            Protocol::Postgresql => Served::Postgresql,
            Protocol::Mysql => Served::Mysql,
        };
        self.0.enter(protocol, source).await
    }

    fn cancel(&self, connection: u32) {
        self.0.cancel(connection);
    }
}

/// Consoles that enter by `door` and know the gateway by its certificate.
///
/// # Errors
/// When TLS is not to be had.
pub(crate) fn consoles(
    door: postern_gateway_database::Door,
    own: CertificateDer<'static>,
) -> Result<Consoles, rustls::Error> {
    let tls = postern_gateway_database::Door::tls(own)?;
    Ok(Consoles::new(Arc::new(Within(door)), Arc::new(tls), Limits::default()))
}

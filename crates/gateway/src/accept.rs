//! The loop in which a gateway accepts connections.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long to wait before accepting again when accepting failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Gives every connection, with the address that it comes from, to `admit`, which must not block, until
/// `shutdown`. Nobody listens any more when it returns.
pub async fn accept(listener: TcpListener, shutdown: &CancellationToken, mut admit: impl FnMut(TcpStream, IpAddr)) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => admit(stream, address.ip().to_canonical()),
            Err(error) => {
                // Out of file descriptors, mostly; those that are open must be able to end.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

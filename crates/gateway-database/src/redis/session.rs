//! From a connection to a live session, and to its end; and on to another one where the client signs in
//! anew.

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_gateway::{BrokerError, ConnectRequest, LiveSession, Waiting};
use postern_wire::recording::FrameKind;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PROTOCOL;
use super::relay::Relay;
use super::rules::Rules;
use super::target::{NoCancel, Target, reach};
use super::welcome::{Client, refuse, welcome};
use crate::govern::orders;
use crate::journal::Journal;
use crate::pump::{End, Outcome, Parts, Pump};
use crate::server::Gate;
use crate::session::govern;
use crate::way::Way;

/// Serves one connection to its end.
pub(crate) async fn serve(gate: Arc<Gate>, stream: TcpStream, source: IpAddr, waiting: Waiting) {
    // What signing in takes is not held on to while the session is live.
    let welcomed = Box::pin(timeout(gate.limits.sign_in_time, welcome(&gate, stream, source))).await;
    drop(waiting);
    let mut next = match welcomed {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => {
            tracing::debug!(%error, %source, "a client was not let in");
            None
        }
        Err(_) => {
            tracing::debug!(%source, "a client did not say in time what it wants");
            None
        }
    };
    while let Some(mut client) = next {
        let (user, account) = (client.identity.clone(), client.account.clone());
        let request = ConnectRequest { user, account, source, protocol: PROTOCOL };
        next = match gate.control.open_session(request).await {
            Ok(live) => run(&gate, client, live, source).await,
            Err(error) => {
                let code = if matches!(error, BrokerError::Refused(_)) { "NOPERM" } else { "ERR" };
                // The client may have gone.
                let _ = refuse::<()>(&mut client.side, code, &error.to_string()).await;
                None
            }
        };
    }
}

/// Runs a session that was opened, and finishes it; gives the client that has signed in anew, if so.
async fn run(gate: &Arc<Gate>, mut client: Client, mut live: LiveSession, source: IpAddr) -> Option<Client> {
    let rules = Rules::of(live.obligations());
    match Box::pin(prepare(gate, &client, &mut live, &rules)).await {
        Ok(target) => {
            let (ended, next) = converse(gate, client, &mut live, rules, (target, source)).await;
            gate.control.finish(live, ended.0, Some(ended.1)).await;
            next
        }
        Err((reason, message)) => {
            let _ = live.recorder().record(FrameKind::note(&message)).await;
            let code = if reason == EndReason::TargetFailed { "ERR" } else { "NOPERM" };
            let _ = refuse::<()>(&mut client.side, code, &message).await;
            gate.control.finish(live, reason, Some(message)).await;
            None
        }
    }
}

/// Reaches the target and signs in to it.
async fn prepare(gate: &Gate, client: &Client, live: &mut LiveSession, rules: &Rules) -> Result<Target, End> {
    if !rules.may_query() {
        return Err((EndReason::Killed, "query is not allowed by the policy of this session".to_owned()));
    }
    let way = Way::of(gate, &client.account, live)?;
    let target = Way::within(gate, &way.address, reach(&way, client.hello.as_ref())).await?;
    gate.control.broker().live(live.id()).await.map_err(|error| (EndReason::TargetFailed, error.to_string()))?;
    Ok(target)
}

/// Answers the sign-in and moves bytes until the session ends.
async fn converse(
    gate: &Arc<Gate>,
    mut client: Client,
    live: &mut LiveSession,
    rules: Rules,
    (target, source): (Target, IpAddr),
) -> (End, Option<Client>) {
    if client.side.send(&target.greeting).await.is_err() {
        return ((EndReason::ClientClosed, "the client closed the connection".to_owned()), None);
    }
    let (orders_in, orders) = orders();
    let Some(activity) = govern(gate, &client.account, live, orders_in) else {
        return ((EndReason::Shutdown, "the session is not governed".to_owned()), None);
    };
    let three = client.hello.as_ref().is_some_and(|hello| hello.three);
    let journal = Journal::new(live.recorder(), rules.capture());
    let pump = Pump::new(Parts {
        client: client.side,
        first: client.input,
        target: target.side,
        relay: Relay::new(rules, journal, three),
        orders,
        activity,
        canceller: NoCancel,
        control: gate.control.clone(),
        session: live.id().clone(),
        protocol: PROTOCOL,
        source,
    });
    match pump.run().await {
        Outcome::Ended(end) => (end, None),
        Outcome::Switched(switch) => {
            let ended = (EndReason::ClientClosed, format!("signed in anew, to {}", switch.account));
            let (hello, input) = switch.relay.into_rest();
            let (side, identity, account) = (switch.client, switch.identity, switch.account);
            (ended, Some(Client { side, identity, account, hello, input }))
        }
    }
}

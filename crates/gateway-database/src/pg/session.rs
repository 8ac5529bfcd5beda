//! From a connection to a live session, and to its end.

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::Capability;
use postern_domain::session::EndReason;
use postern_gateway::{BrokerError, ConnectRequest, LiveSession, Waiting};
use postern_wire::pg::{back, body, split_first};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::cancel::Canceller;
use super::journal::Journal;
use super::mask::Mask;
use super::parameters::Wanted;
use super::relay::Relay;
use super::rules::Rules;
use super::target::{SignIn, Target};
use super::welcome::{Client, refuse, welcome};
use super::{PROTOCOL, report};
use crate::govern::orders;
use crate::pump::{End, Outcome, Parts, Pump};
use crate::server::Gate;
use crate::session::govern;
use crate::way::Way;

/// Serves one connection to its end.
pub(crate) async fn serve(gate: Arc<Gate>, stream: TcpStream, source: IpAddr, waiting: Waiting) {
    // What signing in takes is not held on to while the session is live.
    let welcomed = Box::pin(timeout(gate.limits.sign_in_time, welcome(&gate, stream, source))).await;
    drop(waiting);
    let mut client = match welcomed {
        Ok(Ok(Some(client))) => client,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::debug!(%error, %source, "a client was not let in");
            return;
        }
        Err(_) => {
            tracing::debug!(%source, "a client did not say in time what it wants");
            return;
        }
    };
    let request =
        ConnectRequest { user: client.identity.clone(), account: client.account.clone(), source, protocol: PROTOCOL };
    let live = match gate.control.open_session(request).await {
        Ok(live) => live,
        Err(error) => {
            let code = if matches!(error, BrokerError::Refused(_)) { "28000" } else { "57P03" };
            // The client may have gone.
            let _ = refuse::<()>(&mut client.side, code, &error.to_string()).await;
            return;
        }
    };
    run(gate, client, live, source).await;
}

/// Runs a session that was opened, and finishes it.
async fn run(gate: Arc<Gate>, mut client: Client, mut live: LiveSession, source: IpAddr) {
    let rules = Rules::of(live.obligations());
    let failed: End = match Box::pin(prepare(&gate, &client, &mut live, &rules)).await {
        Ok((target, canceller)) => {
            let ended = converse(&gate, client, &mut live, (rules, source), (target, canceller)).await;
            gate.control.finish(live, ended.0, Some(ended.1)).await;
            return;
        }
        Err(failed) => failed,
    };
    let (reason, message) = failed;
    let _ = live.recorder().record(postern_wire::recording::FrameKind::note(&message)).await;
    let code = if reason == EndReason::TargetFailed { "08001" } else { "28000" };
    let _ = refuse::<()>(&mut client.side, code, &message).await;
    gate.control.finish(live, reason, Some(message)).await;
}

/// Reaches the target and signs in to it.
async fn prepare(
    gate: &Gate,
    client: &Client,
    live: &mut LiveSession,
    rules: &Rules,
) -> Result<(Target, Canceller), End> {
    let refused = |why: String| (EndReason::Killed, why);
    let failed = |why: String| (EndReason::TargetFailed, why);
    if !rules.may(Capability::Query) {
        return Err(refused("query is not allowed by the policy of this session".to_owned()));
    }
    let parameters = parameters(&client.wanted, rules).map_err(refused)?;
    let way = Way::of(gate, &client.account, live)?;
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sign_in = SignIn { way: &way, parameters, question: rules.mask().and_then(Mask::question) };
    let target = Way::within(gate, &way.address, sign_in.reach()).await?;
    gate.control.broker().live(live.id()).await.map_err(|error| failed(error.to_string()))?;
    let canceller = Canceller { address: way.address, tls: way.tls, key: target.key };
    Ok((target, canceller))
}

/// What the target is asked for besides the account.
fn parameters(wanted: &Wanted, rules: &Rules) -> Result<Vec<(String, String)>, String> {
    let mut parameters = Vec::new();
    if let Some(database) = &wanted.database {
        parameters.push(("database".to_owned(), database.clone()));
    }
    if let Some(how) = &wanted.replication {
        if !rules.may(Capability::Replication) {
            return Err("replication is not allowed by the policy of this session".to_owned());
        }
        if rules.are_strict() {
            return Err("replication is not possible where rules hold for statements".to_owned());
        }
        parameters.push(("replication".to_owned(), how.clone()));
    }
    for (name, value) in &wanted.settings {
        if let Some(why) = rules.guards(name, value) {
            return Err(why);
        }
        parameters.push((name.clone(), value.clone()));
    }
    if rules.read_only() {
        parameters.push(("default_transaction_read_only".to_owned(), "on".to_owned()));
    }
    Ok(parameters)
}

/// Greets the client and moves bytes until the session ends.
async fn converse(
    gate: &Arc<Gate>,
    mut client: Client,
    live: &mut LiveSession,
    (mut rules, source): (Rules, IpAddr),
    (target, canceller): (Target, Canceller),
) -> End {
    let (orders_in, orders) = orders();
    let no_key = || (EndReason::Shutdown, "no random bytes".to_owned());
    let Some(given) = gate.cancels.give(canceller.key.process, orders_in.clone()) else { return no_key() };
    if let Some(why) = guarded(&rules, &target.greeting) {
        let mut told = Vec::new();
        back::put_error(&mut told, &report("FATAL", "0A000", &why));
        let _ = client.side.send(&told).await;
        return (EndReason::TargetFailed, why);
    }
    let mut greeting = Vec::with_capacity(target.greeting.len() + 64);
    back::put_signed_in(&mut greeting);
    greeting.extend_from_slice(&target.greeting);
    back::put_key_data(&mut greeting, given.key);
    back::put_ready(&mut greeting);
    if client.side.send(&greeting).await.is_err() {
        return (EndReason::ClientClosed, "the client closed the connection".to_owned());
    }
    rules.knows(target.origins);
    let Some(activity) = govern(gate, &client.account, live, orders_in) else { return no_key() };
    let journal = Journal::new(live.recorder(), rules.capture());
    let pump = Pump::new(Parts {
        client: client.side,
        first: Vec::new(),
        target: target.side,
        relay: Relay::new(rules, journal),
        orders,
        activity,
        canceller,
        control: gate.control.clone(),
        session: live.id().clone(),
        protocol: PROTOCOL,
        source,
    });
    match pump.run().await {
        Outcome::Ended(end) => end,
        Outcome::Switched(_) => (EndReason::Killed, "PostgreSQL's clients sign in once".to_owned()),
    }
}

/// Why what the target says of its settings does not go with the rules, if it does not.
fn guarded(rules: &Rules, greeting: &[u8]) -> Option<String> {
    let mut rest = greeting;
    while let Some((message, after)) = split_first(rest) {
        if let Ok((name, value)) = back::parameter_status(body(message)) {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            if let Some(why) = rules.guards(&name, &value) {
                return Some(why);
            }
        }
        rest = after;
    }
    None
}

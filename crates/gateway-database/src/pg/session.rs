//! From a connection to a live session, and to its end.

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::Capability;
use postern_domain::session::{EndReason, Limits as MachineLimits, Machine};
use postern_gateway::{BrokerError, ConnectRequest, Credential, LiveSession, Waiting};
use postern_wire::pg::{back, body, split_first};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::cancel::Canceller;
use super::journal::Journal;
use super::parameters::Wanted;
use super::pump::{End, Parts, Pump};
use super::relay::Relay;
use super::rules::Rules;
use super::target::{Address, SignIn, Target};
use super::welcome::{Client, refuse, welcome};
use super::{PROTOCOL, report};
use crate::govern::{Activity, Governor, now, orders};
use crate::server::Gate;

/// Serves one connection to its end.
pub(crate) async fn serve(gate: Arc<Gate>, stream: TcpStream, source: IpAddr, waiting: Waiting) {
    let welcomed = timeout(gate.limits.sign_in_time, welcome(&gate, stream, source)).await;
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
    run(gate, client, live).await;
}

/// Runs a session that was opened, and finishes it.
async fn run(gate: Arc<Gate>, mut client: Client, mut live: LiveSession) {
    let rules = Rules::of(live.obligations());
    let failed: End = match prepare(&gate, &client, &mut live, &rules).await {
        Ok((target, canceller)) => {
            let ended = converse(&gate, client, &mut live, rules, target, canceller).await;
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
    let asset = &client.account.asset;
    let Some(Credential::Password(password)) = live.take_credential() else {
        return Err(failed(format!("{} has no password; an administrator stores one", client.account)));
    };
    let pem = live.server_ca().ok_or_else(|| {
        let next = "an administrator declares the field server_ca of the asset";
        failed(format!("nobody has said by which certificate {asset} is known\n{next}"))
    })?;
    let tls = gate.trust.of(pem).ok_or_else(|| failed(format!("server_ca of {asset} cannot be read")))?;
    let address = Address { host: live.host().to_owned(), port: live.port() };
    let account = live.account().to_string();
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sign_in = SignIn { address: &address, account: &account, password, parameters };
    let target = match timeout(gate.limits.target_time, sign_in.reach(tls.clone())).await {
        Ok(Ok(target)) => target,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => {
            let seconds = gate.limits.target_time.as_secs();
            return Err(failed(format!("{address} did not answer within {seconds} seconds")));
        }
    };
    live.now_live().await.map_err(|error| failed(error.to_string()))?;
    let canceller = Canceller { address, tls, key: target.key };
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
    rules: Rules,
    target: Target,
    canceller: Canceller,
) -> End {
    let (orders_in, orders) = orders();
    let no_key = || (EndReason::Shutdown, "no random bytes".to_owned());
    let Some(given) = gate.cancels.give(orders_in.clone()) else { return no_key() };
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
    let Some(directives) = live.take_directives() else { return no_key() };
    let limits = MachineLimits {
        account: client.account.clone(),
        until: live.until(),
        idle: live.obligations().idle_seconds.map(std::time::Duration::from_secs),
    };
    let activity = Arc::new(Activity::default());
    let governor = Governor {
        machine: Machine::new(limits, now()),
        directives,
        recorder: live.recorder(),
        activity: activity.clone(),
        orders: orders_in,
        shutdown: gate.shutdown.clone(),
    };
    tokio::spawn(governor.run());
    let pump = Pump::new(Parts {
        client: client.side,
        target: target.side,
        relay: Relay::new(rules, Journal::new(live.recorder())),
        orders,
        activity,
        canceller,
        control: gate.control.clone(),
        session: live.id().clone(),
    });
    pump.run().await
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

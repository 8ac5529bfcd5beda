//! From a connection to a live session, and to its end; and on to another one where the client signs in
//! anew.

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_gateway::{BrokerError, ConnectRequest, LiveSession, Waiting};
use postern_wire::mysql::capability;
use postern_wire::mysql::result::NO_BACKSLASH;
use postern_wire::recording::FrameKind;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PROTOCOL;
use super::cancel::Canceller;
use super::packed::Packed;
use super::peers::Place;
use super::relay::Relay;
use super::rules::Rules;
use super::target::{Target, ask, ask_value, reach};
use super::welcome::{Client, welcome};
use crate::govern::orders;
use crate::journal::Journal;
use crate::pump::{End, Outcome, Parts, Pump};
use crate::server::Gate;
use crate::session::govern;
use crate::way::{TargetError, Way};

/// Modes in which texts and names are read in another way than rules read them.
const MODES: &str = "ANSI|NO_BACKSLASH|ORACLE|MSSQL|POSTGRESQL|DB2|MAXDB|PIPES_AS_CONCAT";

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
                let code = if matches!(error, BrokerError::Refused(_)) { 1045 } else { 1040 };
                // The client may have gone.
                let _ = client.refuse(code, &error.to_string()).await;
                None
            }
        };
    }
}

/// Runs a session that was opened, and finishes it; gives the client that has signed in anew, if so.
async fn run(gate: &Arc<Gate>, mut client: Client, mut live: LiveSession, source: IpAddr) -> Option<Client> {
    let rules = Rules::of(live.obligations());
    match Box::pin(prepare(gate, &mut client, &mut live, &rules)).await {
        Ok((target, way)) => {
            let (ended, next) = converse(gate, client, &mut live, rules, (target, way, source)).await;
            gate.control.finish(live, ended.0, Some(ended.1)).await;
            next
        }
        Err((reason, message)) => {
            let _ = live.recorder().record(FrameKind::note(&message)).await;
            // Codes from 2000 on are a client's own: some take a server's message with one for none.
            let code = if reason == EndReason::TargetFailed { 1429 } else { 1045 };
            let _ = client.refuse(code, &message).await;
            gate.control.finish(live, reason, Some(message)).await;
            None
        }
    }
}

/// Reaches the target and signs in to it.
async fn prepare(
    gate: &Gate,
    client: &mut Client,
    live: &mut LiveSession,
    rules: &Rules,
) -> Result<(Target, Arc<Way>), End> {
    if !rules.may_query() {
        return Err((EndReason::Killed, "query is not allowed by the policy of this session".to_owned()));
    }
    let way = Arc::new(Way::of(gate, &client.account, live)?);
    if !rules.may_load() {
        client.asked.capabilities &= !capability::LOCAL_FILES;
    }
    let asked = &client.asked;
    let reached = async {
        let mut target = reach(&way, asked).await?;
        if rules.read_only() {
            target.status = ask(&way, &mut target.side, "SET SESSION TRANSACTION READ ONLY").await?;
        }
        if rules.are_strict() {
            let question = format!("SELECT @@session.sql_mode REGEXP '{MODES}'");
            let odd = ask_value(&way, &mut target.side, &question).await?;
            if odd != "0" || target.status & NO_BACKSLASH != 0 {
                return Err(TargetError::Protocol {
                    address: way.address.to_string(),
                    protocol: "MySQL",
                    cause: "its sql_mode changes how statements are read, which does not go with rules".to_owned(),
                });
            }
        }
        Ok(target)
    };
    let target = Way::within(gate, &way.address, reached).await?;
    gate.control.broker().live(live.id()).await.map_err(|error| (EndReason::TargetFailed, error.to_string()))?;
    Ok((target, way))
}

/// Answers the sign-in and moves bytes until the session ends.
async fn converse(
    gate: &Arc<Gate>,
    mut client: Client,
    live: &mut LiveSession,
    rules: Rules,
    (target, way, source): (Target, Arc<Way>, IpAddr),
) -> (End, Option<Client>) {
    if client.let_in(target.status).await.is_err() {
        return ((EndReason::ClientClosed, "the client closed the connection".to_owned()), None);
    }
    let (orders_in, orders) = orders();
    let whose = (&client.identity.id, &client.account);
    let place = Place::take(gate, client.connection, whose, orders_in.clone());
    let Some(activity) = govern(gate, &client.account, live, orders_in) else {
        return ((EndReason::Shutdown, "the session is not governed".to_owned()), None);
    };
    let (asked, connection) = (client.asked, client.connection);
    let journal = Journal::new(live.recorder(), rules.capture());
    let relay = Relay::new(rules, journal, (&asked, &target), place);
    let relay = Packed::new(relay.with_input(client.input), client.pack);
    let pump = Pump::new(Parts {
        client: client.side,
        first: Vec::new(),
        target: target.side,
        relay,
        orders,
        activity,
        canceller: Canceller { way, connection: target.connection },
        control: gate.control.clone(),
        session: live.id().clone(),
        protocol: PROTOCOL,
        source,
    });
    match pump.run().await {
        Outcome::Ended(end) => (end, None),
        Outcome::Switched(switch) => {
            let ended = (EndReason::ClientClosed, format!("signed in anew, to {}", switch.account));
            let (relay, pack) = switch.relay.into_parts();
            let (database, number, input) = relay.into_rest();
            let mut asked = asked;
            asked.database = database;
            let (side, identity, account) = (switch.client, switch.identity, switch.account);
            (ended, Some(Client { side, identity, account, asked, connection, pack, number, input }))
        }
    }
}

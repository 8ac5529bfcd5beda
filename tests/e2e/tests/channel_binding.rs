//! Somebody between the gate and a PostgreSQL, whose certificate the gate trusts as well: what SCRAM binds
//! to the TLS channel, and only that, gives them away.

use postern_e2e::{DatabaseWorld, Person, Ran, indented, run};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;

use crate::between::{Between, Tls, localhost};

/// What a client of PostgreSQL asks for TLS with.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const PLUS: &[u8] = b"SCRAM-SHA-256-PLUS\0";

/// What the one in between does with what passes.
#[derive(Clone, Copy, PartialEq)]
enum Doing {
    /// Passes bytes on; TLS is between the two ends.
    Nothing,
    /// Speaks TLS with each end, so that everything can be read.
    Reading,
    /// Does that, and keeps from the client that the server can bind.
    Hiding,
}

/// Somebody who does this before the world's target.
fn between(world: &DatabaseWorld, doing: Doing) -> Between {
    Between::before(world.target.port(), move |client, server, tls| relay(client, server, doing, tls))
}

/// psql straight to them as the account itself, bound to the channel or not.
fn psql(world: &DatabaseWorld, between: &Between, binding: &str) -> Ran {
    let mut psql = world.target.direct("psql");
    psql.env("PGPORT", between.port()).env("PGCHANNELBINDING", binding);
    run(psql.args(["-X", "-A", "-t", "-c", "select 6 * 7"])).unwrap()
}

async fn relay(mut client: TcpStream, mut server: TcpStream, doing: Doing, tls: Tls) -> std::io::Result<()> {
    if doing == Doing::Nothing {
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    assert_eq!(request, TLS_REQUEST);
    server.write_all(&request).await?;
    let answer = server.read_u8().await?;
    client.write_all(&[answer]).await?;
    let mut server = tls.connects.connect(localhost(), server).await?;
    let mut client = tls.accepts.accept(client).await?;
    if doing == Doing::Hiding {
        without_binding(&mut client, &mut server).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Passes the client's first message on, and the server's answer without the mechanism that binds.
async fn without_binding(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> std::io::Result<()> {
    let length = client.read_u32().await?;
    let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
    client.read_exact(&mut rest).await?;
    server.write_all(&[&length.to_be_bytes()[..], &rest].concat()).await?;
    server.flush().await?;
    assert_eq!(server.read_u8().await?, b'R', "the server asks who is there");
    let mut offered = vec![0; usize::try_from(server.read_u32().await?).unwrap() - 4];
    server.read_exact(&mut offered).await?;
    let at = offered.windows(PLUS.len()).position(|part| part == PLUS).unwrap();
    offered.drain(at..at + PLUS.len());
    let length = u32::try_from(offered.len() + 4).unwrap();
    client.write_all(&[&b"R"[..], &length.to_be_bytes(), &offered].concat()).await?;
    client.flush().await
}

/// psql through the gate, whose target is said to be there, known by both certificates.
fn through_the_gate(world: &DatabaseWorld, person: &Person, between: &Between) -> Ran {
    let both = world.target.certificate().unwrap() + &between.certificate;
    let asset = "kind: Asset\nname: orders\nplatform: postgresql\naddress: ADDRESS\nserver_ca: |\nCERTIFICATE\n";
    world.also(&asset.replace("ADDRESS", &between.address).replace("CERTIFICATE", &indented(&both))).unwrap();
    let arguments = ["connect", "app_admin@orders", "shop", "--", "-X", "-A", "-t", "-c", "select 6 * 7"];
    person.cli(&arguments).unwrap()
}

#[test]
fn who_stands_between_is_found_out_by_what_scram_binds() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();

    let nobody = between(&world, Doing::Nothing);
    assert_eq!(psql(&world, &nobody, "require").ok().unwrap().text(), "42\n");
    assert_eq!(through_the_gate(&world, &ben, &nobody).ok().unwrap().text(), "42\n", "the same way without anybody");
    assert!(!world.target.log().contains("channel binding"), "{}", world.target.log());

    for (doing, said) in [
        (Doing::Reading, "SCRAM channel binding check failed"),
        (Doing::Hiding, "SCRAM channel binding negotiation error"),
    ] {
        let somebody = between(&world, doing);
        let fooled = psql(&world, &somebody, "disable").ok().unwrap().text();
        assert_eq!(fooled, "42\n", "who binds nothing notices nothing");
        let refused = through_the_gate(&world, &ben, &somebody);
        assert_ne!(refused.code, 0, "{}", refused.said());
        assert!(
            refused.stderr.contains("does not let account app_admin in") && refused.stderr.contains(said),
            "{}",
            refused.said()
        );
        assert!(world.target.log().contains(said), "it is the server that says so: {}", world.target.log());
    }
    let listed = world.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(listed[0]["end_reason"], "target_failed", "{listed}");
}

//! MySQL's own server, whose accounts are proved by `caching_sha2_password`.

use std::sync::{Arc, Mutex};

use postern_e2e::{MysqlWorld, Person, Ran, indented};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::TcpStream;

use crate::between::{Between, Tls, localhost};

/// What the server says after a proof: it knows it already, or wants the password itself.
const KNOWN: u8 = 3;
const WANTS_PASSWORD: u8 = 4;

/// What a server said, whoever signed in last.
type Heard = Arc<Mutex<Vec<u8>>>;

fn mariadb(person: &Person, sql: &str) -> Ran {
    person.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap()
}

/// A whole packet: its length and number, then its content.
async fn packet(from: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).await?;
    let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..]).await?;
    Ok(packet)
}

/// Greets, takes up TLS with both and passes on what they say; what the server says is kept.
async fn relay(mut client: TcpStream, mut server: TcpStream, heard: Heard, tls: Tls) -> std::io::Result<()> {
    client.write_all(&packet(&mut server).await?).await?;
    server.write_all(&packet(&mut client).await?).await?;
    let (mut from_server, mut to_server) = split(tls.connects.connect(localhost(), server).await?);
    let (mut from_client, mut to_client) = split(tls.accepts.accept(client).await?);
    heard.lock().unwrap().clear();
    let asked = async {
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let answered = async {
        let mut some = [0; 4096];
        loop {
            let read = from_server.read(&mut some).await?;
            heard.lock().unwrap().extend_from_slice(&some[..read]);
            match read {
                0 => return to_client.shutdown().await,
                read => to_client.write_all(&some[..read]).await?,
            }
            to_client.flush().await?;
        }
    };
    tokio::try_join!(asked, answered).map(drop)
}

/// What the server said of the proof before it let the account in.
fn said_of_proof(heard: &Heard) -> Option<u8> {
    let heard = heard.lock().unwrap();
    (heard.get(..3) == Some(&[2, 0, 0]) && heard.get(4) == Some(&1)).then(|| heard[5])
}

#[test]
fn accounts_are_proved_by_password_first_and_by_what_is_remembered_then() {
    let Some(world) = MysqlWorld::own().unwrap() else { return };
    let plugins = "select group_concat(distinct plugin) from mysql.user where user in ('app', 'root')";
    assert_eq!(world.sql(plugins).unwrap(), "caching_sha2_password");
    let ben = world.declared.person("ben", "dba").unwrap();
    assert_eq!(mariadb(&ben, "select name from customer order by id").ok().unwrap().text(), "Ada\nBen\n");

    let heard = Heard::default();
    let ours = heard.clone();
    let between =
        Between::before(world.target.port(), move |client, server, tls| relay(client, server, ours.clone(), tls));
    let asset = format!(
        "kind: Asset\nname: shop\nplatform: mysql\naddress: {}\nserver_ca: |\n{}\n",
        between.address,
        indented(&between.certificate)
    );
    world.declared.also(&asset).unwrap();
    let signs_in = || {
        assert_eq!(mariadb(&ben, "select 6 * 7").ok().unwrap().text(), "42\n");
        said_of_proof(&heard)
    };
    world.sql("flush privileges").unwrap();
    assert_eq!(signs_in(), Some(WANTS_PASSWORD), "it remembers nobody");
    assert_eq!(signs_in(), Some(KNOWN), "it remembers the account");
    world.sql("alter user app@'%' identified by 'another 1'").unwrap();
    let refused = mariadb(&ben, "select 6 * 7").ended(1).unwrap();
    assert!(refused.stderr.contains("does not let account app in"), "{}", refused.stderr);
    let set = ["account", "set-secret", "app@shop", "--password-stdin"];
    world.declared.ada.cli_with(&set, "another 1").unwrap().ok().unwrap();
    assert_eq!(signs_in(), Some(WANTS_PASSWORD), "the new password is another proof");
    assert_eq!(signs_in(), Some(KNOWN));
}

#[test]
fn rules_and_masks_hold_and_statements_are_recorded() {
    let Some(world) = MysqlWorld::own().unwrap() else { return };
    let sam = world.declared.person("sam", "support").unwrap();
    let asked = "select id, name, note from customer where id = 1; select upper(name) from customer where id = 2";
    assert_eq!(mariadb(&sam, asked).ok().unwrap().text(), "1\t***\t***\n***\n");
    assert_eq!(world.declared.kept_rows("sam").unwrap(), ["id|name|note: 1|***|***", "upper(name): ***"]);
    let ria = world.declared.person("ria", "readers").unwrap();
    assert_eq!(mariadb(&ria, "select count(*) from customer").ok().unwrap().text(), "2\n");
    for sql in ["delete from customer", "set session transaction read write"] {
        mariadb(&ria, sql).ended(1).unwrap();
    }
    let rea = world.declared.person("rea", "ruled").unwrap();
    let refused = mariadb(&rea, "create table t (id int)").ended(1).unwrap();
    assert!(refused.stderr.contains("no-ddl"), "{}", refused.stderr);
    assert_eq!(world.declared.statements("rea").unwrap()[0].1["outcome"], "refused");
    assert_eq!(world.sql("select count(*) from shop.customer").unwrap(), "2");
}

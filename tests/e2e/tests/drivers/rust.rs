//! Rust's: tokio-postgres, `mysql_async` and redis, each knowing the gate by its authority.

use std::pin::pin;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _, future, stream};
use mysql_async::prelude::Queryable as _;
use postern_e2e::{DatabaseWorld, MysqlWorld, RedisWorld};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// TLS to the gate, begun as PostgreSQL's clients begin it.
async fn secured(world: &DatabaseWorld) -> TlsStream<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", world.gate.pg_port().parse::<u16>().unwrap())).await.unwrap();
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(world.gate.ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// A connection with this token, and what the server says on its own.
async fn connected(world: &DatabaseWorld, token: &str) -> (Client, mpsc::UnboundedReceiver<AsyncMessage>) {
    let mut config = Config::new();
    config.user("app_admin@orders").password(token).dbname("shop").ssl_mode(SslMode::Disable);
    let (client, mut connection) = config.connect_raw(secured(world).await, NoTls).await.unwrap();
    let (say, hear) = mpsc::unbounded();
    tokio::spawn(async move {
        let mut said = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = said.next().await {
            let _ = say.unbounded_send(message);
        }
    });
    (client, hear)
}

#[test]
fn rust_works_with_postgresql() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let token = uri.split([':', '@']).nth(2).unwrap();
    Runtime::new().unwrap().block_on(async {
        let (mut db, heard) = connected(&world, token).await;
        let (other, _) = connected(&world, token).await;
        parameters_and_pipelines(&db).await;
        copies(&db).await;
        transactions(&mut db).await;
        notifications(&db, &other, heard).await;
        cancels(&db, &other, &world).await;
    });
    let recorded = world.statements("ben").unwrap();
    assert!(recorded.iter().any(|(begun, _)| begun["text"] == "notify news, 'from afar'"));
}

async fn parameters_and_pipelines(db: &Client) {
    db.batch_execute("create temporary table t (id int primary key, text text, data bytea)").await.unwrap();
    let insert = db.prepare("insert into t values ($1, $2, $3)").await.unwrap();
    let data: &[u8] = &[0, 1, 2, 255];
    // All of them are on their way before the first is answered.
    let all = (1..=100).map(|id: i32| {
        let insert = &insert;
        async move { db.execute(insert, &[&id, &(id != 2).then_some("grüße"), &data]).await }
    });
    assert!(future::try_join_all(all).await.unwrap().iter().all(|rows| *rows == 1));
    let row = db.query_one("select text, data from t where id = $1", &[&2_i32]).await.unwrap();
    assert_eq!((row.get::<_, Option<&str>>(0), row.get::<_, &[u8]>(1)), (None, data));

    // One in the middle fails, and those beside it do not.
    let (one, two) = (1_i32, 2_i32);
    let (first, broken, last) = future::join3(
        db.query_one("select $1::int", &[&one]),
        db.query_one("select $1 / 0", &[&one]),
        db.query_one("select $1::int", &[&two]),
    )
    .await;
    assert_eq!(broken.unwrap_err().code(), Some(&SqlState::DIVISION_BY_ZERO));
    assert_eq!((first.unwrap().get::<_, i32>(0), last.unwrap().get::<_, i32>(0)), (1, 2));
}

async fn copies(db: &Client) {
    let mut sink = pin!(db.copy_in("copy t (id, text) from stdin").await.unwrap());
    for id in 1_000..3_000 {
        sink.send(bytes::Bytes::from(format!("{id}\tcopied\n"))).await.unwrap();
    }
    assert_eq!(sink.as_mut().finish().await.unwrap(), 2_000);
    let out = db.copy_out("copy (select id, text from t where id >= 2999) to stdout").await.unwrap();
    let out: Vec<bytes::Bytes> = out.try_collect().await.unwrap();
    assert_eq!(out.concat(), b"2999\tcopied\n");
    let mut broken = pin!(db.copy_in("copy t (id, text) from stdin").await.unwrap());
    broken.send(bytes::Bytes::from_static(b"no number\tx\n")).await.unwrap();
    let told = broken.as_mut().finish().await.unwrap_err();
    assert_eq!(told.code(), Some(&SqlState::INVALID_TEXT_REPRESENTATION));
}

async fn transactions(db: &mut Client) {
    let transaction = db.transaction().await.unwrap();
    transaction.execute("delete from t", &[]).await.unwrap();
    let failed = transaction.execute("select no_such_column from t", &[]).await.unwrap_err();
    assert_eq!(failed.code(), Some(&SqlState::UNDEFINED_COLUMN));
    transaction.rollback().await.unwrap();
    let transaction = db.transaction().await.unwrap();
    let portal = transaction.bind("select id from t order by id", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 3).await.unwrap().len(), 3);
    assert_eq!(transaction.query_portal(&portal, 0).await.unwrap().len(), 2_097);
    transaction.commit().await.unwrap();
}

async fn notifications(db: &Client, other: &Client, mut heard: mpsc::UnboundedReceiver<AsyncMessage>) {
    db.batch_execute("listen news").await.unwrap();
    other.batch_execute("notify news, 'from afar'").await.unwrap();
    loop {
        if let AsyncMessage::Notification(news) = heard.next().await.unwrap() {
            assert_eq!(news.payload(), "from afar");
            return;
        }
    }
}

async fn cancels(db: &Client, other: &Client, world: &DatabaseWorld) {
    let token = db.cancel_token();
    let running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
    let cancel = async {
        while other.query_one(running, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
        token.cancel_query_raw(secured(world).await, NoTls).await.unwrap();
    };
    let (slept, ()) = future::join(db.batch_execute("select pg_sleep(600)"), cancel).await;
    assert_eq!(slept.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert!(db.query_one("select 1", &[]).await.is_ok(), "the connection goes on");
}

#[test]
fn rust_works_with_mariadb() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let tls = mysql_async::SslOpts::default().with_root_certs(vec![world.declared.gate.ca().into()]);
    let opts = mysql_async::OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(world.declared.gate.mysql_port().parse().unwrap())
        .user(Some("app@shop"))
        .pass(Some(world.token(&ben, "app@shop").unwrap()))
        .db_name(Some("shop"))
        .prefer_socket(false)
        .ssl_opts(tls.with_disable_built_in_roots(true));
    Runtime::new().unwrap().block_on(async {
        for compression in [None, Some(mysql_async::Compression::default())] {
            let db = mysql_async::Conn::new(opts.clone().compression(compression)).await.unwrap();
            daily_work(db).await.unwrap();
        }
    });
}

async fn daily_work(mut db: mysql_async::Conn) -> mysql_async::Result<()> {
    db.query_drop("create or replace table t (id int primary key, text text, data longblob)").await?;
    let data = vec![7_u8; 300_000];
    db.exec_batch("insert into t values (?, ?, ?)", (1..=50).map(|id| (id, (id != 2).then_some("grüße"), &data)))
        .await?;
    let rows: Vec<(Option<String>, Vec<u8>)> =
        db.exec("select text, data from t where id <= ? order by id", (2,)).await?;
    assert_eq!(rows, [(Some("grüße".to_owned()), data.clone()), (None, data)]);
    let mut several = db.query_iter("select 1; select 'two', 3").await?;
    assert_eq!(several.collect::<i32>().await?, [1]);
    assert_eq!(several.collect::<(String, i32)>().await?, [("two".to_owned(), 3)]);
    drop(several);

    let mut transaction = db.start_transaction(mysql_async::TxOpts::default()).await?;
    transaction.query_drop("delete from t").await?;
    assert_eq!(transaction.affected_rows(), 50);
    transaction.rollback().await?;
    assert_eq!(db.query_first("select count(*) from t").await?, Some(50));
    match db.query_drop("select nothing from t").await {
        Err(mysql_async::Error::Server(told)) => assert_eq!((told.code, told.state.as_str()), (1054, "42S22")),
        other => panic!("{other:?}"),
    }
    db.ping().await?;
    db.disconnect().await
}

#[test]
fn rust_works_with_redis() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = world.uri(&ben, "app@cache").unwrap();
    let (uri, _) = uri.split_once('?').unwrap();
    let root_cert = Some(std::fs::read(world.declared.gate.ca()).unwrap());
    Runtime::new().unwrap().block_on(async {
        for version in ["resp2", "resp3"] {
            let certificates = redis::TlsCertificates { client_tls: None, root_cert: root_cert.clone() };
            let client = redis::Client::build_with_tls(format!("{uri}?protocol={version}"), certificates).unwrap();
            commands(&client).await.unwrap();
        }
    });
}

async fn commands(client: &redis::Client) -> redis::RedisResult<()> {
    let mut db = client.get_multiplexed_async_connection().await?;
    redis::cmd("FLUSHDB").exec_async(&mut db).await?;
    let mut pipeline = redis::pipe();
    for _ in 0..500 {
        pipeline.cmd("INCR").arg("n");
    }
    assert_eq!(pipeline.query_async::<Vec<i64>>(&mut db).await?, (1..=500).collect::<Vec<i64>>());
    let mut transaction = redis::pipe();
    transaction.atomic().cmd("SET").arg("text").arg("x".repeat(300_000)).ignore().cmd("STRLEN").arg("text");
    assert_eq!(transaction.query_async::<(i64,)>(&mut db).await?, (300_000,));
    let told = redis::cmd("LPUSH").arg("text").arg(1).exec_async(&mut db).await.unwrap_err();
    assert_eq!(told.code(), Some("WRONGTYPE"));

    let mut listens = client.get_async_pubsub().await?;
    listens.subscribe("news").await?;
    let mut heard = listens.on_message();
    redis::cmd("PUBLISH").arg("news").arg("hello").exec_async(&mut db).await?;
    assert_eq!(heard.next().await.unwrap().get_payload::<String>()?, "hello");
    Ok(())
}

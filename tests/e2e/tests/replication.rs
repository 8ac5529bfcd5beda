//! PostgreSQL's replication through the gate, where policy allows it: a copy of the whole server, and changes as they
//! are made.

use std::fs;
use std::process::{Command, Stdio};

use postern_e2e::{Child, DatabaseWorld, Person, run, until};

const ACCESS: &str = r"
kind: Group
name: replicas
---
kind: Policy
name: replicating
subjects: { groups: [replicas] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query, copy_out, replication]
  reason_required: false
";

/// A world whose target lets its account replicate, and somebody who may.
fn world() -> (DatabaseWorld, Person, String) {
    let mut world = DatabaseWorld::start().unwrap();
    let lets_in = "copy (select 'hostssl replication all 127.0.0.1/32 scram-sha-256') to program 'cat >>pg_hba.conf'";
    for sql in ["alter role app_admin replication", "alter system set wal_level = logical", lets_in] {
        world.target.sql(sql).unwrap();
    }
    world.target.stop();
    world.target.resume().unwrap();
    world.also(ACCESS).unwrap();
    let rob = world.person("rob", "replicas").unwrap();
    let uri = world.uri(&rob).unwrap();
    (world, rob, uri)
}

#[test]
fn a_server_is_copied_with_pg_basebackup() {
    let (world, _rob, uri) = world();
    let copy = world.gate.scratch().join("copy");
    let mut backup = Command::new("pg_basebackup");
    backup.args(["--checkpoint=fast", "--wal-method=stream", "--pgdata"]).arg(&copy).args(["--dbname", &uri]);
    run(&mut backup).unwrap().ok().unwrap();
    // It looks at every file, and at what was written meanwhile.
    let verify = "\"$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)\"/pg_verifybackup \"$0\"";
    run(Command::new("bash").args(["-c", verify]).arg(&copy)).unwrap().ok().unwrap();
    let sessions = world.ada.cli(&["sessions", "--user", "rob", "-o", "json"]).unwrap().json().unwrap();
    let ids = sessions.as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap());
    let recorded: Vec<_> = ids.flat_map(|id| world.statements_of(id).unwrap()).collect();
    for command in ["IDENTIFY_SYSTEM", "BASE_BACKUP", "START_REPLICATION"] {
        let is_it = |text: &serde_json::Value| text.as_str().is_some_and(|text| text.starts_with(command));
        assert!(recorded.iter().any(|(begun, _)| is_it(&begun["text"])), "{command}: {recorded:?}");
    }
}

#[test]
fn changes_come_with_pg_recvlogical_as_they_are_made() {
    let (world, _rob, uri) = world();
    let receive = |more: &[&str]| {
        let mut command = Command::new("pg_recvlogical");
        command.args(["--slot", "changes", "--dbname", &uri]).args(more);
        command
    };
    run(&mut receive(&["--create-slot", "--plugin", "test_decoding"])).unwrap().ok().unwrap();
    let out = world.gate.scratch().join("changes");
    let mut command = receive(&["--start", "--fsync-interval", "0", "--file", &out.display().to_string()]);
    let receiver = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    world.target.sql("insert into customer values (7, 'Gil')").unwrap();
    until("the change to come", || {
        let come = fs::read_to_string(&out).unwrap_or_default();
        Ok(come.contains("table public.customer: INSERT: id[integer]:7 name[text]:'Gil'").then_some(()))
    })
    .unwrap();
    let walsenders = || world.target.sql("select count(*) from pg_stat_replication");
    let heard = "select confirmed_flush_lsn > restart_lsn and reply_time is not null \
                 from pg_replication_slots join pg_stat_replication on pid = active_pid";
    until("the target to hear how far it has come", || Ok((world.target.sql(heard)? == "t").then_some(()))).unwrap();
    let session = world.newest_session("rob").unwrap();
    world.ada.cli(&["session", "kill", &session, "--reason", "enough"]).unwrap().ok().unwrap();
    until("the target to be left", || Ok((walsenders()? == "0").then_some(()))).unwrap();
    drop(receiver);
}

//! Drivers of other languages than Python, through the gate: Go's, Java's, Node's and Rust's.

mod rust;

use std::path::{Path, PathBuf};
use std::process::Command;

use postern_e2e::{DatabaseWorld, MysqlWorld, RedisWorld, repository, run};

/// A script of this folder under Node, with what `scripts/node-drivers.sh` lays; none, with a word about it,
/// where that is missing.
fn node(script: &str) -> Option<Command> {
    let drivers = repository().join("target/node-drivers/node_modules");
    if !drivers.exists() {
        eprintln!("SKIPPED: there are no drivers for Node (scripts/node-drivers.sh)");
        return None;
    }
    let mut command = Command::new("node");
    command.arg(repository().join("tests/e2e/tests/drivers").join(script)).env("NODE_PATH", drivers);
    Some(command)
}

/// The Java program of this folder, with one of Debian's drivers; none, with a word about it, where there is no
/// Java or no driver.
fn java(driver: &str) -> Option<Command> {
    let jar: PathBuf = ["/usr/share/java", driver].iter().collect();
    if !jar.exists() || !Path::new("/usr/bin/java").exists() {
        eprintln!("SKIPPED: there is no Java, or no {driver} (scripts/packages.sh test)");
        return None;
    }
    let mut command = Command::new("java");
    command.arg("-cp").arg(jar).arg(repository().join("tests/e2e/tests/drivers/Jdbc.java"));
    Some(command)
}

/// A Go program of this folder, built with what `scripts/go-drivers.sh` lays; none, with a word about it, where that
/// is missing.
fn go(name: &str) -> Option<Command> {
    let laid = repository().join("target/go-drivers");
    let go = laid.join("python/bin/go");
    if !laid.join(".laid").exists() {
        eprintln!("SKIPPED: there is no Go with its drivers (scripts/go-drivers.sh)");
        return None;
    }
    let built = laid.join(name);
    let mut build = Command::new(go);
    build.args(["build", "-o"]).arg(&built).arg(repository().join(format!("tests/e2e/tests/drivers/{name}.go")));
    build.env("GO111MODULE", "off").env("GOPATH", laid.join("usr/share/gocode")).env("GOCACHE", laid.join("cache"));
    run(build.env("CGO_ENABLED", "0").env("GOTELEMETRY", "off")).unwrap().ok().unwrap();
    Some(Command::new(built))
}

fn done(command: &mut Command) {
    assert_eq!(run(command).unwrap().ok().unwrap().text(), "done\n");
}

#[test]
fn node_works_with_postgresql() {
    let Some(mut node) = node("postgres.js") else { return };
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    done(node.env("URI", world.uri(&ben).unwrap()).env("CA", world.gate.ca()));
}

#[test]
fn node_works_with_mariadb() {
    let Some(mut node) = node("mysql.js") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    node.env("TOKEN", world.token(&ben, "app@shop").unwrap()).env("PORT", world.declared.gate.mysql_port());
    done(node.env("CA", world.declared.gate.ca()));
}

#[test]
fn node_works_with_redis() {
    let Some(mut node) = node("redis.js") else { return };
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    done(node.env("URI", world.uri(&ben, "app@cache").unwrap()).env("CA", world.declared.gate.ca()));
}

#[test]
fn go_works_with_postgresql() {
    let Some(mut go) = go("postgres") else { return };
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    done(go.env("URI", world.uri(&ben).unwrap()));
}

#[test]
fn go_works_with_mariadb() {
    let Some(mut go) = go("mysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    go.env("TOKEN", world.token(&ben, "app@shop").unwrap()).env("PORT", world.declared.gate.mysql_port());
    done(go.env("CA", world.declared.gate.ca()));
}

#[test]
fn go_works_with_redis() {
    let Some(mut go) = go("redis") else { return };
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    done(go.env("URI", world.uri(&ben, "app@cache").unwrap()).env("CA", world.declared.gate.ca()));
}

#[test]
fn jdbc_works_with_postgresql() {
    let Some(mut java) = java("postgresql.jar") else { return };
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let token = uri.split([':', '@']).nth(2).unwrap();
    let (port, ca) = (world.gate.pg_port(), world.gate.ca());
    let url = format!("jdbc:postgresql://127.0.0.1:{port}/shop?sslmode=verify-full&sslrootcert={}", ca.display());
    java.env("JDBC_URL", url).env("JDBC_USER", "app_admin@orders");
    done(java.env("TOKEN", token));
}

#[test]
fn jdbc_works_with_mariadb() {
    let Some(mut java) = java("mariadb-java-client.jar") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let (port, ca) = (world.declared.gate.mysql_port(), world.declared.gate.ca());
    let url = format!("jdbc:mariadb://127.0.0.1:{port}/shop?useSsl=true&serverSslCert={}", ca.display());
    java.env("JDBC_URL", url).env("JDBC_USER", "app@shop");
    done(java.env("TOKEN", world.token(&ben, "app@shop").unwrap()));
}

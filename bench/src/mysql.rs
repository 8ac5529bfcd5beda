//! MariaDB: sysbench's reading transactions, beside a direct connection, with TLS on every way.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::bail;
use postern_e2e::{MysqlWorld, run};
use tempfile::TempDir;

use crate::database::{Extent, number};
use crate::figures::{Figures, median};
use crate::process::cpu_seconds;

const OF_DIRECT_MIN: f64 = 0.6;
const TABLE: [&str; 2] = ["--tables=1", "--table-size=100000"];

/// A way to the database, as sysbench is told of it.
struct Road {
    /// sysbench takes the certificates from where it is run.
    folder: TempDir,
    port: String,
    user: &'static str,
    password: String,
}

impl Road {
    fn new(world: &MysqlWorld, ca: &Path, port: &str, user: &'static str, password: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(ca, folder.path().join("cacert.pem"))?;
        // It insists on showing one; the target takes its own.
        for name in ["key.pem", "cert.pem"] {
            fs::copy(world.target.folder().join(name), folder.path().join(format!("client-{name}")))?;
        }
        Ok(Self { folder, port: port.to_owned(), user, password: password.to_owned() })
    }

    /// Runs a part of the test and gives what it prints.
    fn sysbench(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new("sysbench");
        command.current_dir(self.folder.path()).args(["oltp_read_only", "--db-driver=mysql", "--mysql-ssl=on"]);
        command.args(["--mysql-host=127.0.0.1", "--mysql-db=shop"]).args(TABLE).args(arguments);
        command.arg(format!("--mysql-port={}", self.port)).arg(format!("--mysql-user={}", self.user));
        let ran = run(command.arg(format!("--mysql-password={}", self.password)))?;
        if ran.code != 0 {
            bail!("sysbench: {}", ran.said().replace(&self.password, "***"));
        }
        Ok(ran.text())
    }
}

/// Measures reading transactions, with 1 and with 8 clients.
pub(crate) fn measure(extent: &Extent, figures: &mut Figures) -> anyhow::Result<()> {
    let world = MysqlWorld::start()?;
    // Tests look at this log; to a speed without the gate it is a burden.
    world.sql("set global general_log = off; set global innodb_buffer_pool_size = 268435456")?;
    let ben = world.declared.person("ben", "dba")?;
    let token = world.token(&ben, "app@shop")?;
    let (ca, port) = (world.target.folder().join("cert.pem"), world.target.port().to_string());
    let direct = Road::new(&world, &ca, &port, "app", MysqlWorld::PASSWORD)?;
    let gate = Road::new(&world, &world.declared.gate.ca(), world.declared.gate.mysql_port(), "app@shop", &token)?;
    direct.sysbench(&["prepare"])?;
    let process = world.declared.gate.id();
    for clients in [1, 8] {
        let arguments = [format!("--threads={clients}"), format!("--time={}", extent.seconds()), "run".to_owned()];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (mut without, mut through, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..extent.rounds() {
            without.push(number(&direct.sysbench(&arguments)?, "queries:")?);
            let before = cpu_seconds(process)?;
            let queries = number(&gate.sysbench(&arguments)?, "queries:")?;
            cpu.push((cpu_seconds(process)? - before) * 1e6 / queries);
            through.push(queries);
        }
        let name = format!("sysbench_read_only_{clients}");
        figures.plain(&format!("{name}_queries_per_second"), median(&through) / f64::from(extent.seconds()));
        figures.at_least(&format!("{name}_of_direct"), median(&through) / median(&without), OF_DIRECT_MIN);
        figures.plain(&format!("{name}_gate_cpu_us"), median(&cpu));
    }
    Ok(())
}

//! Output as sessions have it: listings, logs, processes, compilers, rows of a table.

use std::fmt::Write as _;

/// Something that was run, and what it showed.
pub(crate) struct Part {
    pub(crate) typed: String,
    pub(crate) shown: String,
    pub(crate) statement: Option<String>,
}

/// One session's text.
pub(crate) struct Session {
    state: u64,
    kind: u64,
    clock: u64,
}

const SYLLABLES: [&str; 32] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "ta", "ve", "wi", "xo",
    "zu", "bra", "cle", "dri", "flo", "gru", "pla", "sto", "tri", "net", "sys", "log", "con",
];
const PROGRAMS: [&str; 12] = [
    "nginx", "sshd", "kernel", "systemd", "postgres", "cron", "dockerd", "kubelet", "redis", "haproxy", "java",
    "rsyslogd",
];
const EVENTS: [&str; 12] = [
    "connection from {} closed",
    "session opened for user {}",
    "error: connection refused by {}",
    "request {} took long",
    "timeout waiting for {}",
    "started unit {}",
    "permission denied for {}",
    "cache miss for {}",
    "worker {} exited",
    "warning: low memory in {}",
    "accepted publickey for {}",
    "reloaded configuration of {}",
];

impl Session {
    pub(crate) fn new(seed: u64) -> Self {
        let mut session =
            Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, kind: seed % 3, clock: seed * 977 };
        session.random(1);
        session
    }

    /// Whether it is at a terminal; else it is commands by request, or statements.
    pub(crate) fn is_terminal(&self) -> bool {
        self.kind == 0
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    /// One of some thousands of words, of which few are frequent.
    fn word(&mut self) -> String {
        let (one, other) = (self.random(200) + 1, self.random(200) + 1);
        let mut rest = one * other;
        let mut word = String::new();
        while rest > 0 {
            word.push_str(SYLLABLES[usize::try_from(rest % 32).unwrap_or(0)]);
            rest /= 32;
        }
        word
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.random(u64::try_from(from.len()).unwrap_or(1));
        from[usize::try_from(at).unwrap_or(0)]
    }

    pub(crate) fn part(&mut self) -> Part {
        if self.kind == 2 {
            return self.rows();
        }
        match self.random(4) {
            0 => self.listing(),
            1 => self.compiler(),
            _ => self.log(),
        }
    }

    fn listing(&mut self) -> Part {
        let folder = format!("/srv/{}/{}", self.word(), self.word());
        let mut shown = format!("\r\n{folder}:\r\ntotal {}\r\n", self.random(100_000));
        for _ in 0..200 {
            let (size, day, hour, minute) =
                (self.random(90_000), self.random(28) + 1, self.random(24), self.random(60));
            let name = format!("{}-{}.{}", self.word(), self.word(), self.pick(&["log", "conf", "rs", "txt", "gz"]));
            let _ = write!(shown, "-rw-r--r-- 1 root root {size:8} Nov {day:2} {hour:02}:{minute:02} {name}\r\n");
        }
        let typed = match self.random(40) {
            0 => "cat /etc/shadow".to_owned(),
            1 => format!("rm -rf {folder}/old"),
            2 => format!("ssh db-{}.example.com", self.random(200)),
            _ => format!("ls -lR {folder}"),
        };
        Part { typed, shown, statement: None }
    }

    fn log(&mut self) -> Part {
        let mut shown = String::from("\r\n");
        for _ in 0..250 {
            self.clock += self.random(3);
            let (hour, minute, second) = (self.clock / 3600 % 24, self.clock / 60 % 60, self.clock % 60);
            let (program, process, host) = (self.pick(&PROGRAMS), self.random(400) + 500, self.random(20));
            let subject = match self.random(8) {
                0 => format!("10.{}.{}.{}", self.random(16), self.random(16), self.random(256)),
                1 => format!("req-{:x}", self.random(1 << 40)),
                _ => self.word(),
            };
            let event = self.pick(&EVENTS).replace("{}", &subject);
            let _ =
                write!(shown, "Nov 26 {hour:02}:{minute:02}:{second:02} web-{host} {program}[{process}]: {event}\r\n");
        }
        if self.random(3000) == 0 {
            shown.push_str("segfault at quetzalcoatl\r\n");
        }
        let unit = self.pick(&PROGRAMS);
        let typed =
            if self.random(3) == 0 { format!("systemctl status {unit}") } else { format!("journalctl -u {unit}") };
        Part { typed, shown, statement: None }
    }

    fn compiler(&mut self) -> Part {
        let mut shown = String::from("\r\n");
        for _ in 0..150 {
            let (file, line) = (format!("src/{}/{}.c", self.word(), self.word()), self.random(2000));
            let _ = write!(
                shown,
                "{file}:{line}:{}: warning: unused variable '{}' [-Wunused-variable]\r\n",
                self.random(80),
                self.word()
            );
            let _ = write!(shown, "  CC      {}\r\n", file.replace(".c", ".o"));
        }
        Part { typed: format!("make -C {} all", self.word()), shown, statement: None }
    }

    fn rows(&mut self) -> Part {
        let table = if self.random(4) == 0 { "orders".to_owned() } else { format!("customer_{}", self.random(400)) };
        let mut shown = String::from(" id | name | city | amount\r\n----+------+------+--------\r\n");
        for _ in 0..120 {
            let (id, amount) = (self.random(1_000_000), self.random(100_000));
            let _ = write!(
                shown,
                " {id} | {} {} | {} | {}.{:02}\r\n",
                self.word(),
                self.word(),
                self.word(),
                amount / 100,
                amount % 100
            );
        }
        let statement = match self.random(20) {
            0 => format!("delete from {table} where id = {}", self.random(1_000_000)),
            _ => format!("select id, name, city, amount from {table} where city = '{}'", self.word()),
        };
        Part { typed: String::new(), shown, statement: Some(statement) }
    }
}

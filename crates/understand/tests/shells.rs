//! Real shells, driven in a pseudo-terminal: what was executed is what is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::io::Read;
use std::process::{Command, Stdio};

use postern_understand::{DeedKind, Understanding};
use postern_wire::recording::{Frame, FrameKind};

/// Drives a shell in a pseudo-terminal: waits for its prompt, types each piece, and prints what passed as
/// lines of `i` or `o` with hex.
const DRIVER: &str = r#"
import os, pty, select, sys, time
shell, pieces = sys.argv[1:2], sys.argv[2:]
args = {'bash': ['bash', '--norc', '--noprofile', '-i'], 'zsh': ['zsh', '-f', '-i'], 'dash': ['dash', '-i']}[shell[0]]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update({'PS1': 'box$ ', 'PS2': '> ', 'TERM': 'xterm', 'HOME': os.getcwd(), 'LANG': 'C.UTF-8', 'HISTFILE': ''})
    os.execvp(args[0], args)
import fcntl, struct, termios
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))
seen = b''
def settle(until):
    global seen
    end = time.time() + 10
    while time.time() < end:
        ready, _, _ = select.select([fd], [], [], 0.15)
        if not ready:
            if until in seen: break
            continue
        try: data = os.read(fd, 65536)
        except OSError: return False
        if not data: return False
        seen += data
        print('o', data.hex())
    seen = b''
    return True
settle(b'$ ')
for piece in pieces:
    wait, _, data = piece.partition('|')
    data = data.encode().decode('unicode_escape').encode('latin-1')
    print('i', data.hex())
    os.write(fd, data)
    settle(wait.encode())
os.close(fd)
"#;

/// The commands that `pieces`, each `what to wait for|what to type`, give in this shell.
fn commands(shell: &str, pieces: &[&str]) -> Option<Vec<String>> {
    Command::new(shell).args(["-c", "true"]).status().ok()?;
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new("python3")
        .arg("-c")
        .arg(DRIVER)
        .arg(shell)
        .args(pieces)
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut passed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut passed).unwrap();
    assert!(child.wait().unwrap().success());
    let mut understanding = Understanding::new();
    let mut found = Vec::new();
    let mut each = |deed: postern_understand::Deed| match deed.kind {
        DeedKind::Command(command) => found.push(command.text),
        DeedKind::Unseen { prompt } => found.push(format!("unseen:{prompt}")),
        _ => {}
    };
    let terminal = FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 60, rows: 24 };
    understanding.frame(&Frame { at_us: 0, kind: terminal }, &mut each);
    for (at, line) in passed.lines().enumerate() {
        let (side, hex) = line.split_once(' ').unwrap();
        let data: Vec<u8> =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
        let kind = if side == "i" { FrameKind::input(0, &data) } else { FrameKind::output(0, &data) };
        understanding.frame(&Frame { at_us: at as u64, kind }, &mut each);
    }
    understanding.finish(&mut each);
    Some(found)
}

#[test]
fn bash_history_editing_completion_and_paste() {
    let pieces = [
        "$ |echo one\\r",
        "$ |\\x1b[A\\x1b[D\\x1b[D\\x1b[D\\x01true; \\r",
        "$ |echo lost\\x15echo kept\\r",
        "$ |touch some-long-name\\r",
        "$ |ls some-\\t\\r",
        "> |cat <<E\\r",
        "> |here is text\\r",
        "$ |E\\r",
        "$ |echo a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7 8 9\\r",
        "? |read -sp 'Your key? '\\r",
        "$ |hunter2\\r",
        "$ |\\r",
        "$ |\\x1b[200~for i in 1 2; do\\necho $i\\ndone\\x1b[201~\\r",
        "true|\\x12true",
        "$ |\\r",
        "$ |echo stop\\x03",
    ];
    let Some(found) = commands("bash", &pieces) else { return };
    let long = "echo a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7 8 9";
    assert_eq!(
        found,
        [
            "echo one",
            "true; echo one",
            "echo kept",
            "touch some-long-name",
            "ls some-long-name",
            "cat <<E\nhere is text\nE",
            long,
            "read -sp 'Your key? '",
            "unseen:Your key?",
            "for i in 1 2; do\necho $i\ndone",
            "true; echo one",
        ]
    );
}

#[test]
fn zsh_history_editing_and_here_documents() {
    let pieces =
        ["$ |echo one\\r", "$ |\\x1b[A\\x01true; \\r", "> |cat <<E\\r", "> |text\\r", "$ |E\\r", "$ |ls -d /et\\t\\r"];
    let Some(found) = commands("zsh", &pieces) else { return };
    assert_eq!(found, ["echo one", "true; echo one", "cat <<E\ntext\nE", "ls -d /etc"]);
}

#[test]
fn dash_and_a_shell_within_a_shell() {
    let pieces =
        ["$ |echo one\\r", "$ |echo twp\\x7fo\\r", "nested# |PS1='nested# ' sh\\r", "nested# |id -u\\r", "$ |exit\\r"];
    let Some(found) = commands("dash", &pieces) else { return };
    assert_eq!(found, ["echo one", "echo two", "PS1='nested# ' sh", "id -u", "exit"]);
}

#[test]
fn what_is_done_as_somebody_else_is_told_like_the_rest() {
    // Only whoever is root already is asked for no password.
    if !Command::new("sudo").args(["-n", "-i", "true"]).status().is_ok_and(|status| status.success()) {
        return;
    }
    let pieces = [
        "$ |echo one\\r",
        "# |sudo -i\\r",
        "# |cat /etc/shadow | wc -l\\r",
        "# |\\x1b[A\\x01true; \\r",
        "$ |exit\\r",
        "$ |echo two\\r",
    ];
    let Some(found) = commands("bash", &pieces) else { return };
    let expected =
        ["echo one", "sudo -i", "cat /etc/shadow | wc -l", "true; cat /etc/shadow | wc -l", "exit", "echo two"];
    assert_eq!(found, expected);
}

//! Lines that are given to a shell without a terminal: `ssh host < script`.

use crate::shell;

/// The longest line.
const LINE_LEN_MAX: usize = 8 * 1024;

/// Programs that read a password from the line after them.
const ASKING: [&str; 9] = ["sudo", "su", "passwd", "read", "chpasswd", "kinit", "cryptsetup", "smbpasswd", "doas"];

/// Reads commands out of a shell's input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    line: Vec<u8>,
    /// The lines so far of a command that goes over several.
    held: String,
    /// The program before may take the next line for a password.
    asking: bool,
}

impl Script {
    /// Takes input, and gives the commands that it completes.
    pub(crate) fn input(&mut self, data: &[u8], each: &mut dyn FnMut(String)) {
        for byte in data {
            match byte {
                b'\n' => self.end_line(each),
                byte if self.line.len() < LINE_LEN_MAX => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self, each: &mut dyn FnMut(String)) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
        if std::mem::take(&mut self.asking) && !line.contains(' ') {
            return;
        }
        if !self.held.is_empty() {
            self.held.push('\n');
        }
        self.held.push_str(&line);
        if self.held.len() < LINE_LEN_MAX && shell::incomplete(&self.held) {
            return;
        }
        self.finish(each);
    }

    /// Gives what has not been completed.
    pub(crate) fn finish(&mut self, each: &mut dyn FnMut(String)) {
        if !self.line.is_empty() && !self.asking {
            let line = std::mem::take(&mut self.line);
            self.held.push_str(&String::from_utf8_lossy(&line));
        }
        let command = std::mem::take(&mut self.held);
        if !command.trim().is_empty() {
            self.asking = shell::parse(&command).programs.iter().any(|program| ASKING.contains(&program.as_str()));
            each(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<String> {
        let (mut script, mut found) = (Script::default(), Vec::new());
        script.input(text.as_bytes(), &mut |command| found.push(command));
        script.finish(&mut |command| found.push(command));
        found
    }

    #[test]
    fn commands_are_the_lines_and_passwords_are_none() {
        assert_eq!(commands("cd /tmp\nsudo -S id\nhunter2\nls\n"), ["cd /tmp", "sudo -S id", "ls"]);
        assert_eq!(commands("cat <<E\na\nE\nid"), ["cat <<E\na\nE", "id"]);
    }
}

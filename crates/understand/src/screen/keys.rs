//! What was pressed: how often Enter, and whether anything else.

/// The longest sequence of a key that is known.
const SEQUENCE_LEN_MAX: usize = 8;

/// What was pressed since the last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pressed {
    /// A character.
    pub(super) typed: bool,
    /// A key that takes back what was typed.
    pub(super) erased: bool,
    /// How many line ends were pasted that the shell took for characters.
    pub(super) pasted: u32,
}

/// Reads the keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    sequence: Vec<u8>,
    pasting: bool,
    pressed: Pressed,
}

impl Keys {
    /// Takes what was typed, and says how often Enter is in it.
    pub(super) fn press(&mut self, data: &[u8]) -> u32 {
        let mut enters = 0;
        for byte in data {
            if self.in_sequence(*byte) {
                continue;
            }
            match byte {
                b'\r' | b'\n' if self.pasting => self.pressed.pasted = self.pressed.pasted.saturating_add(1),
                // Ctrl-O runs the line and fetches the next one of the history.
                b'\r' | b'\n' | 0x0f => enters += 1,
                0x03 | 0x04 | 0x08 | 0x0b | 0x15 | 0x17 | 0x7f => self.pressed.erased = true,
                byte if *byte >= b' ' => self.pressed.typed = true,
                _ => {}
            }
        }
        enters
    }

    /// What was pressed on the line that ends.
    pub(super) fn take(&mut self) -> Pressed {
        std::mem::take(&mut self.pressed)
    }

    /// The same while the line goes on.
    pub(super) fn pressed(&self) -> Pressed {
        self.pressed
    }

    fn in_sequence(&mut self, byte: u8) -> bool {
        if byte == 0x1b {
            self.sequence = vec![byte];
            return true;
        }
        if self.sequence.is_empty() {
            return false;
        }
        self.sequence.push(byte);
        match self.sequence.as_slice() {
            b"\x1b[200~" => self.pasting = true,
            b"\x1b[201~" => self.pasting = false,
            _ => {}
        }
        let goes_on = match self.sequence.len() {
            2 => matches!(byte, b'[' | b'O'),
            len => len < SEQUENCE_LEN_MAX && !(b'@'..=b'~').contains(&byte),
        };
        if !goes_on {
            self.sequence.clear();
        }
        true
    }
}

//! What must hold for understanding, whatever the frames. Shared by the fuzz target and by the test that
//! replays its corpus.

use postern_understand::{DeedKind, NAMES_MAX, TEXT_LEN_MAX, Understanding, mask, parse};
use postern_wire::recording::{Frame, FrameKind, Frames};

/// Takes `bytes` for frames, for what passes through a terminal, and for a text.
pub(crate) fn check(bytes: &[u8]) {
    let frames: Vec<_> = Frames::new(bytes).map_while(Result::ok).collect();
    understood(&frames);
    let terminal = FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 20, rows: 5 };
    let pieces = bytes.chunks(7).enumerate().map(|(at, piece)| {
        let kind = if at % 3 == 0 { FrameKind::input(0, piece) } else { FrameKind::output(0, piece) };
        Frame { at_us: 0, kind }
    });
    let frames: Vec<_> = std::iter::once(Frame { at_us: 0, kind: terminal }).chain(pieces).collect();
    understood(&frames);
    let text = String::from_utf8_lossy(bytes);
    let _ = mask(&text);
    assert!(parse(&text).programs.len() <= NAMES_MAX);
}

fn understood(frames: &[Frame<'_>]) {
    let mut understanding = Understanding::new();
    let mut each = |deed: postern_understand::Deed| {
        if let DeedKind::Command(command) | DeedKind::Exec(command) = deed.kind {
            assert!(command.text.len() <= TEXT_LEN_MAX && command.files.len() <= NAMES_MAX);
        }
    };
    for frame in frames {
        understanding.frame(frame, &mut each);
    }
    understanding.finish(&mut each);
}

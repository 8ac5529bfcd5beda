//! What recordings are turned into.

use proptest::prelude::*;

use super::super::utf8::Utf8Stream;
use super::super::*;
use super::{any_frame, sample};

fn cast(channel: u32, frames: &[Frame<'_>]) -> String {
    let (mut writer, mut out) = (CastWriter::new(channel), String::new());
    frames.iter().for_each(|frame| writer.frame(frame, &mut out));
    writer.finish(&mut out);
    out
}

fn text(channel: Option<u32>, frames: &[Frame<'_>]) -> String {
    let (mut writer, mut out) = (TextWriter::new(channel), String::new());
    frames.iter().for_each(|frame| writer.frame(frame, &mut out));
    out
}

#[test]
fn a_terminal_becomes_an_asciicast() {
    let expected = r#"{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1790000000,"title":"ben: root@web-1 (ses_0123456789abcdef)"}
[0.000, "m", "allowed: shell"]
[0.001, "m", "env LANG=C"]
[0.249, "o", "\u001b[1mroot\u001b[0m# "]
[0.050, "i", "l"]
[1.000, "r", "100x30"]
[0.000, "o", "AAA"]
[0.100, "o", "no such file\r\n"]
[0.600, "m", "exec on channel 1: cat �"]
[0.100, "m", "streams of channel 1: in 0 bytes, out 3 bytes blake3 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85, err 0 bytes"]
[0.050, "m", "exit 143 on channel 1"]
[0.050, "m", "sftp rename /a -> /b"]
[0.100, "m", "forward Local db:5432 closed, in 10 bytes, out 20 bytes"]
[0.700, "x", "3"]
[0.000, "m", "note: goodbye"]
[0.000, "m", "end: client_closed"]
"#
    .replace("AAA", &"a".repeat(300));
    assert_eq!(cast(0, &sample().concat()), expected);
}

#[test]
fn statements_are_shown_with_their_ends() {
    let statement = Statement {
        statement: 1,
        text_bytes: 30,
        text: b"select \x1b[31m* from customer where id = $1".as_slice().into(),
        parameters: vec![Parameter { bytes: 1, binary: false, value: Some(b"7".as_slice().into()) }],
    };
    let end = StatementEnd {
        statement: 1,
        duration_us: 12_345,
        rows: 1,
        bytes_out: 20,
        tag: "SELECT 1".into(),
        ..StatementEnd::default()
    };
    let refused =
        StatementEnd { outcome: StatementOutcome::Refused, error: "no DDL here".into(), ..StatementEnd::default() };
    let frames = [
        Frame { at_us: 1_000, kind: FrameKind::Statement(statement) },
        Frame { at_us: 13_345, kind: FrameKind::StatementEnd(end) },
        Frame { at_us: 20_000, kind: FrameKind::StatementEnd(refused) },
    ];
    assert_eq!(
        text(None, &frames),
        "/* 1 */ select * from customer where id = $1\n--   $1 = 7\n\
         -- 1: SELECT 1, 1 rows, 20 bytes out, 12.345 ms\n-- 0: REFUSED: no DDL here\n"
    );
    assert!(cast(0, &frames).ends_with("[0.007, \"o\", \"-- 0: REFUSED: no DDL here\\r\\n\"]\n"));
    let mut json = String::new();
    json_line(&frames[0], &mut json);
    assert!(json.starts_with("{\"at_us\":1000,\"kind\":\"statement\",\"statement\":1,\"text_bytes\":30,"), "{json}");
}

#[test]
fn a_command_without_a_terminal_becomes_an_asciicast_of_the_usual_size() {
    let frames = [
        Frame { at_us: 5_000, kind: FrameKind::Exec { channel: 4, command: b"true".to_vec().into() } },
        Frame { at_us: 7_000, kind: FrameKind::output(4, b"x") },
    ];
    let expected = "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24},\"timestamp\":0,\"title\":\"\",\"command\":\"true\"}\n\
                    [0.007, \"o\", \"x\"]\n";
    assert_eq!(cast(4, &frames), expected);
    assert_eq!(cast(9, &[]).lines().count(), 1);
}

#[test]
fn intervals_add_up_to_the_time_that_passed() {
    let frames: Vec<_> = (1..=1000).map(|n| Frame { at_us: n * 1_600, kind: FrameKind::output(0, b"x") }).collect();
    let total: f64 = cast(0, &frames)
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<(f64, String, String)>(line).unwrap().0)
        .sum();
    assert!((total - 1.6).abs() < 1e-6, "{total}");
}

#[test]
fn characters_split_between_frames_are_put_together() {
    let split = "é😀".as_bytes();
    let mut frames: Vec<_> =
        split.iter().map(|byte| Frame { at_us: 0, kind: FrameKind::output(0, std::slice::from_ref(byte)) }).collect();
    frames.push(Frame { at_us: 0, kind: FrameKind::output(0, b"\xff.\xf0\x9f") });
    let shown: String = cast(0, &frames)
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<(f64, String, String)>(line).unwrap().2)
        .collect();
    assert_eq!(shown, "é😀\u{fffd}.\u{fffd}");
    assert_eq!(text(None, &frames), "é😀\u{fffd}.");
}

#[test]
fn plain_text_obeys_nothing() {
    let check = |data: &[u8], expected: &str| {
        let whole = [Frame { at_us: 0, kind: FrameKind::output(0, data) }];
        assert_eq!(text(Some(0), &whole), expected, "{data:?}");
        let bytewise: Vec<_> = data
            .iter()
            .map(|byte| Frame { at_us: 0, kind: FrameKind::output(0, std::slice::from_ref(byte)) })
            .collect();
        assert_eq!(text(Some(0), &bytewise), expected, "{data:?} byte by byte");
        assert_eq!(text(Some(1), &whole), "");
    };
    check(b"a\x1b[31;1mred\x1b[0m\r\nb\r\rc\td", "ared\nb\nc\td");
    check(b"\x1b]0;title\x07x\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\y", "xlinky");
    check(b"\x1bP1$r0m\x1b\\z\x1b(Bq\x1b7\x08\x00w", "zqw");
    check("\u{9b}31mred\u{9d}title\u{9c}.".as_bytes(), "red.");
    check(b"\x1b]0;never ends", "");
}

#[test]
fn json_names_every_field_and_keeps_bytes_that_are_no_text() {
    let mut out = String::new();
    sample().concat().iter().for_each(|frame| json_line(frame, &mut out));
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), sample().concat().len());
    assert_eq!(lines[0]["kind"], "start");
    assert_eq!(lines[0]["capabilities"][1], "exec");
    assert_eq!(lines[4]["data"], "\u{1b}[1mroot\u{1b}[0m# ");
    assert_eq!(lines[9]["command"]["base64"], "Y2F0IP8=");
    assert_eq!(lines[11]["status"]["signal"], "TERM");
    assert_eq!(lines[13]["forward"], "local");
    assert_eq!(lines[14]["status"]["code"], 3);
}

#[test]
fn the_first_terminal_is_picked_else_the_first_that_wrote() {
    let mut pick = TerminalPick::default();
    assert_eq!(pick.channel(), None);
    let exec = Frame { at_us: 0, kind: FrameKind::Exec { channel: 5, command: b"x".to_vec().into() } };
    assert!(!pick.look(&exec));
    assert_eq!(pick.channel(), Some(5));
    let terminal = Frame { at_us: 0, kind: FrameKind::Terminal { channel: 7, term: "".into(), cols: 1, rows: 1 } };
    assert!(pick.look(&terminal));
    assert_eq!(pick.channel(), Some(7));
}

proptest! {
    #[test]
    fn every_frame_can_be_exported(frames in proptest::collection::vec(any_frame(), 0..8), channel in any::<u32>()) {
        for line in cast(channel, &frames).lines() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
        }
        let mut json = String::new();
        frames.iter().for_each(|frame| json_line(frame, &mut json));
        prop_assert_eq!(json.lines().count(), frames.len());
        let plain = text(None, &frames);
        prop_assert!(plain.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')));
    }

    #[test]
    fn portions_make_no_difference_to_text(data in proptest::collection::vec(any::<u8>(), 0..60), portion in 1usize..9) {
        let mut stream = Utf8Stream::default();
        let mut shown = String::new();
        data.chunks(portion).for_each(|part| stream.decode(part, &mut shown));
        stream.finish(&mut shown);
        prop_assert_eq!(shown, String::from_utf8_lossy(&data));
    }
}

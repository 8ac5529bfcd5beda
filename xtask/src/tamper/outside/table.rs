//! The edits.

use std::fs;

use serde_json::json;

use super::Case;
use super::desk::{Desk, checkpoint, signer};

const LEDGER: &[&str] = &["ledger", "ledger", "--key", "ledger.pub", "--recordings", "recordings"];
const RECORDING: &[&str] = &["recording", "recordings/ses_a.rec", "--ledger", "ledger", "--key", "ledger.pub"];
const REPORT: &[&str] = &["report", "report.note", "report.json", "report.csv", "report.pdf", "--key", "ledger.pub"];
const EXPORT: &[&str] = &["proof", "export.jsonl", "--key", "ledger.pub"];
const PROOF: &[&str] = &["proof", "proof.json", "--key", "ledger.pub"];
const GROWTH: &[&str] = &["growth", "older", "newer", "--ledger", "ledger", "--key", "ledger.pub"];
const WITNESSED: &[&str] =
    &["ledger", "ledger", "--key", "ledger.pub", "--witness", "witness-a.pub", "--witness", "witness-b.pub"];
const WATCH: &[&str] = &["watch", "ledger", "--key", "ledger.pub", "--state", "state", "--once"];

pub(super) fn cases() -> Vec<Case> {
    let case = |name, check, says, edit| Case { name, check, edit, says };
    [recordings(case).as_slice(), reports(case).as_slice(), proofs(case).as_slice(), histories(case).as_slice()]
        .concat()
}

type Edit = fn(&Desk) -> anyhow::Result<()>;
type Make = fn(&'static str, &'static [&'static str], &'static str, Edit) -> Case;

fn recordings(case: Make) -> Vec<Case> {
    const A: &str = "recording of ses_a (leaf 1)";
    const FILE: &str = "recordings/ses_a.rec";
    vec![
        case("a bit of a recording", LEDGER, A, |desk| desk.bytes(FILE, |bytes| flip(bytes, 300))),
        case("a recording's last byte", LEDGER, A, |desk| {
            desk.bytes(FILE, |bytes| {
                let last = bytes.len() - 1;
                flip(bytes, last);
            })
        }),
        case("a recording cut in half", LEDGER, "recording of ses_a (leaf 1): was cut", |desk| {
            desk.bytes(FILE, |bytes| bytes.truncate(bytes.len() / 2))
        }),
        case("a recording cut in its header", LEDGER, A, |desk| desk.bytes(FILE, |bytes| bytes.truncate(20))),
        case("an empty recording", LEDGER, A, |desk| desk.bytes(FILE, Vec::clear)),
        case("a recording with a byte more", LEDGER, "(leaf 1): has bytes after its end", |desk| {
            desk.bytes(FILE, |bytes| bytes.push(0))
        }),
        case("a recording without a chunk", LEDGER, A, |desk| desk.bytes(FILE, |bytes| drop(bytes.drain(150..260)))),
        case("a recording that is gone", LEDGER, "recording of ses_a (leaf 1): is missing", |desk| {
            Ok(fs::remove_file(desk.at(FILE))?)
        }),
        case(
            "another session's recording in its place",
            LEDGER,
            "(leaf 1): is the recording of another session",
            |desk| fs::copy(desk.at("recordings/ses_b.rec"), desk.at(FILE)).map(|_| ()).map_err(Into::into),
        ),
        case("another session's recording under its name", LEDGER, A, |desk| {
            fs::copy(desk.at("recordings/ses_b.rec"), desk.at(FILE))?;
            desk.bytes(FILE, |bytes| {
                if let Some(at) = bytes.windows(5).position(|part| part == b"ses_b") {
                    flip_to(bytes, at + 4, b'a');
                }
            })
        }),
        case("a recording that no session has", LEDGER, "recording of ses_x: the ledger says of no session", |desk| {
            fs::copy(desk.at(FILE), desk.at("recordings/ses_x.rec")).map(|_| ()).map_err(Into::into)
        }),
        case("one recording, altered", RECORDING, A, |desk| desk.bytes(FILE, |bytes| flip(bytes, 200))),
        case("one recording, with another ledger", RECORDING, "ledger: ", |desk| {
            desk.write("ledger.pub", signer(2)?.verifier().to_string())
        }),
    ]
}

fn reports(case: Make) -> Vec<Case> {
    vec![
        case("a figure in a report's JSON", REPORT, "report.json: is not what was signed", |desk| {
            desk.edit("report.json", "42", "41")
        }),
        case("a row out of a report's CSV", REPORT, "report.csv: is not what was signed", |desk| {
            desk.edit("report.csv", "pci-dss,8.6.3,false,7\n", "")
        }),
        case("a word in a report's PDF", REPORT, "report.pdf: is not what was signed", |desk| {
            desk.edit("report.pdf", "42 accounts", "43 accounts")
        }),
        case("what a report's note says", REPORT, "report.note: the signature is not good", |desk| {
            desk.edit("report.note", "pci-dss", "sox-itg")
        }),
        case("a line more in a report's note", REPORT, "report.note: the signature is not good", |desk| {
            desk.edit("report.note", "\n\n", "\nexceptions 0\n\n")
        }),
        case("a note that nobody signed", REPORT, "report.note: not a signed note", |desk| {
            let text = fs::read_to_string(desk.at("report.note"))?;
            let (text, _) = text.split_once("\n\n").unwrap_or_default();
            desk.write("report.note", format!("{text}\n"))
        }),
        case("a report that a stranger signed", REPORT, "report.note: not signed by the expected key", |desk| {
            desk.report("report", "pci-dss", &signer(2)?)
        }),
        case("a stranger's key under the same name", REPORT, "report.note: ", |desk| {
            desk.write("ledger.pub", signer(2)?.verifier().to_string())
        }),
        case("another report's file", REPORT, "report.json: is not what was signed", |desk| {
            desk.report("other", "sox", &signer(1)?)?;
            Ok(fs::rename(desk.at("other.json"), desk.at("report.json"))?)
        }),
        case("another report's note", REPORT, "report.json: is not what was signed", |desk| {
            desk.report("other", "sox", &signer(1)?)?;
            Ok(fs::rename(desk.at("other.note"), desk.at("report.note"))?)
        }),
        case("a checkpoint for a note", REPORT, "report.note: is signed, but is no statement", |desk| {
            desk.write("report.note", checkpoint()?)
        }),
        case("a file that is gone", REPORT, "report.pdf: ", |desk| Ok(fs::remove_file(desk.at("report.pdf"))?)),
    ]
}

fn proofs(case: Make) -> Vec<Case> {
    vec![
        case("what an exported event says", EXPORT, "line 9: event 7: the event is not the one in the leaf", |desk| {
            desk.line(8, |line| line["event"]["target"] = json!("nobody"))
        }),
        case("an exported leaf", EXPORT, "line 9: event 7: the hash is not that of the leaf", |desk| {
            desk.line(8, |line| line["leaf"] = json!("e30="))
        }),
        case("an exported leaf with its hash", EXPORT, "line 9: event 7: is not in the signed log", |desk| {
            desk.line(8, |line| {
                line["leaf"] = json!("e30=");
                line["event"] = json!({});
                line["hash"] = json!(hex::encode(postern_ledger::leaf_hash(b"{}").0));
            })
        }),
        case("a hash of an exported path", EXPORT, "line 9: event 7: is not in the signed log", |desk| {
            desk.line(8, |line| line["path"][2] = json!("00".repeat(32)))
        }),
        case("an exported path without its end", EXPORT, "line 9: event 7: is not in the signed log", |desk| {
            desk.line(8, |line| drop(line["path"].as_array_mut().and_then(Vec::pop)))
        }),
        case("an exported event's place", EXPORT, "line 9: event 8: is not in the signed log", |desk| {
            desk.line(8, |line| line["index"] = json!(8))
        }),
        case("an exported event twice", EXPORT, "line 10: event 7: stands after a later one", |desk| {
            let text = fs::read_to_string(desk.at("export.jsonl"))?;
            let line = text.lines().nth(8).unwrap_or_default();
            desk.write("export.jsonl", text.replacen(line, &format!("{line}\n{line}"), 1))
        }),
        case("an export's size", EXPORT, "the checkpoint is not the one", |desk| {
            desk.line(0, |line| line["size"] = json!(299))
        }),
        case("an export's checkpoint", EXPORT, "the checkpoint: the signature is not good", |desk| {
            desk.edit("export.jsonl", "\\n300\\n", "\\n299\\n")
        }),
        case("an export's checkpoint by a stranger", EXPORT, "the checkpoint: not signed", |desk| {
            desk.write("ledger.pub", signer(2)?.verifier().to_string())
        }),
        case("a proof's leaf", PROOF, "proof.json: the hash is not that of the leaf", |desk| {
            desk.edit("proof.json", "\"leaf\": \"ey", "\"leaf\": \"ez")
        }),
        case("a proof's place", PROOF, "proof.json: is not in the signed log", |desk| {
            desk.edit("proof.json", "\"index\": 7", "\"index\": 6")
        }),
    ]
}

fn histories(case: Make) -> Vec<Case> {
    vec![
        case("a ledger set back, between two checkpoints", GROWTH, "THE LEDGER SHRANK", |desk| {
            fs::rename(desk.at("newer"), desk.at("middle"))?;
            fs::rename(desk.at("older"), desk.at("newer"))?;
            Ok(fs::rename(desk.at("middle"), desk.at("older"))?)
        }),
        case("another history by the same key, between two", GROWTH, "THE LEDGER FORKED: the first 200", |desk| {
            desk.fork(300)
        }),
        case("an older checkpoint that nobody signed", GROWTH, "the older checkpoint: the signature", |desk| {
            desk.edit("older", "\n200\n", "\n201\n")
        }),
        case("a ledger set back behind its witnesses", WITNESSED, "witness-a: THE LEDGER WAS SET BACK", |desk| {
            desk.set_back(250)
        }),
        case("another history than witnesses saw", WITNESSED, "witness-a: THE LEDGER FORKED", |desk| desk.fork(300)),
        case("a cosignature", WITNESSED, "witnesses: witness-b: the signature is not good", |desk| {
            desk.bytes(&desk.cosigned()?, |bytes| {
                let at = bytes.len() - 20;
                flip_to(bytes, at, b'A');
                flip_to(bytes, at + 1, b'b');
            })
        }),
        case("what a witness saw", WITNESSED, "witnesses: witness-b: the signature is not good", |desk| {
            desk.edit(&desk.cosigned()?, "\n300\n", "\n200\n")
        }),
        case(
            "another witness's cosignature",
            WITNESSED,
            "1 of 2 have seen it; there is nothing by witness-b",
            |desk| {
                let name = desk.cosigned()?;
                let text = fs::read_to_string(desk.at(&name))?;
                let lines: Vec<_> = text.lines().filter(|line| !line.contains("witness-b")).collect();
                desk.write(&name, lines.join("\n") + "\n")
            },
        ),
        case("what a witness saw, gone", WITNESSED, "1 of 2 have seen it; there is nothing by witness-b", |desk| {
            Ok(fs::remove_file(desk.at(&desk.cosigned()?))?)
        }),
        case("a watched ledger that shrinks", WATCH, "THE LEDGER SHRANK", |desk| desk.set_back(150)),
        case("a watched ledger that forks", WATCH, "THE LEDGER FORKED", |desk| desk.fork(300)),
        case("a watched ledger that is gone", WATCH, "THE LEDGER IS GONE", |desk| {
            Ok(fs::remove_file(desk.at("ledger/checkpoint"))?)
        }),
        case("a watched ledger that somebody else signs", WATCH, "THE CHECKPOINT IS NOT SIGNED", |desk| {
            desk.edit("ledger/checkpoint", "\n300\n", "\n400\n")
        }),
        case("what a watcher remembers", WATCH, "state: the signature is not good", |desk| {
            desk.edit("state", "\n200\n", "\n20\n")
        }),
    ]
}

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

fn flip_to(bytes: &mut [u8], at: usize, to: u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to;
    }
}

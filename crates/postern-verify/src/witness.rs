//! A witness (C2SP `tlog-witness`): logs show it their checkpoints with proof that they grew; it remembers the
//! newest of each, refuses what shrank or forked, says when it saw the rest, and tells its people what it refused.
//!
//! Run by somebody else than Postern, on another machine, it is what keeps Postern's own operators honest: from
//! then on the ledger has one history, or somebody hears of two.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use postern_ledger::Hash;
use postern_ledger::hash::sha256_hex;
use postern_ledger::note::{Checkpoint, NOTE_BYTES_MAX, Verifier, WitnessSigner};
use postern_ledger::proof::verify_consistency;

use crate::watch::{keep, tell};

/// The most hashes in a proof of growth (C2SP).
const PROOF_MAX: usize = 63;
/// The longest request: a proof and a note.
const BODY_LEN_MAX: usize = NOTE_BYTES_MAX + 8 * 1024;

/// A witness, ready to see.
pub struct Witnessing {
    /// Its key.
    pub signer: WitnessSigner,
    /// The logs that it sees, by their keys.
    pub logs: Vec<Verifier>,
    /// A folder in which the newest checkpoint of each is kept.
    pub state: PathBuf,
    /// What is run when a log shrank, forked or fell silent, the text on its input.
    pub tell: Option<String>,
    /// How long a log may be silent.
    pub silence: Option<Duration>,
}

struct Shared {
    witnessing: Witnessing,
    /// When each log was heard last, by its name. Held while one is looked at: one at a time.
    heard: Mutex<BTreeMap<String, Instant>>,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// The cosignature's line.
    Seen(String),
    /// No such log.
    Unknown,
    /// Not signed by the log.
    Unsigned,
    /// Not a request.
    Malformed(&'static str),
    /// What is known of the log is another size.
    Stale(u64),
    /// It is not what the log grew to.
    Refused(String),
    /// It cannot be remembered.
    Failed(String),
}

/// Answers logs until it is cancelled.
///
/// # Errors
/// When the folder cannot be used or the connection is lost.
pub async fn serve(witnessing: Witnessing, listener: tokio::net::TcpListener) -> anyhow::Result<()> {
    std::fs::create_dir_all(&witnessing.state)?;
    let heard = witnessing.logs.iter().map(|log| (log.name().to_owned(), Instant::now())).collect();
    let shared = Arc::new(Shared { witnessing, heard: Mutex::new(heard) });
    tokio::spawn(listen_for_silence(shared.clone()));
    let app =
        Router::new().route("/add-checkpoint", post(add)).layer(DefaultBodyLimit::max(BODY_LEN_MAX)).with_state(shared);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn add(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let answer = tokio::task::spawn_blocking(move || shared.look(&body)).await;
    match answer.unwrap_or_else(|error| Answer::Failed(error.to_string())) {
        Answer::Seen(line) => line.into_response(),
        Answer::Unknown => (StatusCode::NOT_FOUND, "this log is not witnessed here\n").into_response(),
        Answer::Unsigned => (StatusCode::FORBIDDEN, "not signed by the log\n").into_response(),
        Answer::Malformed(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Answer::Stale(size) => {
            let size = format!("{size}\n");
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], size).into_response()
        }
        Answer::Refused(why) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{why}\n")).into_response(),
        Answer::Failed(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response(),
    }
}

async fn listen_for_silence(shared: Arc<Shared>) {
    let Some(silence) = shared.witnessing.silence else { return };
    loop {
        tokio::time::sleep(silence.min(Duration::from_secs(60))).await;
        let shared = shared.clone();
        let _ = tokio::task::spawn_blocking(move || shared.tell_silent(silence)).await;
    }
}

impl Shared {
    fn look(&self, body: &[u8]) -> Answer {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = self.witnessing.look(body);
        if let Answer::Seen(_) = &answer
            && let Some((log, _)) = request(body).and_then(|asked| self.witnessing.log(asked.note))
        {
            heard.insert(log.name().to_owned(), Instant::now());
        }
        answer
    }

    fn tell_silent(&self, silence: Duration) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for (log, at) in heard.iter_mut().filter(|(_, at)| at.elapsed() > silence) {
            self.witnessing.say(&format!("{log}: THE LEDGER IS SILENT for {} seconds", at.elapsed().as_secs()));
            *at = Instant::now();
        }
    }
}

/// What a log asks.
struct Asked<'a> {
    old: u64,
    proof: Vec<Hash>,
    note: &'a [u8],
}

fn request(body: &[u8]) -> Option<Asked<'_>> {
    let text = str::from_utf8(body).ok()?;
    let (head, note) = text.split_once("\n\n")?;
    let mut lines = head.lines();
    let number = lines.next()?.strip_prefix("old ")?;
    let old: u64 = number.parse().ok().filter(|old: &u64| old.to_string() == number)?;
    let proof: Vec<_> = lines.map(Hash::from_base64).collect::<Option<_>>()?;
    (proof.len() <= PROOF_MAX).then_some(Asked { old, proof, note: note.as_bytes() })
}

impl Witnessing {
    /// The log that a note says that it is of.
    fn log(&self, note: &[u8]) -> Option<(&Verifier, PathBuf)> {
        let origin = note.split(|byte| *byte == b'\n').next()?;
        let log = self.logs.iter().find(|log| log.name().as_bytes() == origin)?;
        Some((log, self.state.join(sha256_hex(origin))))
    }

    fn look(&self, body: &[u8]) -> Answer {
        let Some(Asked { old, proof, note }) = request(body) else {
            return Answer::Malformed("write `old SIZE`, the proof, an empty line and the checkpoint");
        };
        let Some((log, file)) = self.log(note) else { return Answer::Unknown };
        let Ok(new) = Checkpoint::open(note, log) else { return Answer::Unsigned };
        if old > new.size {
            return Answer::Malformed("the older size is larger than the checkpoint's");
        }
        let known = match known(&file, log) {
            Ok(known) => known,
            Err(error) => return Answer::Failed(format!("what was seen before cannot be read: {error:#}")),
        };
        let (size, root) = known.map_or((0, postern_ledger::empty_root()), |known| (known.size, known.root));
        if new.size < size {
            self.say(&format!("{}: THE LEDGER SHRANK: {} leaves are signed, {size} were seen", log.name(), new.size));
        }
        if old != size {
            return Answer::Stale(size);
        }
        if verify_consistency(size, &root, new.size, &new.root, &proof).is_err() {
            let why =
                format!("{}: THE LEDGER FORKED: {} leaves do not begin with the {size} seen", log.name(), new.size);
            self.say(&why);
            return Answer::Refused(why);
        }
        if let Err(error) = keep(&file, note) {
            return Answer::Failed(format!("it cannot be remembered: {error}"));
        }
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.signer.cosign(note, time).map_or_else(|error| Answer::Failed(error.to_string()), Answer::Seen)
    }

    fn say(&self, text: &str) {
        eprintln!("postern-verify: {text}");
        if let Some(command) = &self.tell
            && let Err(error) = tell(command, text)
        {
            eprintln!("postern-verify: nobody could be told: {error:#}");
        }
    }
}

/// The newest checkpoint that was seen of a log.
fn known(file: &std::path::Path, log: &Verifier) -> anyhow::Result<Option<Checkpoint>> {
    if !file.try_exists()? {
        return Ok(None);
    }
    Ok(Some(Checkpoint::open(crate::note(file)?, log)?))
}

#[cfg(test)]
mod tests {
    use postern_ledger::note::Signer;
    use postern_ledger::{Tree, leaf_hash};

    use super::*;

    fn tree(leaves: &[&str]) -> Tree {
        let mut tree = Tree::new();
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf.as_bytes())));
        tree
    }

    fn asked(signer: &Signer, old: u64, leaves: &[&str], proof: &[Hash]) -> Vec<u8> {
        let tree = tree(leaves);
        let checkpoint =
            Checkpoint { origin: signer.verifier().name().to_owned(), size: tree.size(), root: tree.root() };
        let proof: String = proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
        format!("old {old}\n{proof}\n{}", checkpoint.sign(signer).unwrap()).into_bytes()
    }

    #[test]
    fn a_log_is_seen_to_grow_and_not_to_shrink_or_fork() {
        let folder = tempfile::tempdir().unwrap();
        let (log, stranger) =
            (Signer::from_seed("log.test", &[1; 32]).unwrap(), Signer::from_seed("log.test", &[3; 32]).unwrap());
        let told = folder.path().join("told");
        let witnessing = Witnessing {
            signer: WitnessSigner::from_seed("witness.test", &[2; 32]).unwrap(),
            logs: vec![log.verifier().clone()],
            state: folder.path().to_owned(),
            tell: Some(format!("cat >> '{}'", told.display())),
            silence: None,
        };
        let seen = |body: &[u8]| witnessing.look(body);
        let first = asked(&log, 0, &["a", "b"], &[]);
        let Answer::Seen(line) = seen(&first) else { panic!() };
        let (_, note) = str::from_utf8(&first).unwrap().split_once("\n\n").unwrap();
        assert!(witnessing.signer.witness().seen(format!("{note}{line}").as_bytes()).unwrap().is_some());
        // The same again from what it was; the size that is known to whoever asks from another.
        assert!(matches!(seen(&asked(&log, 2, &["a", "b"], &[])), Answer::Seen(_)));
        assert_eq!(seen(&asked(&log, 0, &["a", "b", "c"], &[])), Answer::Stale(2));
        assert!(!told.exists());
        assert!(matches!(seen(&asked(&log, 2, &["a", "X", "c"], &[leaf_hash(b"c")])), Answer::Refused(_)));
        assert!(matches!(seen(&asked(&log, 2, &["a", "X"], &[])), Answer::Refused(_)));
        assert_eq!(seen(&asked(&log, 1, &["a"], &[])), Answer::Stale(2));
        let text = std::fs::read_to_string(&told).unwrap();
        assert!(text.matches("FORKED").count() == 2 && text.contains("SHRANK"), "{text}");
        assert!(matches!(seen(&asked(&log, 2, &["a", "b", "c"], &[leaf_hash(b"c")])), Answer::Seen(_)));
        assert_eq!(seen(&asked(&stranger, 3, &["a", "b", "c"], &[])), Answer::Unsigned);
        let other = Signer::from_seed("other.test", &[1; 32]).unwrap();
        assert_eq!(seen(&asked(&other, 0, &["a"], &[])), Answer::Unknown);
        for wrong in
            [b"" as &[u8], b"old 1", b"old x\n\nlog.test\n", b"old 01\n\nlog.test\n", b"old 1\n%%\n\nlog.test\n"]
        {
            assert!(matches!(seen(wrong), Answer::Malformed(_)), "{wrong:?}");
        }
    }
}

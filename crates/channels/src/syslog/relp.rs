//! RELP, the Reliable Event Logging Protocol: syslog in which the other side says what it has taken.
//!
//! Source: librelp, `doc/relp.html`: a frame is `TXNR SP COMMAND SP DATALEN [SP DATA] LF`; each is answered
//! by a frame of the same number with the command `rsp` and data that begins with 200 when it was taken.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};

use super::{Stream, Way};

/// The longest answer, in bytes.
const ANSWER_LEN_MAX: usize = 16 * 1024;
/// The longest word of a frame's head.
const WORD_LEN_MAX: usize = 32;
/// The highest number of a frame; after it comes 1.
const NUMBER_MAX: u32 = 999_999_999;
const OFFER: &str = "relp_version=0\nrelp_software=postern\ncommands=syslog";

#[derive(Default)]
pub(super) struct Relp {
    connection: Option<Connection>,
}

struct Connection {
    stream: BufStream<Box<dyn Stream>>,
    /// The number of the last frame that was sent.
    number: u32,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    number: u32,
    command: String,
    data: Vec<u8>,
}

impl Relp {
    /// Sends the messages; done once each of them was taken.
    pub(super) async fn send(&mut self, way: &Way, messages: &[String]) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", way.address);
        // Put back only when all went well: after anything else nobody knows what comes next on it.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let mut connection = Connection { stream: BufStream::new(way.connect().await?), number: 0 };
                connection.send("open", &[OFFER.to_owned()]).await.map_err(told)?;
                connection
            }
        };
        connection.send("syslog", messages).await.map_err(told)?;
        self.connection = Some(connection);
        Ok(())
    }
}

impl Connection {
    /// Sends a frame for each of `texts`, and waits until all were taken.
    async fn send(&mut self, command: &str, texts: &[String]) -> std::io::Result<()> {
        let mut wanted = std::collections::BTreeSet::new();
        for text in texts {
            self.number = if self.number >= NUMBER_MAX { 1 } else { self.number + 1 };
            wanted.insert(self.number);
            let head = format!("{} {command} {} ", self.number, text.len());
            self.stream.write_all(head.as_bytes()).await?;
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.write_all(b"\n").await?;
        }
        self.stream.flush().await?;
        while !wanted.is_empty() {
            let frame = read(&mut self.stream).await?;
            let said = || String::from_utf8_lossy(&frame.data).chars().take(200).collect::<String>();
            match frame.command.as_str() {
                "rsp" if frame.data.starts_with(b"200") => drop(wanted.remove(&frame.number)),
                "rsp" => return Err(std::io::Error::other(format!("the log server answered: {}", said()))),
                _ => return Err(std::io::Error::other("the log server hung up")),
            }
        }
        Ok(())
    }
}

async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Frame> {
    let wrong = || std::io::Error::other("the log server does not speak RELP");
    let number = word(stream, b' ').await?.parse().map_err(|_| wrong())?;
    let command = word(stream, b' ').await?;
    // The length is followed by the data, or by the frame's end where there are none.
    let mut length = String::new();
    let mut end = 0;
    while length.len() < WORD_LEN_MAX {
        let byte = stream.read_u8().await?;
        if byte == b' ' || byte == b'\n' {
            end = byte;
            break;
        }
        length.push(char::from(byte));
    }
    let length: usize = length.parse().map_err(|_| wrong())?;
    if end == 0 || length > ANSWER_LEN_MAX || (end == b'\n' && length > 0) {
        return Err(wrong());
    }
    let mut data = vec![0; length];
    stream.read_exact(&mut data).await?;
    if end == b' ' && stream.read_u8().await? != b'\n' {
        return Err(wrong());
    }
    Ok(Frame { number, command, data })
}

/// What comes before `end`, which is taken too.
async fn word(stream: &mut (impl AsyncBufRead + Unpin), end: u8) -> std::io::Result<String> {
    let mut word = Vec::new();
    let mut bounded = stream.take(u64::try_from(WORD_LEN_MAX).unwrap_or(u64::MAX));
    bounded.read_until(end, &mut word).await?;
    match word.pop() {
        Some(byte) if byte == end => Ok(String::from_utf8_lossy(&word).into_owned()),
        Some(_) => Err(std::io::Error::other("the log server does not speak RELP")),
        None => Err(std::io::Error::other("the log server hung up")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read_all(bytes: &[u8]) -> std::io::Result<Frame> {
        read(&mut tokio::io::BufReader::new(bytes)).await
    }

    #[tokio::test]
    async fn answers_are_read_and_others_refused() {
        let frame =
            |number, command: &str, data: &[u8]| Frame { number, command: command.to_owned(), data: data.to_vec() };
        assert_eq!(read_all(b"7 rsp 6 200 OK\n").await.unwrap(), frame(7, "rsp", b"200 OK"));
        assert_eq!(read_all(b"0 serverclose 0\n").await.unwrap(), frame(0, "serverclose", b""));
        assert_eq!(read_all(b"0 serverclose 0 \n").await.unwrap(), frame(0, "serverclose", b""));
        for wrong in [b"" as &[u8], b"x rsp 6 200 OK\n", b"7 rsp 999999 200", b"7 rsp 6\n", b"7 rsp 6 200 OK!", b"7"] {
            assert!(read_all(wrong).await.is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read_all(&bytes));
        }
    }
}

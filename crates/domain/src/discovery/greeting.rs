//! What a server is, told from the first bytes that it says. They are a stranger's: nothing in them is
//! believed beyond what it looks like.

use crate::asset::Platform;

/// What is sent to a server before it has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing: it speaks first, or not at all.
    Nothing,
    /// PostgreSQL's SSLRequest.
    PostgresTls,
    /// Redis' PING.
    RedisPing,
}

impl Question {
    /// What is asked where a port suggests a platform.
    #[must_use]
    pub const fn of(suggested: Platform) -> Self {
        match suggested {
            Platform::Postgresql => Self::PostgresTls,
            Platform::Redis => Self::RedisPing,
            Platform::Linux | Platform::NetworkDevice | Platform::Mysql | Platform::Ldap => Self::Nothing,
        }
    }

    /// Its bytes. SSLRequest is eight bytes: its length and the number 80877103.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Nothing => b"",
            Self::PostgresTls => &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f],
            Self::RedisPing => b"PING\r\n",
        }
    }
}

/// What a server was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The platform.
    pub platform: Platform,
    /// What it said, for people.
    pub banner: String,
}

/// The platform that these first bytes are of; none where they are of none that is known, or too few.
#[must_use]
pub fn recognise(said: &[u8], asked: Question, suggested: Platform) -> Option<Greeting> {
    ssh(said, suggested).or_else(|| mysql(said)).or_else(|| match asked {
        Question::Nothing => None,
        Question::PostgresTls => postgres(said),
        Question::RedisPing => redis(said),
    })
}

/// What a server said that was not recognised, for people; none where there is nothing to be read.
#[must_use]
pub fn banner(said: &[u8]) -> Option<String> {
    let text = clean(said);
    (!text.is_empty()).then_some(text)
}

/// RFC 4253 section 4.2: other lines may come before the one that begins with `SSH-`.
fn ssh(said: &[u8], suggested: Platform) -> Option<Greeting> {
    let mut lines = said.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n"));
    let line = lines.find(|line| line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-"))?;
    let banner = clean(line);
    let is_device = suggested == Platform::NetworkDevice || DEVICES.iter().any(|name| banner.contains(name));
    Some(Greeting { platform: if is_device { Platform::NetworkDevice } else { Platform::Linux }, banner })
}

/// The first packet: three bytes of length, number 0, then version 10 with the server's version, or an
/// error, which a server that does not let this address in says at once.
fn mysql(said: &[u8]) -> Option<Greeting> {
    let [low, middle, high, 0, kind, rest @ ..] = said else { return None };
    let len = u32::from_le_bytes([*low, *middle, *high, 0]);
    if usize::try_from(len).ok()? > rest.len() + 1 || len < 4 {
        return None;
    }
    let text = match kind {
        10 => rest.split(|b| *b == 0).next().filter(|version| version.len() < rest.len())?,
        255 => rest.get(2..)?,
        _ => return None,
    };
    let is_text = !text.is_empty() && text.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    is_text.then(|| Greeting { platform: Platform::Mysql, banner: clean(text) })
}

fn postgres(said: &[u8]) -> Option<Greeting> {
    let banner = match said {
        b"S" => "answers with TLS",
        b"N" => "answers without TLS",
        _ => return None,
    };
    Some(Greeting { platform: Platform::Postgresql, banner: banner.to_owned() })
}

fn redis(said: &[u8]) -> Option<Greeting> {
    let is_redis = REDIS_ANSWERS.iter().any(|answer| said.starts_with(answer.as_bytes())) && said.ends_with(b"\n");
    is_redis.then(|| Greeting { platform: Platform::Redis, banner: clean(said) })
}

/// The first line that can be read, without control characters and not long.
fn clean(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said.get(..said.len().min(SAID_LEN_MAX)).unwrap_or_default());
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(BANNER_LEN_MAX).collect()
}

/// The most bytes of a server's first words that are looked at.
pub const SAID_LEN_MAX: usize = 4096;
const BANNER_LEN_MAX: usize = 200;
const DEVICES: [&str; 5] = ["Cisco", "ROSSSH", "JUNOS", "HUAWEI", "Comware"];
const REDIS_ANSWERS: [&str; 5] = ["+PONG", "-NOAUTH", "-DENIED", "-NOPERM", "-LOADING"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn platform(said: &[u8], asked: Question) -> Option<Platform> {
        recognise(said, asked, Platform::Ldap).map(|greeting| greeting.platform)
    }

    #[test]
    fn servers_are_known_by_what_they_say() {
        let nothing = Question::Nothing;
        assert_eq!(platform(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", nothing), Some(Platform::Linux));
        assert_eq!(platform(b"welcome\r\nSSH-2.0-x\r\n", nothing), Some(Platform::Linux));
        assert_eq!(platform(b"SSH-2.0-Cisco-1.25\r\n", nothing), Some(Platform::NetworkDevice));
        assert_eq!(platform(b"SSH-2.0-Open", nothing), None, "the line is not whole yet");
        assert_eq!(platform(b"\x09\0\0\0\x0a8.0.36\0", nothing), None, "the packet is not whole yet");
        assert_eq!(platform(b"\x08\0\0\0\x0a8.0.36\0", nothing), Some(Platform::Mysql));
        assert_eq!(platform(b"\x0a\0\0\0\xff\x6a\x04refused", nothing), Some(Platform::Mysql));
        assert_eq!(platform(b"S", Question::PostgresTls), Some(Platform::Postgresql));
        assert_eq!(platform(b"S", nothing), None);
        assert_eq!(platform(b"-NOAUTH Authentication required.\r\n", Question::RedisPing), Some(Platform::Redis));
        assert_eq!(platform(b"HTTP/1.1 400 Bad Request\r\n", Question::RedisPing), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_short_and_plain(said in prop::collection::vec(any::<u8>(), 0..600)) {
            let shown = banner(&said).into_iter().chain(
                [Question::Nothing, Question::PostgresTls, Question::RedisPing]
                    .into_iter()
                    .filter_map(|asked| recognise(&said, asked, Platform::Linux))
                    .map(|greeting| greeting.banner),
            );
            for text in shown {
                prop_assert!(text.len() <= BANNER_LEN_MAX && !text.chars().any(char::is_control));
            }
        }
    }
}

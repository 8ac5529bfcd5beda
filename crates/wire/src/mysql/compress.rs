//! Packets within compressed ones (MySQL Source Code Documentation, "Compression").
//!
//! A compressed packet has a head of seven bytes: how long it is, its number, and how long its content is
//! when unpacked, or zero where it is not packed. The packets of the protocol lie in the content as in a
//! stream: one may begin in one compressed packet and end in another.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::Error;

/// The length of a compressed packet's head.
pub const HEAD_LEN: usize = 7;
/// What is shorter is not packed, as servers do it.
const PACKED_LEN_MIN: usize = 50;
/// How much goes into one compressed packet.
pub const CONTENT_LEN_MAX: usize = 256 * 1024;

/// A compressed packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// Its content, unpacked: at most 16 MiB.
    pub content: Vec<u8>,
    /// How many bytes of the input it is.
    pub length: usize,
    /// Its number.
    pub number: u8,
}

/// The compressed packet at the front; none while it is not complete.
///
/// # Errors
/// When its content is not as long as it says, or not packed as it should be.
pub fn compressed(input: &[u8]) -> Result<Option<Compressed>, Error> {
    let Some(([a, b, c, number, x, y, z], rest)) = input.split_first_chunk::<HEAD_LEN>() else { return Ok(None) };
    let (length, unpacked) = (length(*a, *b, *c), length(*x, *y, *z));
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let content = if unpacked == 0 { body.to_vec() } else { unpack(body, unpacked)? };
    Ok(Some(Compressed { content, length: HEAD_LEN + length, number: *number }))
}

fn length(low: u8, middle: u8, high: u8) -> usize {
    usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16
}

/// Unpacks what must be `length` bytes; a byte more is enough to know that it is not.
fn unpack(body: &[u8], length: usize) -> Result<Vec<u8>, Error> {
    let malformed = Error::Malformed("a compressed packet");
    let most = u64::try_from(length).map_err(|_| malformed)?.saturating_add(1);
    let mut content = Vec::new();
    ZlibDecoder::new(body).take(most).read_to_end(&mut content).map_err(|_| malformed)?;
    if content.len() == length { Ok(content) } else { Err(malformed) }
}

/// Writes content as compressed packets, beginning with this number; gives the number after the last.
pub fn put_compressed(out: &mut Vec<u8>, mut number: u8, content: &[u8]) -> u8 {
    for part in content.chunks(CONTENT_LEN_MAX) {
        let packed = if part.len() < PACKED_LEN_MIN { None } else { pack(part).filter(|it| it.len() < part.len()) };
        let (body, unpacked) = packed.as_deref().map_or((part, 0), |packed| (packed, part.len()));
        let [a, b, c, ..] = u32::try_from(body.len()).unwrap_or(0).to_le_bytes();
        let [x, y, z, ..] = u32::try_from(unpacked).unwrap_or(0).to_le_bytes();
        out.extend_from_slice(&[a, b, c, number, x, y, z]);
        out.extend_from_slice(body);
        number = number.wrapping_add(1);
    }
    number
}

fn pack(part: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(part.len() / 2), Compression::fast());
    encoder.write_all(part).ok()?;
    encoder.finish().ok()
}

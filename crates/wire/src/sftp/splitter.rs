//! Packets out of a stream.

use super::PACKET_LEN_MAX;

/// What is wrong with a stream of packets. It cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A packet is longer than any that is taken.
    #[error("a packet is too long")]
    TooLong,
    /// A packet has no type.
    #[error("a packet is empty")]
    Empty,
}

/// Gathers a stream's bytes until they make a packet. Holds one packet at most.
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    /// The beginning of the next packet, with its length field.
    held: Vec<u8>,
}

impl Splitter {
    /// Takes the next bytes of the stream and calls `each` with every packet that they complete, its
    /// length field included. Packets that lie whole in `data` are not copied.
    ///
    /// # Errors
    /// When the stream is not one of packets. What came before was called with.
    pub fn split(&mut self, mut data: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        while !data.is_empty() {
            if self.held.is_empty() {
                match whole(data)? {
                    Some(len) => {
                        let (packet, rest) = data.split_at_checked(len).unwrap_or((data, &[]));
                        each(packet);
                        data = rest;
                    }
                    None => {
                        self.held.extend_from_slice(data);
                        return Ok(());
                    }
                }
            } else {
                data = self.hold(data)?;
                if whole(&self.held)?.is_some() {
                    each(&self.held);
                    // Given back when large, so that an idle transfer holds little.
                    self.held = Vec::new();
                }
            }
        }
        Ok(())
    }

    /// Whether the stream stands between two packets.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes from `data` what the packet that is held lacks; gives back the rest.
    fn hold<'a>(&mut self, data: &'a [u8]) -> Result<&'a [u8], Error> {
        if self.held.len() < LENGTH_LEN {
            let lacking = (LENGTH_LEN - self.held.len()).min(data.len());
            let (more, rest) = data.split_at_checked(lacking).unwrap_or((data, &[]));
            self.held.extend_from_slice(more);
            return Ok(rest);
        }
        let wanted = length(&self.held)?.unwrap_or(0);
        let lacking = wanted.saturating_sub(self.held.len()).min(data.len());
        let (more, rest) = data.split_at_checked(lacking).unwrap_or((data, &[]));
        self.held.reserve_exact(wanted.saturating_sub(self.held.len()));
        self.held.extend_from_slice(more);
        Ok(rest)
    }
}

/// The length of the packet that `data` begins with, its length field included, where that is there.
fn length(data: &[u8]) -> Result<Option<usize>, Error> {
    let Some((field, _)) = data.split_first_chunk::<LENGTH_LEN>() else { return Ok(None) };
    match usize::try_from(u32::from_be_bytes(*field)) {
        Ok(0) => Err(Error::Empty),
        Ok(len) if len <= PACKET_LEN_MAX => Ok(Some(len + LENGTH_LEN)),
        _ => Err(Error::TooLong),
    }
}

/// The same, where all of the packet is there.
fn whole(data: &[u8]) -> Result<Option<usize>, Error> {
    Ok(length(data)?.filter(|len| *len <= data.len()))
}

const LENGTH_LEN: usize = 4;

//! A dialogue with something that prompts: a device's command line.

use russh::ChannelMsg;
use russh::client;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::outcome::{Cause, Failure};
use crate::ssh::{late, protocol};
use crate::target::Limits;

/// A terminal session in which one side prompts and the other answers.
pub(crate) struct Dialogue {
    channel: russh::Channel<client::Msg>,
    limits: Limits,
    /// What was read and not yet taken; wiped, for a device may echo what it should not.
    pending: Zeroizing<Vec<u8>>,
}

impl Dialogue {
    pub(super) async fn open<H: client::Handler>(handle: &client::Handle<H>, limits: Limits) -> Result<Self, Failure> {
        let opening = async {
            let channel = handle.channel_open_session().await?;
            channel.request_pty(false, "vt100", 511, 0, 0, 0, &[]).await?;
            channel.request_shell(false).await?;
            Ok::<_, russh::Error>(channel)
        };
        let until = Instant::now() + limits.step;
        let channel = timeout_at(until, opening).await.map_err(|_| late())?.map_err(|error| protocol(&error))?;
        Ok(Self { channel, limits, pending: Zeroizing::new(Vec::new()) })
    }

    /// Sends a line.
    pub(crate) async fn send(&self, line: &str) -> Result<(), Failure> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\r');
        self.channel.data_bytes(bytes).await.map_err(|error| protocol(&error))
    }

    /// Reads until `accept` finds what it waits for at the end of what was read since the last time, and
    /// takes all of it.
    pub(crate) async fn read_until<T>(
        &mut self,
        mut accept: impl FnMut(&str) -> Option<T>,
    ) -> Result<(T, Zeroizing<String>), Failure> {
        let until = Instant::now() + self.limits.step;
        loop {
            let tail = self.pending.get(self.pending.len().saturating_sub(TAIL_LEN)..).unwrap_or_default();
            let tail = Zeroizing::new(String::from_utf8_lossy(tail).into_owned());
            if let Some(found) = accept(&tail) {
                let text = Zeroizing::new(String::from_utf8_lossy(&self.pending).into_owned());
                self.pending = Zeroizing::new(Vec::new());
                return Ok((found, text));
            }
            let message = timeout_at(until, self.channel.wait()).await.map_err(|_| {
                let seen: String = tail.lines().last().unwrap_or_default().chars().take(60).collect();
                Failure::new(Cause::Timeout, format_args!("the device does not prompt as expected; it says: {seen}"))
            })?;
            match message {
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    if self.pending.len() + data.len() > self.limits.answer_len_max {
                        return Err(Failure::new(Cause::Protocol, "the device answers without end"));
                    }
                    self.pending.extend_from_slice(&data);
                }
                Some(ChannelMsg::Close) | None => {
                    return Err(Failure::new(Cause::Protocol, "the device hung up"));
                }
                Some(_) => {}
            }
        }
    }
}

/// How much of the end is looked at, in bytes.
const TAIL_LEN: usize = 1024;

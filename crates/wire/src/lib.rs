//! Bytes to messages and back: the recording format. Pure.

pub mod recording;
pub mod sftp;

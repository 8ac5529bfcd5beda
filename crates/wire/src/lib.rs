//! Bytes to messages and back: the recording format, SFTP, PostgreSQL. Pure.

pub mod pg;
pub mod recording;
pub mod sftp;

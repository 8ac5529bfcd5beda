//! Bytes to messages and back: the recording format, SFTP, PostgreSQL, Redis. Pure.

pub mod pg;
pub mod recording;
pub mod redis;
pub mod sftp;

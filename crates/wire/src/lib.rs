//! Bytes to messages and back: the recording format, SFTP, PostgreSQL, MySQL, Redis. Pure.

pub mod mysql;
pub mod pg;
pub mod recording;
pub mod redis;
pub mod sftp;

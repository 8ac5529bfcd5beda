//! Bytes to messages and back: the recording format. Pure.

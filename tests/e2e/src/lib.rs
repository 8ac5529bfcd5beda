//! The harness: starts Postern and real servers on loopback with private ports and data folders.

//! SSH sessions through the gate.

//! The product against foreign clients and real servers, one file per subject.

#![allow(missing_docs)]

mod harness;

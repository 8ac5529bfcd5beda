//! The use cases and background jobs, one file per noun.

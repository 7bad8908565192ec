//! Changes of a record.

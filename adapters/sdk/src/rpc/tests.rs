//! Tests of the way over gRPC.

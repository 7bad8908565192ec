//! Tests of the RLP decoder.

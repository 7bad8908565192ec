//! The verifier against generated cases, properties and vectors of other projects.

mod cases;
mod properties;
mod vectors;

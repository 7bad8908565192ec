//! What every backend of the store owes.

mod kill;
mod suite;

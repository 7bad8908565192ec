//! The engine from outside, on fake chains: one program, for each costs a link of everything below it.

mod client;
mod handshake;
mod running;
mod sim;
mod simulation;
mod start;

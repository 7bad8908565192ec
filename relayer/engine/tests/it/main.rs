//! The engine from outside, on fake chains: one program, for each costs a link of everything below it.

mod batches;
mod clearing;
mod client;
mod evidence;
mod gauges;
mod handshake;
mod heads;
mod hearsay;
mod keys;
mod pages;
mod paths;
mod running;
mod sim;
mod simulation;
mod start;
mod waiting;

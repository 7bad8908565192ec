//! Four fake families of chains, in memory: they keep the seam honest, and give the engine something to run against from a seed.
//!
//! What they are not: chains to relay between, or cryptography. Who uses them: the engine's tests, the conformance suite's own tests, and
//! whoever writes an adapter and wants to see one that is complete.
//!
//! Nothing happens by itself: a test sends, moves the clock and mines ([`FakeWorld::tick`]); faults are switched on by
//! [`FakeChain::faults`]. The light client really checks, so every lie is refused by the name of a rule.
//!
//! | family | client height | evidence | absence | clock |
//! |---|---|---|---|---|
//! | [`FakeFamily::Lagged`] | revision and block | Merkle, in the header after | yes | header |
//! | [`FakeFamily::BlockBound`] | block | Merkle over what one block wrote, at that height only | no | header |
//! | [`FakeFamily::Clockless`] | block | endorsed statements | no | none |
//! | [`FakeFamily::Slotted`] | slot | Merkle | yes | header; steps by period, not before their time |

mod adapter;
mod broken;
mod chain;
mod classic;
mod driver;
mod family;
mod faults;
mod host;
mod light_client;
mod merkle;
mod pool;
mod source;
mod submit;
#[cfg(test)]
mod tests;
mod wire;
mod world;

pub use adapter::FakeAdapter;
pub use broken::{Breakage, BrokenAdapter};
pub use chain::{FakeChain, FakeChainConfig};
pub use classic::{DATA_POISON, DATA_REFUSE};
pub use driver::FakeDriver;
pub use family::{FakeFamily, HOST_DELAY_S, PERIOD_BLOCKS};
pub use faults::FakeFaults;
pub use host::{PORT_ECHO, PORT_REFUSE, PORT_STUCK};
pub use light_client::FakeLightClient;
pub use world::{FakePair, FakeSleep, FakeWait, FakeWorld, TokioSleep};

//! The compiled contracts: creation bytecode and the hash of the sources that it came from.
//!
//! Not the compiler: `build.mjs` is. Called by deployments and tests.

use std::sync::OnceLock;

use alloy::primitives::Bytes;
use serde_json::Value;

/// A contract of this project, by the name of its artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Contract {
    /// The IBC v2 router. Constructor: `address owner`.
    Router,
    /// A QBFT or IBFT2 light client. Constructor: `bytes init`, the ABI encoding of [`Init`](crate::abi::Init).
    QbftLightClient,
    /// Makes light clients of one kind. Constructor: `uint8 kind`, 0 QBFT or 1 IBFT2.
    QbftLightClientFactory,
    /// ICS-20 transfers. Constructor: `address router`.
    TokenTransfer,
    /// A token that stands for one of another chain; made by [`TokenTransfer`](Self::TokenTransfer).
    Voucher,
    /// General messages. Constructor: `address router`.
    MessageGateway,
    /// The account that acts for a sender of another chain; made by [`MessageGateway`](Self::MessageGateway).
    CallAccount,
    /// A token that anybody may mint, for the demo. Constructor: `string name, string symbol`.
    TestToken,
    /// Answers, refuses or burns gas, for the demo. No constructor.
    Echo,
    /// Sends any payload to any port, for the demo. Constructor: `address router`.
    RawSender,
    /// The trie and RLP libraries, opened for tests. No constructor.
    TrieHarness,
    /// An application that misbehaves on request, for tests. No constructor.
    HostileApp,
    /// A light client that agrees to everything, for tests. No constructor.
    HostileClient,
}

impl Contract {
    /// Every contract.
    pub const ALL: [Self; 13] = [
        Self::Router,
        Self::QbftLightClient,
        Self::QbftLightClientFactory,
        Self::TokenTransfer,
        Self::Voucher,
        Self::MessageGateway,
        Self::CallAccount,
        Self::TestToken,
        Self::Echo,
        Self::RawSender,
        Self::TrieHarness,
        Self::HostileApp,
        Self::HostileClient,
    ];

    /// The name in Solidity and of the artifact's file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Router => "Router",
            Self::QbftLightClient => "QbftLightClient",
            Self::QbftLightClientFactory => "QbftLightClientFactory",
            Self::TokenTransfer => "TokenTransfer",
            Self::Voucher => "Voucher",
            Self::MessageGateway => "MessageGateway",
            Self::CallAccount => "CallAccount",
            Self::TestToken => "TestToken",
            Self::Echo => "Echo",
            Self::RawSender => "RawSender",
            Self::TrieHarness => "TrieHarness",
            Self::HostileApp => "HostileApp",
            Self::HostileClient => "HostileClient",
        }
    }

    /// The artifact as `build.mjs` wrote it.
    #[must_use]
    pub const fn json(self) -> &'static str {
        match self {
            Self::Router => include_str!("../artifacts/Router.json"),
            Self::QbftLightClient => include_str!("../artifacts/QbftLightClient.json"),
            Self::QbftLightClientFactory => {
                include_str!("../artifacts/QbftLightClientFactory.json")
            }
            Self::TokenTransfer => include_str!("../artifacts/TokenTransfer.json"),
            Self::Voucher => include_str!("../artifacts/Voucher.json"),
            Self::MessageGateway => include_str!("../artifacts/MessageGateway.json"),
            Self::CallAccount => include_str!("../artifacts/CallAccount.json"),
            Self::TestToken => include_str!("../artifacts/TestToken.json"),
            Self::Echo => include_str!("../artifacts/Echo.json"),
            Self::RawSender => include_str!("../artifacts/RawSender.json"),
            Self::TrieHarness => include_str!("../artifacts/TrieHarness.json"),
            Self::HostileApp => include_str!("../artifacts/HostileApp.json"),
            Self::HostileClient => include_str!("../artifacts/HostileClient.json"),
        }
    }

    /// The artifact, parsed.
    ///
    /// # Panics
    /// Never: the artifacts are part of this crate and a test parses all of them.
    #[must_use]
    pub fn artifact(self) -> Value {
        serde_json::from_str(self.json()).expect("a committed artifact is JSON, which a test checks for each")
    }

    /// The bytecode that creates the contract, without constructor arguments.
    ///
    /// # Panics
    /// Never: the artifacts are part of this crate and a test reads all of them.
    #[must_use]
    pub fn bytecode(self) -> &'static Bytes {
        static CODES: [OnceLock<Bytes>; Contract::ALL.len()] = [const { OnceLock::new() }; Contract::ALL.len()];
        CODES[self as usize].get_or_init(|| self.code("bytecode"))
    }

    /// The code that a creation leaves on the chain; zeros stand where immutables do.
    ///
    /// # Panics
    /// Never: the artifacts are part of this crate and a test reads all of them.
    #[must_use]
    pub fn deployed_bytecode(self) -> &'static Bytes {
        static CODES: [OnceLock<Bytes>; Contract::ALL.len()] = [const { OnceLock::new() }; Contract::ALL.len()];
        CODES[self as usize].get_or_init(|| self.code("deployedBytecode"))
    }

    fn code(self, member: &str) -> Bytes {
        let artifact = self.artifact();
        let text = artifact[member].as_str().expect("a committed artifact has bytecode, which a test checks");
        hex::decode(text).expect("the compiler writes bytecode in hex, which a test checks").into()
    }

    /// The data of the transaction that creates the contract: bytecode and the ABI encoding of the constructor's arguments.
    #[must_use]
    pub fn creation_code(self, constructor_arguments: &[u8]) -> Bytes {
        let code = self.bytecode();
        let mut data = Vec::with_capacity(code.len() + constructor_arguments.len());
        data.extend_from_slice(code);
        data.extend_from_slice(constructor_arguments);
        data.into()
    }

    /// Hash of the sources and of what pins the build, in hex.
    #[must_use]
    pub fn source_hash(self) -> String {
        self.artifact()["sourceHash"].as_str().unwrap_or_default().to_owned()
    }
}

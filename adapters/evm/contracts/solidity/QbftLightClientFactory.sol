// SPDX-License-Identifier: Apache-2.0
// Creates light clients of QBFT and IBFT2 chains for a router; one factory serves the client types of one kind.
pragma solidity 0.8.37;

import {IClientFactory} from "./Interfaces.sol";
import {QbftLightClient} from "./QbftLightClient.sol";

contract QbftLightClientFactory is IClientFactory {
    /// 0 QBFT, 1 IBFT2: what the client types served here must be.
    uint8 public immutable kind;

    error WrongKind(uint8 expected, uint8 found);

    constructor(uint8 kind_) {
        kind = kind_;
    }

    /// `init` is abi.encode(QbftLightClient.Init). The router that asks is of no consequence to the client.
    function create(address, bytes calldata init) external returns (address client) {
        QbftLightClient.Init memory i = abi.decode(init, (QbftLightClient.Init));
        if (i.clientState.kind != kind) revert WrongKind(kind, i.clientState.kind);
        return address(new QbftLightClient(init));
    }
}

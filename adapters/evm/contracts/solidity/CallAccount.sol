// SPDX-License-Identifier: Apache-2.0
// The account that acts on this chain for one (client, sender, salt) of another chain. A minimal proxy made by MessageGateway,
// which alone commands it.
pragma solidity 0.8.37;

import {CappedCall} from "./CappedCall.sol";

contract CallAccount {
    error NotGateway(address caller);
    error NoCode(address receiver);
    error ResultTooLarge(uint256 size);

    /// The largest result that is carried back.
    uint256 public constant MAX_RESULT = 8192;
    address public immutable gateway;

    constructor() {
        gateway = msg.sender;
    }

    /// Calls `receiver`. Its reason to revert is passed on, 256 bytes of it; out of gas stays without a reason.
    function execute(address receiver, bytes calldata payload) external returns (bytes memory) {
        if (msg.sender != gateway) revert NotGateway(msg.sender);
        if (receiver.code.length == 0) revert NoCode(receiver);
        (bool ok, uint256 size, bytes memory result) = CappedCall.call(receiver, gasleft(), payload, MAX_RESULT);
        if (!ok) {
            assembly ("memory-safe") {
                let kept := mload(result)
                if gt(kept, 256) { kept := 256 }
                revert(add(result, 32), kept)
            }
        }
        if (size > MAX_RESULT) revert ResultTooLarge(size);
        return result;
    }
}

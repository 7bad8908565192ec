// SPDX-License-Identifier: Apache-2.0
// Calls into code that anybody may have written: light clients, applications, receivers. Gas and return data are capped,
// so that nobody can make the caller pay for a huge answer. refuse.md C2, C3.
pragma solidity 0.8.37;

library CappedCall {
    /// Calls `to` with at most `gasCap` (and never more than 63/64 of what is left) and copies at most `maxReturn` bytes of the answer.
    /// `size` is the full size of what was returned.
    function call(address to, uint256 gasCap, bytes memory data, uint256 maxReturn)
        internal
        returns (bool success, uint256 size, bytes memory result)
    {
        assembly ("memory-safe") {
            success := call(gasCap, to, 0, add(data, 32), mload(data), 0, 0)
            size := returndatasize()
            let kept := size
            if gt(kept, maxReturn) { kept := maxReturn }
            result := mload(0x40)
            mstore(result, kept)
            mstore(0x40, and(add(add(result, kept), 63), not(31)))
            returndatacopy(add(result, 32), 0, kept)
        }
    }

    function view_(address to, uint256 gasCap, bytes memory data, uint256 maxReturn)
        internal
        view
        returns (bool success, uint256 size, bytes memory result)
    {
        assembly ("memory-safe") {
            success := staticcall(gasCap, to, add(data, 32), mload(data), 0, 0)
            size := returndatasize()
            let kept := size
            if gt(kept, maxReturn) { kept := maxReturn }
            result := mload(0x40)
            mstore(result, kept)
            mstore(0x40, and(add(add(result, kept), 63), not(31)))
            returndatacopy(add(result, 32), 0, kept)
        }
    }

    /// Reverts with `reason` as it is.
    function bubble(bytes memory reason) internal pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    /// The first word of an answer; zero when it is shorter.
    function word(bytes memory result) internal pure returns (uint256 value) {
        if (result.length < 32) return 0;
        assembly ("memory-safe") {
            value := mload(add(result, 32))
        }
    }
}

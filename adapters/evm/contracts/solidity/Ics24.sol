// SPDX-License-Identifier: Apache-2.0
// Paths and commitments of IBC v2 (docs/evm-formats.md refers to the byte layouts), computed from calldata.
pragma solidity 0.8.37;

import {Packet, Payload} from "./Interfaces.sol";

library Ics24 {
    uint8 internal constant PACKET = 1;
    uint8 internal constant RECEIPT = 2;
    uint8 internal constant ACK = 3;

    /// sha256("UNIVERSAL_ERROR_ACKNOWLEDGEMENT")
    bytes32 internal constant UNIVERSAL_ERROR_ACK =
        0x4774d4a575993f963b1c06573736617a457abef8589178db8d10c94b4ab511ab;

    /// clientId || kind || big-endian sequence.
    function path(bytes memory clientId, uint8 kind, uint64 sequence) internal pure returns (bytes memory) {
        return abi.encodePacked(clientId, kind, sequence);
    }

    /// keccak256 of the path, which is the key in the commitments mapping.
    function key(string calldata clientId, uint8 kind, uint64 sequence) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let pos := mload(0x40)
            calldatacopy(pos, clientId.offset, clientId.length)
            let tail := add(pos, clientId.length)
            mstore(tail, or(shl(248, kind), shl(184, sequence)))
            hash := keccak256(pos, add(clientId.length, 9))
        }
    }

    /// The commitment of a packet with one payload.
    function packet(string calldata destClient, uint64 timeoutTimestamp, Payload calldata payload)
        internal
        view
        returns (bytes32)
    {
        return commitment(sha(bytes(destClient)), timeoutTimestamp, payload);
    }

    /// The same, where the hash of the destination client is known.
    function commitment(bytes32 destClientHash, uint64 timeoutTimestamp, Payload calldata payload)
        internal
        view
        returns (bytes32 result)
    {
        bytes32 hash = payloadHash(payload);
        assembly ("memory-safe") {
            function sha256At(pos, size) -> out {
                if iszero(staticcall(gas(), 2, pos, size, 0, 32)) { revert(0, 0) }
                out := mload(0)
            }
            let pos := mload(0x40)
            mstore(pos, hash)
            let payloads := sha256At(pos, 32)
            mstore(pos, shl(192, timeoutTimestamp))
            let time := sha256At(pos, 8)
            mstore8(pos, 2)
            mstore(add(pos, 1), destClientHash)
            mstore(add(pos, 33), time)
            mstore(add(pos, 65), payloads)
            result := sha256At(pos, 97)
        }
    }

    function payloadHash(Payload calldata payload) private view returns (bytes32 result) {
        bytes32 a = sha(bytes(payload.sourcePort));
        bytes32 b = sha(bytes(payload.destPort));
        bytes32 c = sha(bytes(payload.version));
        bytes32 d = sha(bytes(payload.encoding));
        bytes32 e = sha(payload.value);
        assembly ("memory-safe") {
            let pos := mload(0x40)
            mstore(pos, a)
            mstore(add(pos, 32), b)
            mstore(add(pos, 64), c)
            mstore(add(pos, 96), d)
            mstore(add(pos, 128), e)
            if iszero(staticcall(gas(), 2, pos, 160, 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }

    /// sha256 of bytes in calldata.
    function sha(bytes calldata data) internal view returns (bytes32 result) {
        assembly ("memory-safe") {
            let pos := mload(0x40)
            calldatacopy(pos, data.offset, data.length)
            if iszero(staticcall(gas(), 2, pos, data.length, 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }

    /// The commitment of an acknowledgement with one entry, from the entry's sha256.
    function ackCommitment(bytes32 ackHash) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(2), ackHash));
    }
}

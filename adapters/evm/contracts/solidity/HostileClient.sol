// SPDX-License-Identifier: Apache-2.0
// A light client of an attacker's making, for the tests: it agrees to everything, burns gas, floods answers or lies about its status.
pragma solidity 0.8.37;

import {
    BatchItem,
    ClientStatus,
    MsgVerifyMembership,
    MsgVerifyNonMembership,
    UpdateResult
} from "./Interfaces.sol";

contract HostileClient {
    /// 0 agrees, 1 burns all gas, 2 floods, 3 answers nothing.
    uint256 public mode;
    ClientStatus public status;
    uint256 public timestamp = type(uint64).max;

    function setMode(uint256 mode_) external {
        mode = mode_;
    }

    function setStatus(ClientStatus status_) external {
        status = status_;
    }

    function updateClient(bytes calldata) external view returns (UpdateResult) {
        _act();
        return UpdateResult.NoOp;
    }

    function misbehaviour(bytes calldata) external {
        status = ClientStatus.Frozen;
    }

    function verifyMembership(MsgVerifyMembership calldata) external view returns (uint256) {
        _act();
        return timestamp;
    }

    function verifyNonMembership(MsgVerifyNonMembership calldata) external view returns (uint256) {
        _act();
        return timestamp;
    }

    function verifyBatch(uint64, bytes[] calldata, BatchItem[] calldata items)
        external
        view
        returns (uint256, bool[] memory ok)
    {
        _act();
        ok = new bool[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            ok[i] = true;
        }
        return (timestamp, ok);
    }

    function getClientState() external pure returns (bytes memory) {
        return "";
    }

    function _act() private view {
        assembly {
            switch sload(mode.slot)
            case 1 { invalid() }
            case 2 { return(0, 100000) }
            case 3 { return(0, 0) }
        }
    }
}

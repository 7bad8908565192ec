// SPDX-License-Identifier: Apache-2.0
// An application that does what it is told to in its callbacks, for the tests of reentrancy, floods and starvation. Never deployed.
pragma solidity 0.8.37;

import {IIBCApp, IPacketSender, MsgSendPacket} from "./Interfaces.sol";

contract HostileApp is IIBCApp {
    bytes public plan;
    address public target;
    bool public lastOk;
    bytes public lastAnswer;
    address public lastRelayer;
    uint256 public calls;
    uint256 public acks;
    uint256 public timeouts;
    uint8 public mode;
    bytes public ack = "ok";

    error Told();

    /// Calls `target` with `plan` inside every callback.
    function arm(address target_, bytes calldata plan_) external {
        (target, plan) = (target_, plan_);
    }

    /// 0 acts and answers, 1 reverts with a reason, 2 reverts without, 3 burns all gas, 4 floods the answer, 5 reverts with a flood,
    /// 6 reverts with a reason when it is given less than a million gas.
    function setMode(uint8 mode_) external {
        mode = mode_;
    }

    function setAck(bytes calldata ack_) external {
        ack = ack_;
    }

    function send(IPacketSender router, MsgSendPacket calldata m) external returns (uint64) {
        return router.sendPacket(m);
    }

    function onRecvPacket(OnRecvPacketCallback calldata m) external returns (bytes memory) {
        _act(m.relayer);
        ++calls;
        return ack;
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata m) external {
        _act(m.relayer);
        ++acks;
    }

    function onTimeoutPacket(OnTimeoutPacketCallback calldata m) external {
        _act(m.relayer);
        ++timeouts;
    }

    function _act(address relayer) private {
        lastRelayer = relayer;
        if (mode == 1 || (mode == 6 && gasleft() < 1_000_000)) revert Told();
        assembly {
            switch sload(mode.slot)
            case 2 { revert(0, 0) }
            case 3 { invalid() }
            case 4 { return(0, 100000) }
            case 5 { revert(0, 100000) }
        }
        if (target != address(0)) (lastOk, lastAnswer) = target.call(plan);
    }
}

// SPDX-License-Identifier: Apache-2.0
// An application that sends any payload it is handed and takes it back on timeout, for the demo and the tests: with it a packet can be
// addressed to a port that nobody listens on. It holds nothing of value, so anybody may use it.
pragma solidity 0.8.37;

import {IIBCApp, IPacketSender, MsgSendPacket} from "./Interfaces.sol";

contract RawSender is IIBCApp {
    IPacketSender public immutable router;
    uint256 public returned;

    error NotRouter(address caller);
    error NothingIsReceivedHere();

    modifier onlyRouter() {
        if (msg.sender != address(router)) revert NotRouter(msg.sender);
        _;
    }

    constructor(address router_) {
        router = IPacketSender(router_);
    }

    function send(MsgSendPacket calldata m) external returns (uint64 sequence) {
        return router.sendPacket(m);
    }

    function onRecvPacket(OnRecvPacketCallback calldata) external view onlyRouter returns (bytes memory) {
        revert NothingIsReceivedHere();
    }

    function onAcknowledgementPacket(OnAcknowledgementPacketCallback calldata) external onlyRouter {}

    function onTimeoutPacket(OnTimeoutPacketCallback calldata) external onlyRouter {
        ++returned;
    }
}

// SPDX-License-Identifier: Apache-2.0
// Who may do what on the router: owner (two-step transfer), roles, pause, and the reentrancy guard.
// The guard shares a slot with the flags that every packet reads anyway.
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IRouterEvents} from "./Interfaces.sol";

abstract contract RouterAccess is IRouterEvents, Ownable2Step {
    /// May relay while relaying is not open to all.
    bytes32 public constant RELAYER_ROLE = keccak256("RELAYER_ROLE");
    /// May stop packets. Only the owner may start them again.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    /// May choose client ids and port names.
    bytes32 public constant ID_CUSTOMIZER_ROLE = keccak256("ID_CUSTOMIZER_ROLE");
    /// May put a substitute in the place of an expired or frozen client.
    bytes32 public constant RECOVERER_ROLE = keccak256("RECOVERER_ROLE");

    /// May say how much gas the application of a port must be given.
    bytes32 public constant PORT_GAS_ROLE = keccak256("PORT_GAS_ROLE");

    uint8 private constant FREE = 1;
    uint8 private constant ENTERED = 2;

    // These pack with the pending owner of `Ownable2Step`.
    uint8 private guard = FREE;
    bool public paused;
    /// Whether anybody may relay. True at first: proofs, not permissions, protect packets.
    bool public relayingOpen = true;

    mapping(bytes32 role => mapping(address account => bool)) public hasRole;

    constructor(address owner_) Ownable(owner_) {}

    modifier nonReentrant() {
        _enter();
        _;
        guard = FREE;
    }

    modifier whenNotPaused() {
        if (paused) revert RouterPaused();
        _;
    }

    modifier onlyRelayer() {
        if (!relayingOpen && !hasRole[RELAYER_ROLE][msg.sender]) revert MissingRole(RELAYER_ROLE, msg.sender);
        _;
    }

    modifier onlyRole(bytes32 role) {
        _requireRole(role);
        _;
    }

    function _enter() private {
        if (guard != FREE) revert Reentered();
        guard = ENTERED;
    }

    /// The owner holds every role but that of relayers, who are machines.
    function _requireRole(bytes32 role) internal view {
        if (msg.sender != owner() && !hasRole[role][msg.sender]) revert MissingRole(role, msg.sender);
    }

    function grantRole(bytes32 role, address account) external onlyOwner {
        if (hasRole[role][account]) return;
        hasRole[role][account] = true;
        emit RoleGranted(role, account, msg.sender);
    }

    function revokeRole(bytes32 role, address account) external onlyOwner {
        if (!hasRole[role][account]) return;
        hasRole[role][account] = false;
        emit RoleRevoked(role, account, msg.sender);
    }

    /// Opens relaying to all, or closes it to all but the relayer role.
    function setRelayingOpen(bool open) external onlyOwner {
        relayingOpen = open;
        emit RelayingOpened(open);
    }

    /// Stops sending and relaying. Clients can still be updated and frozen, so that none expires meanwhile.
    /// A router that nobody owns cannot be paused: nobody could start it again.
    function pause() external onlyRole(PAUSER_ROLE) whenNotPaused {
        if (owner() == address(0)) revert OwnableInvalidOwner(address(0));
        paused = true;
        emit Paused(msg.sender);
    }

    /// Gives the router to nobody. Not while it is paused, for the same reason.
    function renounceOwnership() public override whenNotPaused {
        super.renounceOwnership();
    }

    function unpause() external onlyOwner {
        if (!paused) revert RouterNotPaused();
        paused = false;
        emit Unpaused(msg.sender);
    }
}

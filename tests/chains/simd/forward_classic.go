package main

import (
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/ibc-go/v10/modules/apps/transfer"
	transfertypes "github.com/cosmos/ibc-go/v10/modules/apps/transfer/types"
	channeltypes "github.com/cosmos/ibc-go/v10/modules/core/04-channel/types"
	"github.com/cosmos/ibc-go/v10/modules/core/exported"
)

// classic is the transfer application of IBC classic with the middleware around its packets.
type classic struct {
	transfer.IBCModule
	forwarder
}

func newClassic(f forwarder) classic {
	return classic{transfer.NewIBCModule(f.transfers), f}
}

// OnRecvPacket receives for the onward transfer and answers nil, with which the acknowledgement stays unwritten.
func (c classic) OnRecvPacket(
	ctx sdk.Context, version string, packet channeltypes.Packet, relayer sdk.AccAddress,
) exported.Acknowledgement {
	data, err := transfertypes.UnmarshalPacketData(packet.Data, version, "")
	if err != nil {
		return c.IBCModule.OnRecvPacket(ctx, version, packet, relayer)
	}
	hop := hopIn(data.Memo)
	if hop == nil {
		return c.IBCModule.OnRecvPacket(ctx, version, packet, relayer)
	}
	to := holder(packet.DestinationChannel, data.Sender)
	inner := packet
	inner.Data = transfertypes.NewFungibleTokenPacketData(data.Token.Denom.Path(), data.Token.Amount, data.Sender, to, "").GetBytes()
	if ack := c.IBCModule.OnRecvPacket(ctx, version, inner, relayer); !ack.Success() {
		return ack
	}
	token := received(data.Token, transfertypes.PortID, packet.SourceChannel, packet.DestinationChannel)
	if err := c.send(ctx, hop, to, token, owed{Classic: &packet}); err != nil {
		// Core drops with it what was received.
		return channeltypes.NewErrorAcknowledgement(err)
	}
	return nil
}

// OnAcknowledgementPacket settles what is owed for the packet, after the application had it.
func (c classic) OnAcknowledgementPacket(
	ctx sdk.Context, version string, packet channeltypes.Packet, acknowledgement []byte, relayer sdk.AccAddress,
) error {
	if err := c.IBCModule.OnAcknowledgementPacket(ctx, version, packet, acknowledgement, relayer); err != nil {
		return err
	}
	var ack channeltypes.Acknowledgement
	if err := transfertypes.ModuleCdc.UnmarshalJSON(acknowledgement, &ack); err != nil {
		return err
	}
	if ack.Success() {
		return c.succeeded(ctx, packet.SourceChannel, packet.Sequence)
	}
	return c.fail(ctx, version, packet)
}

// OnTimeoutPacket settles what is owed for the packet, after the application had it.
func (c classic) OnTimeoutPacket(ctx sdk.Context, version string, packet channeltypes.Packet, relayer sdk.AccAddress) error {
	if err := c.IBCModule.OnTimeoutPacket(ctx, version, packet, relayer); err != nil {
		return err
	}
	return c.fail(ctx, version, packet)
}

func (c classic) fail(ctx sdk.Context, version string, packet channeltypes.Packet) error {
	data, err := transfertypes.UnmarshalPacketData(packet.Data, version, "")
	if err != nil {
		return err
	}
	return c.failed(ctx, packet.SourceChannel, packet.Sequence, data)
}

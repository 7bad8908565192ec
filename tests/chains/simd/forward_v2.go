package main

import (
	"bytes"

	sdk "github.com/cosmos/cosmos-sdk/types"
	transfertypes "github.com/cosmos/ibc-go/v10/modules/apps/transfer/types"
	transferv2 "github.com/cosmos/ibc-go/v10/modules/apps/transfer/v2"
	channeltypesv2 "github.com/cosmos/ibc-go/v10/modules/core/04-channel/v2/types"
)

// v2 is the transfer application of IBC v2 with the middleware around its packets.
type v2 struct {
	*transferv2.IBCModule
	forwarder
}

func newV2(f forwarder) v2 {
	return v2{transferv2.NewIBCModule(f.transfers), f}
}

// OnRecvPacket receives for the onward transfer and answers that the acknowledgement comes later.
func (v v2) OnRecvPacket(
	ctx sdk.Context, source, dest string, sequence uint64, payload channeltypesv2.Payload, relayer sdk.AccAddress,
) channeltypesv2.RecvPacketResult {
	data, err := transfertypes.UnmarshalPacketData(payload.Value, payload.Version, payload.Encoding)
	if err != nil {
		return v.IBCModule.OnRecvPacket(ctx, source, dest, sequence, payload, relayer)
	}
	hop := hopIn(data.Memo)
	if hop == nil {
		return v.IBCModule.OnRecvPacket(ctx, source, dest, sequence, payload, relayer)
	}
	failure := channeltypesv2.RecvPacketResult{Status: channeltypesv2.PacketStatus_Failure}
	to := holder(dest, data.Sender)
	inner := transfertypes.NewFungibleTokenPacketData(data.Token.Denom.Path(), data.Token.Amount, data.Sender, to, "")
	if payload.Value, err = transfertypes.MarshalPacketData(inner, payload.Version, payload.Encoding); err != nil {
		return failure
	}
	if result := v.IBCModule.OnRecvPacket(ctx, source, dest, sequence, payload, relayer); result.Status != channeltypesv2.PacketStatus_Success {
		return result
	}
	token := received(data.Token, transfertypes.PortID, source, dest)
	if err := v.send(ctx, hop, to, token, owed{Client: dest, Sequence: sequence}); err != nil {
		// Core drops with it what was received.
		return failure
	}
	return channeltypesv2.RecvPacketResult{Status: channeltypesv2.PacketStatus_Async}
}

// OnAcknowledgementPacket settles what is owed for the packet, after the application had it.
func (v v2) OnAcknowledgementPacket(
	ctx sdk.Context, source, dest string, sequence uint64, acknowledgement []byte, payload channeltypesv2.Payload, relayer sdk.AccAddress,
) error {
	if err := v.IBCModule.OnAcknowledgementPacket(ctx, source, dest, sequence, acknowledgement, payload, relayer); err != nil {
		return err
	}
	if bytes.Equal(acknowledgement, channeltypesv2.ErrorAcknowledgement[:]) {
		return v.fail(ctx, source, sequence, payload)
	}
	return v.succeeded(ctx, source, sequence)
}

// OnTimeoutPacket settles what is owed for the packet, after the application had it.
func (v v2) OnTimeoutPacket(
	ctx sdk.Context, source, dest string, sequence uint64, payload channeltypesv2.Payload, relayer sdk.AccAddress,
) error {
	if err := v.IBCModule.OnTimeoutPacket(ctx, source, dest, sequence, payload, relayer); err != nil {
		return err
	}
	return v.fail(ctx, source, sequence, payload)
}

func (v v2) fail(ctx sdk.Context, source string, sequence uint64, payload channeltypesv2.Payload) error {
	data, err := transfertypes.UnmarshalPacketData(payload.Value, payload.Version, payload.Encoding)
	if err != nil {
		return err
	}
	return v.failed(ctx, source, sequence, data)
}

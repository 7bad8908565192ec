package main

// Transfers that go on to another chain: a middleware around the ICS-20 application of IBC classic and of IBC v2, so that tests have
// acknowledgements that are written long after their packet was received.
//
// A transfer whose memo is {"forward":{"receiver":R,"port":"transfer","channel":C,"timeout":"10m"}} is received into an account of the
// middleware's own and sent on from there in the same transaction, over the channel C or, in IBC v2, over the client C; the two hops may be
// of different protocols. It is acknowledged only when the onward packet has ended: with success once that one succeeded, with an error once
// it was refused or timed out, after what was received has been given back.
//
// The memo is that of packet-forward-middleware (cosmos/ibc-apps). This is not that module: it has no retries, no memo for a further hop, no
// fee, no parameters and no genesis, and a chain that holds value must not run it.

import (
	"encoding/binary"
	"encoding/json"
	"time"

	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/store/prefix"
	storetypes "cosmossdk.io/store/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/address"
	"github.com/cosmos/ibc-go/modules/light-clients/08-wasm/v10/testing/simapp"
	transferkeeper "github.com/cosmos/ibc-go/v10/modules/apps/transfer/keeper"
	transfertypes "github.com/cosmos/ibc-go/v10/modules/apps/transfer/types"
	clienttypes "github.com/cosmos/ibc-go/v10/modules/core/02-client/types"
	channelkeeper "github.com/cosmos/ibc-go/v10/modules/core/04-channel/keeper"
	channeltypes "github.com/cosmos/ibc-go/v10/modules/core/04-channel/types"
	channelkeeperv2 "github.com/cosmos/ibc-go/v10/modules/core/04-channel/v2/keeper"
	channeltypesv2 "github.com/cosmos/ibc-go/v10/modules/core/04-channel/v2/types"
	porttypes "github.com/cosmos/ibc-go/v10/modules/core/05-port/types"
	"github.com/cosmos/ibc-go/v10/modules/core/api"
)

// owedPrefix is where the middleware keeps its records, in the store of the transfer application.
var owedPrefix = []byte("forward/")

// hop is the memo's order.
type hop struct {
	Receiver string `json:"receiver"`
	Port     string `json:"port"`
	Channel  string `json:"channel"`
	Timeout  string `json:"timeout"`
}

// owed names a received packet whose acknowledgement is still to be written: a packet of IBC classic, or a client and a sequence of IBC v2,
// whose packet the channel keeper itself keeps.
type owed struct {
	Classic  *channeltypes.Packet `json:"classic,omitempty"`
	Client   string               `json:"client,omitempty"`
	Sequence uint64               `json:"sequence,omitempty"`
}

// end is where the packet came in.
func (o owed) end() string {
	if o.Classic != nil {
		return o.Classic.DestinationChannel
	}
	return o.Client
}

// forwarder sends on, remembers what is owed for it, and settles it.
type forwarder struct {
	store      storetypes.StoreKey
	transfers  transferkeeper.Keeper
	channels   *channelkeeper.Keeper
	channelsV2 *channelkeeperv2.Keeper
}

// letForward puts the middleware around the transfer application in both routers. It is called before the first block.
func letForward(app *simapp.SimApp) {
	ibc := app.IBCKeeper
	forward := forwarder{app.GetKey(transfertypes.StoreKey), app.TransferKeeper, ibc.ChannelKeeper, ibc.ChannelKeeperV2}
	// A sealed router takes no routes, and none can be replaced: the others move into a new one.
	router := porttypes.NewRouter()
	for _, name := range ibc.PortKeeper.Router.Keys() {
		module, _ := ibc.PortKeeper.Router.Route(name)
		if name == transfertypes.ModuleName {
			module = newClassic(forward)
		}
		router.AddRoute(name, module)
	}
	router.Seal()
	ibc.PortKeeper.Router = router
	// Transfers are all that the application has on IBC v2.
	ibc.SetRouterV2(api.NewRouter().AddRoute(transfertypes.PortID, newV2(forward)))
}

// hopIn is the order in a memo, or nil where the transfer is an ordinary one.
func hopIn(memo string) *hop {
	var found struct {
		Forward *hop `json:"forward"`
	}
	if json.Unmarshal([]byte(memo), &found) != nil {
		return nil
	}
	return found.Forward
}

// holder is the account into which a sender's transfers over one end are received. Nobody has its key.
func holder(end, sender string) string {
	return sdk.AccAddress(address.Module("forward", []byte(end), []byte(sender))).String()
}

// received is a transfer's token as this chain names it.
func received(token transfertypes.Token, port, sourceEnd, destEnd string) transfertypes.Token {
	if token.Denom.HasPrefix(port, sourceEnd) {
		token.Denom.Trace = token.Denom.Trace[1:]
		return token
	}
	token.Denom.Trace = append([]transfertypes.Hop{transfertypes.NewHop(port, destEnd)}, token.Denom.Trace...)
	return token
}

// send sends on what was received into the holder's account, and remembers for whom.
func (f forwarder) send(ctx sdk.Context, hop *hop, from string, token transfertypes.Token, owed owed) error {
	after, err := time.ParseDuration(hop.Timeout)
	if err != nil {
		return errorsmod.Wrapf(transfertypes.ErrInvalidMemo, "timeout of the forward: %s", err)
	}
	deadline := ctx.BlockTime().Add(after)
	timestamp := uint64(deadline.Unix())
	if f.channels.HasChannel(ctx, hop.Port, hop.Channel) {
		timestamp = uint64(deadline.UnixNano())
	}
	coin, err := token.ToCoin()
	if err != nil {
		return err
	}
	order := transfertypes.NewMsgTransfer(hop.Port, hop.Channel, coin, from, hop.Receiver, clienttypes.ZeroHeight(), timestamp, "")
	if err := order.ValidateBasic(); err != nil {
		return err
	}
	sent, err := f.transfers.Transfer(ctx, order)
	if err != nil {
		return err
	}
	record, err := json.Marshal(owed)
	if err != nil {
		return err
	}
	f.records(ctx).Set(recordKey(hop.Channel, sent.Sequence), record)
	return nil
}

// succeeded acknowledges the packet for which the onward packet was sent, if it was for one.
func (f forwarder) succeeded(ctx sdk.Context, end string, sequence uint64) error {
	owed := f.take(ctx, end, sequence)
	if owed == nil {
		return nil
	}
	return f.acknowledge(ctx, *owed, channeltypes.NewResultAcknowledgement([]byte{1}))
}

// failed gives back what was received for the onward packet, whose tokens are with the holder again, and acknowledges that as an error.
func (f forwarder) failed(ctx sdk.Context, end string, sequence uint64, onward transfertypes.InternalTransferRepresentation) error {
	owed := f.take(ctx, end, sequence)
	if owed == nil {
		return nil
	}
	from, err := sdk.AccAddressFromBech32(onward.Sender)
	if err != nil {
		return err
	}
	// As a transfer back would do it, without a packet: vouchers are burnt, the chain's own tokens are put back into escrow.
	if err := f.transfers.SendTransfer(ctx, transfertypes.PortID, owed.end(), onward.Token, from); err != nil {
		return err
	}
	return f.acknowledge(ctx, *owed, channeltypes.NewErrorAcknowledgement(transfertypes.ErrReceiveFailed))
}

func (f forwarder) acknowledge(ctx sdk.Context, owed owed, acknowledgement channeltypes.Acknowledgement) error {
	if owed.Classic != nil {
		return f.channels.WriteAcknowledgement(ctx, *owed.Classic, acknowledgement)
	}
	bytes := acknowledgement.Acknowledgement()
	if !acknowledgement.Success() {
		bytes = channeltypesv2.ErrorAcknowledgement[:]
	}
	return f.channelsV2.WriteAcknowledgement(ctx, owed.Client, owed.Sequence, channeltypesv2.NewAcknowledgement(bytes))
}

// take is what is owed for a packet that was sent, once.
func (f forwarder) take(ctx sdk.Context, end string, sequence uint64) *owed {
	key := recordKey(end, sequence)
	record := f.records(ctx).Get(key)
	if record == nil {
		return nil
	}
	f.records(ctx).Delete(key)
	var found owed
	if err := json.Unmarshal(record, &found); err != nil {
		panic(err)
	}
	return &found
}

func (f forwarder) records(ctx sdk.Context) prefix.Store {
	return prefix.NewStore(ctx.KVStore(f.store), owedPrefix)
}

func recordKey(end string, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(end+"/"), sequence)
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Answers of the broker to calls of its own methods (control.bus.*): REPLY frames in the control lane of the calling peer. The
 * last reply to a call has the flag FINAL. If the lane is full, the peer is closed (bus_peer_put()).
 */

/* @payload: a packed message of type @type_name */
void bus_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload);

/* Packs @message and sends it. Without memory for that the peer gets ERROR with NO_MEMORY. */
void bus_reply_message (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

/* The same without FINAL: more replies follow. FALSE: no memory; nothing was sent, because an ERROR would end the call. */
gboolean bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

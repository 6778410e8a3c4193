/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Answers of the broker to calls of its own methods: REPLY frames on the control lane of the asker. The last one of a call has
 * the flag FINAL.
 */

/* @payload: a packed message of type @type_name */
void bus_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload);

/* Packs @message and sends it; without memory for that the asker gets ERROR NO_MEMORY. */
void bus_reply_message (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

/* The same without FINAL: more replies follow. FALSE: no memory, and nothing was sent; an ERROR would end the call. */
gboolean bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

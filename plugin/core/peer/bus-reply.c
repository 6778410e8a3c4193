/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-reply.h"

#include "peer/bus-state.h"

static void
reply_put (BusPeer *peer, guint64 id, guint8 flags, const char *type_name, WireSpan payload)
{
  WireEnvelope reply;

  wire_envelope_init (&reply);
  reply.answers = id;
  reply.sender = wire_span_str (peer->core->name);
  reply.type_name = wire_span_str (type_name);
  reply.payload = payload;
  bus_peer_put (peer, WIRE_KIND_REPLY, flags, &reply);
}

/* FALSE: no memory. */
static gboolean
reply_pack (BusPeer *peer, guint64 id, guint8 flags, const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  g_autofree guint8 *bytes = g_try_malloc (MAX (size, 1));

  if (bytes == NULL)
    return FALSE;
  reply_put (peer, id, flags, message->descriptor->name, wire_span (bytes, protobuf_c_message_pack (message, bytes)));
  return TRUE;
}

void
bus_reply (BusPeer *peer, guint64 id, const char *type_name, WireSpan payload)
{
  reply_put (peer, id, WIRE_FLAG_FINAL, type_name, payload);
}

void
bus_reply_message (BusPeer *peer, guint64 id, const ProtobufCMessage *message)
{
  if (!reply_pack (peer, id, WIRE_FLAG_FINAL, message))
    bus_peer_error (peer, id, WIRE_STATUS_NO_MEMORY, "no memory for the answer");
}

gboolean
bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message)
{
  return reply_pack (peer, id, 0, message);
}

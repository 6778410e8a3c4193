/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-pack.h"

#include "deye-bus-message-private.h"

GBytes *
deye_bus_pack (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *bytes = g_malloc (MAX (size, 1));

  return g_bytes_new_take (bytes, protobuf_c_message_pack (message, bytes));
}

char *
deye_bus_cut_text (const char *text, gsize most)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  gsize len = strlen (valid);

  if (len > most)
    len = (gsize) (g_utf8_find_prev_char (valid, valid + most + 1) - valid);
  return g_strndup (valid, len);
}

WireGuard *
deye_bus_unpack (const ProtobufCMessageDescriptor *type, DeyeBusMessage *message)
{
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);

  return wire_guard_unpack_lenient (type, wire_span (bytes, len), 0, NULL);
}

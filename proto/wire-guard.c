#include "wire-guard.h"
struct WireGuard { ProtobufCMessage *m; };
WireGuard *wire_guard_unpack (const ProtobufCMessageDescriptor *type, WireSpan b, guint mf, WireGuardError *e)
{ ProtobufCMessage *m = protobuf_c_message_unpack (type, NULL, b.len, b.data); WireGuard *g; if (!m) { if (e) {e->status = WIRE_STATUS_BAD_MESSAGE; e->problem="bad";} return NULL; } g = g_new0 (WireGuard, 1); g->m = m; return g; }
WireGuard *wire_guard_unpack_lenient (const ProtobufCMessageDescriptor *type, WireSpan b, guint mf, WireGuardError *e) { return wire_guard_unpack (type, b, mf, e); }
gconstpointer wire_guard_message (const WireGuard *g) { return g->m; }
void wire_guard_free (WireGuard *g) { if (g) { protobuf_c_message_free_unpacked (g->m, NULL); g_free (g); } }

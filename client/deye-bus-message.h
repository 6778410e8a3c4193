/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-export.h"

#include <glib-object.h>

G_BEGIN_DECLS

/*
 * A message as it came: boxed, immutable, refcounted (atomic), readable from any thread. Strings and payload point into
 * the received block: they live as long as the message, and nothing was copied.
 */
#define DEYE_BUS_TYPE_MESSAGE (deye_bus_message_get_type ())
typedef struct _DeyeBusMessage DeyeBusMessage;

DEYE_BUS_API GType deye_bus_message_get_type (void);
DEYE_BUS_API DeyeBusMessage *deye_bus_message_ref (DeyeBusMessage *message);
DEYE_BUS_API void deye_bus_message_unref (DeyeBusMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusMessage, deye_bus_message_unref)

/* Strings: transfer none, NULL when absent, unless said otherwise. */
DEYE_BUS_API const char *deye_bus_message_get_topic (DeyeBusMessage *message);  /* never NULL; "" in a reply */
DEYE_BUS_API const char *deye_bus_message_get_sender (DeyeBusMessage *message); /* never NULL: stamped by the broker; "bus": the broker */
DEYE_BUS_API guint64 deye_bus_message_get_sequence (DeyeBusMessage *message);   /* order of acceptance, stamped by the broker */
DEYE_BUS_API gint64 deye_bus_message_get_accept_time (DeyeBusMessage *message); /* wall clock, us since 1970 */
DEYE_BUS_API const char *deye_bus_message_get_method (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_type_name (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_content_type (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_correlation_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_parent_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_root_id (DeyeBusMessage *message);
DEYE_BUS_API const char *deye_bus_message_get_stage (DeyeBusMessage *message);
DEYE_BUS_API guint64 deye_bus_message_get_sequence_number (DeyeBusMessage *message); /* the sender's own count */
DEYE_BUS_API guint8 deye_bus_message_get_priority (DeyeBusMessage *message);
DEYE_BUS_API GBytes *deye_bus_message_dup_trace_id (DeyeBusMessage *message);   /* nullable, transfer full */
DEYE_BUS_API GBytes *deye_bus_message_dup_span_id (DeyeBusMessage *message);    /* nullable, transfer full */
DEYE_BUS_API char **deye_bus_message_dup_tags (DeyeBusMessage *message);        /* "key=value", NULL-ended, transfer full */
DEYE_BUS_API gint64 deye_bus_message_get_remaining (DeyeBusMessage *message);   /* requests: us left for the answer at delivery */
DEYE_BUS_API gboolean deye_bus_message_is_final (DeyeBusMessage *message);      /* replies: no more follow */

/* The payload without a copy: bytes that live as long as the message... */
DEYE_BUS_API const guint8 *deye_bus_message_get_data (DeyeBusMessage *message, gsize *length);
/* ...or as GBytes that keep the message alive (transfer full). */
DEYE_BUS_API GBytes *deye_bus_message_dup_payload (DeyeBusMessage *message);

G_END_DECLS

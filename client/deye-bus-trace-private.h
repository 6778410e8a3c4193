/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * A W3C trace context as the header `traceparent` carries it: version, trace id, parent id and flags.
 *
 * It is read as the recommendation says: lower case only, no id of zeros, the exact length in version 00, and in later versions
 * whatever follows behind a dash. It is written as version 00. Of the flags only "sampled" is kept, because the recommendation
 * requires zero for all others. The header `tracestate` is not supported.
 */

#define DEYE_BUS_TRACE_SAMPLED 1u
#define DEYE_BUS_TRACE_LEN     55u /* of a traceparent of version 00 */

typedef struct
{
  guint8 trace_id[WIRE_TRACE_ID_LEN];
  guint8 span_id[WIRE_SPAN_ID_LEN];
  guint8 flags; /* DEYE_BUS_TRACE_SAMPLED, or 0 */
} DeyeBusTrace;

/* FALSE: the text is no valid traceparent. */
gboolean deye_bus_trace_parse (const char *text, DeyeBusTrace *trace);

/* (transfer full) (nullable): NULL if one of the ids has a wrong length, or is all zeros. */
char *deye_bus_trace_format (WireSpan trace_id, WireSpan span_id, guint flags);

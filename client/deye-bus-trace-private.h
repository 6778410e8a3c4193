/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * A W3C trace context in the format of the header `traceparent`: version, trace id, parent id and flags.
 *
 * It is read by the rules of the recommendation: only lower case, no id of zeros, and the exact length in version 00; in later
 * versions any text may follow behind a dash. It is written as version 00. Only the flag "sampled" is kept, because the
 * recommendation requires zero for all others. The header `tracestate` is not supported.
 */

#define DEYE_BUS_TRACE_SAMPLED 1u
#define DEYE_BUS_TRACE_LEN     55u /* of a traceparent of version 00 */

typedef struct
{
  guint8 trace_id[WIRE_TRACE_ID_LEN];
  guint8 span_id[WIRE_SPAN_ID_LEN];
  guint8 flags; /* DEYE_BUS_TRACE_SAMPLED, or 0 */
} DeyeBusTrace;

/* FALSE: the text is not a valid traceparent. */
gboolean deye_bus_trace_parse (const char *text, DeyeBusTrace *trace);

/* (transfer full) (nullable): NULL if one of the ids has a wrong length, or is all zeros. */
char *deye_bus_trace_format (WireSpan trace_id, WireSpan span_id, guint flags);

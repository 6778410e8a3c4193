/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-options.h"
#include "wire-envelope.h"

/* The fields of the per-call options, and how a call reads them. */

#define DEYE_BUS_TIMEOUT_DEFAULT_US (30 * G_TIME_SPAN_SECOND)
#define DEYE_BUS_TIMEOUT_MAX_US     (G_MAXINT64 / 2) /* so that it can be added to the present time */

/* See session/deye-bus-option-fields.h. */
typedef struct
{
  gboolean plain;   /* FALSE: there are no @bytes */
  guint64 features; /* features that the broker needs */
  gsize len;
  guint8 bytes[];
} DeyeBusOptionFields;

struct _DeyeBusOptions
{
  gint64 timeout_us; /* 0: default */
  gint64 ttl_us;     /* 0: none */
  char *method;
  char *target;
  char *type_name;
  char *content_type;
  char *correlation_id;
  char *parent_id;
  char *root_id;
  char *stage;
  GBytes *trace_id;
  GBytes *span_id;
  guint8 trace_flags;
  guint32 depth;
  guint64 sequence_number;
  guint8 priority;
  gboolean at_least_once;
  gboolean hold;
  gboolean want_hops;
  DeyeBusRetain retain;
  gboolean wait_for_ready;
  GPtrArray *tags;             /* of "key=value", NULL: none */
  DeyeBusOptionFields *fields; /* atomic; the encoded members above; NULL: not encoded yet */
  const char *invalid;         /* the first wrong value that a setter got; untranslated, static; NULL: none */
};

/* FALSE: a setter got a wrong value, which this error reports. @options: (nullable). */
gboolean deye_bus_options_check (const DeyeBusOptions *options, GError **error);

/* @options: (nullable). */
gboolean deye_bus_options_is_at_least_once (const DeyeBusOptions *options);

/* TRUE if the message is to be held for a group without members. @options: (nullable). */
gboolean deye_bus_options_is_held (const DeyeBusOptions *options);

/* TRUE if the message needs an acknowledgement, because the broker may refuse it for lack of room. @options: (nullable). */
static inline gboolean
deye_bus_options_must_be_acked (const DeyeBusOptions *options)
{
  return options != NULL && (options->at_least_once || options->hold);
}

/* TRUE if a call waits until the client is ready. @options: (nullable). */
gboolean deye_bus_options_waits_until_ready (const DeyeBusOptions *options);

/* @options: (nullable). */
gint64 deye_bus_options_timeout_us (const DeyeBusOptions *options);

/* Sets the fields of @envelope to spans that are valid as long as @options. @options: (nullable). */
void deye_bus_options_fill (const DeyeBusOptions *options, WireEnvelope *envelope);

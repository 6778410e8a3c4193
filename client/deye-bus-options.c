/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-options-private.h"

#include "deye-bus-error.h"
#include "deye-bus-message-private.h"
#include "deye-bus-trace-private.h"

#include <glib/gi18n-lib.h>

/*
 * Options of calls: a boxed value. A call encodes them at once, so the library keeps no reference. The options keep the encoded
 * fields for later calls, until a setter is called.
 *
 * A setter cannot fail. It notes the first wrong value and does not change the field; each call with these options then fails.
 */

G_DEFINE_BOXED_TYPE (DeyeBusOptions, deye_bus_options, deye_bus_options_copy, deye_bus_options_free)

DeyeBusOptions *
deye_bus_options_new (void)
{
  return g_new0 (DeyeBusOptions, 1);
}

static gpointer
options_copy_string (gconstpointer text, gpointer data)
{
  return g_strdup (text);
}

DeyeBusOptions *
deye_bus_options_copy (const DeyeBusOptions *options)
{
  DeyeBusOptions *copy;

  g_return_val_if_fail (options != NULL, NULL);

  copy = g_memdup2 (options, sizeof *options);
  copy->fields = NULL;
  copy->method = g_strdup (options->method);
  copy->target = g_strdup (options->target);
  copy->type_name = g_strdup (options->type_name);
  copy->content_type = g_strdup (options->content_type);
  copy->correlation_id = g_strdup (options->correlation_id);
  copy->parent_id = g_strdup (options->parent_id);
  copy->root_id = g_strdup (options->root_id);
  copy->stage = g_strdup (options->stage);
  copy->trace_id = options->trace_id != NULL ? g_bytes_ref (options->trace_id) : NULL;
  copy->span_id = options->span_id != NULL ? g_bytes_ref (options->span_id) : NULL;
  copy->tags = options->tags != NULL ? g_ptr_array_copy (options->tags, options_copy_string, NULL) : NULL;
  if (copy->tags != NULL)
    g_ptr_array_set_free_func (copy->tags, g_free);
  return copy;
}

void
deye_bus_options_free (DeyeBusOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->method);
  g_free (options->target);
  g_free (options->type_name);
  g_free (options->content_type);
  g_free (options->correlation_id);
  g_free (options->parent_id);
  g_free (options->root_id);
  g_free (options->stage);
  g_clear_pointer (&options->trace_id, g_bytes_unref);
  g_clear_pointer (&options->span_id, g_bytes_unref);
  g_clear_pointer (&options->tags, g_ptr_array_unref);
  g_free (options->fields);
  g_free (options);
}

/* Each setter begins with this: it drops the encoded fields. */
static void
options_change (DeyeBusOptions *options)
{
  g_clear_pointer (&options->fields, g_free);
}

static void
options_refuse (DeyeBusOptions *options, const char *why)
{
  if (options->invalid == NULL)
    options->invalid = why;
}

gboolean
deye_bus_options_check (const DeyeBusOptions *options, GError **error)
{
  const char *invalid = options != NULL ? options->invalid : NULL;

  if (invalid == NULL && options != NULL && options->hold && options->ttl_us == 0)
    invalid = N_ ("A message that is held for a group needs a time to live: call deye_bus_options_set_ttl()");
  if (invalid == NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ (invalid));
  return FALSE;
}

void
deye_bus_options_set_timeout (DeyeBusOptions *options, gint64 timeout_us)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  if (timeout_us < 0)
    options_refuse (options, N_ ("The options have a negative timeout: give microseconds, or 0 for the default"));
  else
    options->timeout_us = MIN (timeout_us, DEYE_BUS_TIMEOUT_MAX_US);
}

void
deye_bus_options_set_ttl (DeyeBusOptions *options, gint64 ttl_us)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  if (ttl_us < 0)
    options_refuse (options, N_ ("The options have a negative time to live: give microseconds, or 0 for none"));
  else
    options->ttl_us = ttl_us;
}

void
deye_bus_options_set_retain (DeyeBusOptions *options, DeyeBusRetain retain)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  if ((guint) retain > DEYE_BUS_RETAIN_CONNECTED)
    options_refuse (options, N_ ("The options have an unknown value of DeyeBusRetain"));
  else
    options->retain = retain;
}

/* Defines the setter of a string. */
#define DEFINE_STRING_SETTER(field, argument)                                                                          \
  void deye_bus_options_set_##field (DeyeBusOptions *options, const char *argument)                                    \
  {                                                                                                                    \
    g_return_if_fail (options != NULL);                                                                                \
    options_change (options);                                                                                          \
    g_free (options->field);                                                                                           \
    options->field = g_strdup (argument);                                                                              \
  }

DEFINE_STRING_SETTER (method, method)
DEFINE_STRING_SETTER (target, peer_id)
DEFINE_STRING_SETTER (type_name, type_name)
DEFINE_STRING_SETTER (content_type, content_type)
DEFINE_STRING_SETTER (correlation_id, correlation_id)
DEFINE_STRING_SETTER (parent_id, parent_id)
DEFINE_STRING_SETTER (root_id, root_id)
DEFINE_STRING_SETTER (stage, stage)

void
deye_bus_options_set_priority (DeyeBusOptions *options, guint8 priority)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->priority = priority;
}

void
deye_bus_options_set_wait_for_ready (DeyeBusOptions *options, gboolean wait_for_ready)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->wait_for_ready = !!wait_for_ready;
}

gboolean
deye_bus_options_waits_until_ready (const DeyeBusOptions *options)
{
  return options != NULL && options->wait_for_ready;
}

void
deye_bus_options_set_at_least_once (DeyeBusOptions *options, gboolean at_least_once)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->at_least_once = at_least_once;
}

gboolean
deye_bus_options_is_at_least_once (const DeyeBusOptions *options)
{
  return options != NULL && options->at_least_once;
}

void
deye_bus_options_set_hold (DeyeBusOptions *options, gboolean hold)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->hold = hold;
}

gboolean
deye_bus_options_is_held (const DeyeBusOptions *options)
{
  return options != NULL && options->hold;
}

void
deye_bus_options_set_trace (DeyeBusOptions *options, GBytes *trace_id, GBytes *span_id)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  if ((trace_id != NULL && g_bytes_get_size (trace_id) != 16) || (span_id != NULL && g_bytes_get_size (span_id) != 8))
    {
      options_refuse (
          options, N_ ("The options have a trace id that does not have 16 bytes, or a span id that does not have 8"));
      return;
    }
  g_clear_pointer (&options->trace_id, g_bytes_unref);
  g_clear_pointer (&options->span_id, g_bytes_unref);
  options->trace_id = trace_id != NULL ? g_bytes_ref (trace_id) : NULL;
  options->span_id = span_id != NULL ? g_bytes_ref (span_id) : NULL;
  options->trace_flags = 0;
}

void
deye_bus_options_set_traceparent (DeyeBusOptions *options, const char *traceparent)
{
  DeyeBusTrace trace;

  g_return_if_fail (options != NULL);
  options_change (options);

  if (traceparent != NULL && !deye_bus_trace_parse (traceparent, &trace))
    {
      options_refuse (options, N_ ("The options have a traceparent that is not a W3C trace context"));
      return;
    }
  g_clear_pointer (&options->trace_id, g_bytes_unref);
  g_clear_pointer (&options->span_id, g_bytes_unref);
  options->trace_flags = 0;
  if (traceparent == NULL)
    return;
  options->trace_id = g_bytes_new (trace.trace_id, sizeof trace.trace_id);
  options->span_id = g_bytes_new (trace.span_id, sizeof trace.span_id);
  options->trace_flags = trace.flags;
}

gboolean
deye_bus_traceparent_is_valid (const char *traceparent)
{
  DeyeBusTrace trace;

  g_return_val_if_fail (traceparent != NULL, FALSE);

  return deye_bus_trace_parse (traceparent, &trace);
}

void
deye_bus_options_set_depth (DeyeBusOptions *options, guint depth)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->depth = depth;
}

/* Eight random bytes; not all of them are zero. */
static GBytes *
options_new_span_id (void)
{
  guint32 words[2] = { g_random_int (), g_random_int () | 1u };

  return g_bytes_new (words, sizeof words);
}

DeyeBusOptions *
deye_bus_options_child_of (const DeyeBusOptions *options, DeyeBusMessage *message)
{
  DeyeBusOptions *child;
  const char *root;

  g_return_val_if_fail (message != NULL, NULL);

  child = options != NULL ? deye_bus_options_copy (options) : deye_bus_options_new ();
  root = message->rare->root_id != NULL ? message->rare->root_id : message->rare->correlation_id;
  deye_bus_options_set_parent_id (child, message->rare->correlation_id);
  deye_bus_options_set_root_id (child, root);
  if (child->correlation_id == NULL)
    child->correlation_id = g_uuid_string_random ();
  child->depth = message->rare->depth < G_MAXUINT32 ? message->rare->depth + 1 : G_MAXUINT32;
  if (message->rare->trace_id.len == WIRE_TRACE_ID_LEN)
    {
      g_autoptr (GBytes) trace_id = deye_bus_message_dup_trace_id (message);
      g_autoptr (GBytes) span_id = options_new_span_id ();

      deye_bus_options_set_trace (child, trace_id, span_id);
      child->trace_flags = message->rare->trace_flags;
    }
  return child;
}

void
deye_bus_options_set_sequence_number (DeyeBusOptions *options, guint64 sequence_number)
{
  g_return_if_fail (options != NULL);
  options_change (options);

  options->sequence_number = sequence_number;
}

void
deye_bus_options_set_want_hops (DeyeBusOptions *options, gboolean want_hops)
{
  g_return_if_fail (options != NULL);
  options_change (options);
  options->want_hops = want_hops;
}

void
deye_bus_options_add_tag (DeyeBusOptions *options, const char *key, const char *value)
{
  g_return_if_fail (options != NULL);
  g_return_if_fail (key != NULL && value != NULL);

  options_change (options);

  if (*key == '\0' || strchr (key, '=') != NULL)
    {
      options_refuse (options, N_ ("The options have a tag whose key is empty or contains “=”"));
      return;
    }
  if (options->tags != NULL && options->tags->len >= WIRE_TAGS_MAX)
    {
      options_refuse (options, N_ ("The options have too many tags: a message can have 64"));
      return;
    }
  if (options->tags == NULL)
    options->tags = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (options->tags, g_strconcat (key, "=", value, NULL));
}

gint64
deye_bus_options_timeout_us (const DeyeBusOptions *options)
{
  return options != NULL && options->timeout_us > 0 ? options->timeout_us : DEYE_BUS_TIMEOUT_DEFAULT_US;
}

static WireSpan
options_span_of (GBytes *bytes)
{
  gsize len = 0;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &len) : NULL;

  return wire_span (data, len);
}

void
deye_bus_options_fill (const DeyeBusOptions *options, WireEnvelope *envelope)
{
  if (options == NULL)
    return;
  envelope->method = wire_span_str (options->method);
  envelope->target = wire_span_str (options->target);
  envelope->type_name = wire_span_str (options->type_name);
  envelope->content_type = wire_span_str (options->content_type);
  envelope->correlation_id = wire_span_str (options->correlation_id);
  envelope->parent_id = wire_span_str (options->parent_id);
  envelope->root_id = wire_span_str (options->root_id);
  envelope->stage = wire_span_str (options->stage);
  envelope->trace_id = options_span_of (options->trace_id);
  envelope->span_id = options_span_of (options->span_id);
  envelope->trace_flags = options->trace_flags;
  envelope->depth = options->depth;
  envelope->ttl_us = (guint64) options->ttl_us;
  envelope->sequence_number = options->sequence_number;
  envelope->priority = options->priority;
  envelope->want_hops = options->want_hops ? 1 : 0;
  envelope->n_tags = options->tags != NULL ? options->tags->len : 0;
  for (guint i = 0; i < envelope->n_tags; i++)
    envelope->tags[i] = wire_span_str (g_ptr_array_index (options->tags, i));
}

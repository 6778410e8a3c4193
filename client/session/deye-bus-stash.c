/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-stash.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

#define PAYLOAD_CEILING (64u << 20)

/* --- a message --- */

DeyeBusStashed *
deye_bus_stashed_new (const DeyeBusCall *call, WireClass credit_class, gsize bytes, gint64 now_us)
{
  DeyeBusStashed *stashed = g_new (DeyeBusStashed, 1);

  stashed->call = *call;
  stashed->call.topic = g_strdup (call->topic);
  stashed->call.target = g_strdup (call->target);
  stashed->call.type_name = g_strdup (call->type_name);
  stashed->call.payload = call->payload != NULL ? g_bytes_ref (call->payload) : NULL;
  stashed->call.options = call->options != NULL ? deye_bus_options_copy (call->options) : NULL;
  stashed->credit_class = credit_class;
  stashed->since_us = now_us;
  stashed->bytes = bytes;
  return stashed;
}

void
deye_bus_stashed_free (DeyeBusStashed *stashed)
{
  g_free ((char *) stashed->call.topic);
  g_free ((char *) stashed->call.target);
  g_free ((char *) stashed->call.type_name);
  g_clear_pointer (&stashed->call.payload, g_bytes_unref);
  deye_bus_options_free ((DeyeBusOptions *) stashed->call.options);
  g_free (stashed);
}

static gboolean
stashed_is_health (const char *topic)
{
  return g_str_equal (topic, "health") || g_str_has_prefix (topic, "health.")
         || g_str_has_prefix (topic, "control.health.");
}

gboolean
deye_bus_stashed_age (DeyeBusStashed *stashed, gint64 now_us)
{
  DeyeBusOptions *options = (DeyeBusOptions *) stashed->call.options;

  if (options == NULL || options->ttl_us == 0)
    return TRUE;
  options->ttl_us -= now_us - stashed->since_us;
  stashed->since_us = now_us;
  return options->ttl_us > 0;
}

/* --- room --- */

static DeyeBusStashed *
stash_unlink (DeyeBusStash *stash, GList *link)
{
  DeyeBusStashed *stashed = link->data;

  g_queue_delete_link (&stash->messages, link);
  stash->bytes -= stashed->bytes;
  return stashed;
}

static void
stash_lose (DeyeBusStash *stash, GList *link)
{
  deye_bus_stashed_free (stash_unlink (stash, link));
  stash->lost++;
}

/* Only the latest state of each topic matters. */
static void
stash_conflate (DeyeBusStash *stash, const char *topic)
{
  for (GList *link = stash->messages.tail; link != NULL; link = link->prev)
    if (g_str_equal (((DeyeBusStashed *) link->data)->call.topic, topic))
      {
        stash_lose (stash, link);
        return;
      }
}

static gboolean
stash_has_room (const DeyeBusStash *stash, gsize bytes)
{
  return stash->messages.length < DEYE_BUS_STASH_MAX_MESSAGES && stash->bytes + bytes <= DEYE_BUS_STASH_MAX_BYTES;
}

static GList *
stash_find_oldest_event (const DeyeBusStash *stash)
{
  GList *link = stash->messages.head;

  while (link != NULL && ((DeyeBusStashed *) link->data)->credit_class == WIRE_CLASS_MUST_KEEP)
    link = link->next;
  return link;
}

/* Nothing is dropped for a message that does not fit in any case. */
static gboolean
stash_make_room (DeyeBusStash *stash, gsize bytes)
{
  gsize kept_bytes = 0;
  guint kept = 0;

  if (stash_has_room (stash, bytes))
    return TRUE;
  for (GList *link = stash->messages.head; link != NULL; link = link->next)
    {
      const DeyeBusStashed *stashed = link->data;

      kept += stashed->credit_class == WIRE_CLASS_MUST_KEEP ? 1 : 0;
      kept_bytes += stashed->credit_class == WIRE_CLASS_MUST_KEEP ? stashed->bytes : 0;
    }
  if (kept >= DEYE_BUS_STASH_MAX_MESSAGES || kept_bytes + bytes > DEYE_BUS_STASH_MAX_BYTES)
    return FALSE;
  while (!stash_has_room (stash, bytes))
    stash_lose (stash, stash_find_oldest_event (stash));
  return TRUE;
}

/* --- messages in and out --- */

gboolean
deye_bus_stash_put (DeyeBusStash *stash,
                    const DeyeBusCall *call,
                    guint64 largest_payload,
                    gint64 now_us,
                    GError **error)
{
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */
  gsize bytes;

  deye_bus_call_encode (call, 1, &encoded);
  if (!deye_bus_options_check (call->options, error)
      || !deye_bus_encoded_call_check (&encoded, largest_payload > 0 ? largest_payload : PAYLOAD_CEILING, error))
    return FALSE;
  bytes = encoded.head_len + encoded.envelope.payload.len;
  if (stashed_is_health (call->topic))
    stash_conflate (stash, call->topic);
  if (!stash_make_room (stash, bytes))
    {
      g_propagate_error (
          error, deye_bus_error_new_limit (_ ("The client is not connected, and what it may keep until then is full: "
                                              "publish it again when the client is ready"),
                                           DEYE_BUS_STASH_MAX_BYTES, stash->bytes + bytes, "none"));
      return FALSE;
    }
  g_queue_push_tail (&stash->messages, deye_bus_stashed_new (call, encoded.credit_class, bytes, now_us));
  stash->bytes += bytes;
  return TRUE;
}

DeyeBusStashed *
deye_bus_stash_take (DeyeBusStash *stash, gint64 now_us)
{
  while (stash->messages.length > 0)
    {
      DeyeBusStashed *stashed = stash_unlink (stash, stash->messages.head);

      if (deye_bus_stashed_age (stashed, now_us))
        return stashed;
      deye_bus_stashed_free (stashed);
      stash->lost++;
    }
  return NULL;
}

void
deye_bus_stash_clear (DeyeBusStash *stash)
{
  while (stash->messages.length > 0)
    deye_bus_stashed_free (stash_unlink (stash, stash->messages.head));
}

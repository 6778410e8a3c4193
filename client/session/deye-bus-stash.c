/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-stash.h"

#include "deye-bus-error-private.h"

#include <glib/gi18n-lib.h>

#define PAYLOAD_CEILING (64u << 20)

static gboolean
stash_is_health (const char *topic)
{
  return g_str_equal (topic, "health") || g_str_has_prefix (topic, "health.")
         || g_str_has_prefix (topic, "control.health.");
}

/* --- room --- */

static DeyeBusKeptFrame *
stash_unlink (DeyeBusStash *stash, GList *link)
{
  DeyeBusKeptFrame *frame = link->data;

  g_queue_delete_link (&stash->messages, link);
  stash->bytes -= deye_bus_kept_frame_bytes (frame);
  return frame;
}

void
deye_bus_stash_lose (DeyeBusStash *stash, const DeyeBusKeptFrame *frame)
{
  stash->lost++;
  deye_bus_losses_add (&stash->losses, frame->topic, 1);
}

static void
stash_drop (DeyeBusStash *stash, GList *link)
{
  g_autoptr (DeyeBusKeptFrame) frame = stash_unlink (stash, link);

  deye_bus_stash_lose (stash, frame);
}

/* Drops the earlier message to @topic, because only the latest state of a topic matters. */
static void
stash_conflate (DeyeBusStash *stash, const char *topic)
{
  for (GList *link = stash->messages.tail; link != NULL; link = link->prev)
    if (g_str_equal (((DeyeBusKeptFrame *) link->data)->topic, topic))
      {
        stash_drop (stash, link);
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

  while (link != NULL && ((DeyeBusKeptFrame *) link->data)->credit_class == WIRE_CLASS_MUST_KEEP)
    link = link->next;
  return link;
}

/* TRUE if there is room for @bytes, or would be if all messages were dropped that may be dropped. */
static gboolean
stash_may_fit (const DeyeBusStash *stash, gsize bytes)
{
  gsize kept_bytes = 0;
  guint kept = 0;

  if (stash_has_room (stash, bytes))
    return TRUE;
  for (GList *link = stash->messages.head; link != NULL; link = link->next)
    {
      const DeyeBusKeptFrame *frame = link->data;

      kept += frame->credit_class == WIRE_CLASS_MUST_KEEP ? 1 : 0;
      kept_bytes += frame->credit_class == WIRE_CLASS_MUST_KEEP ? deye_bus_kept_frame_bytes (frame) : 0;
    }
  return kept < DEYE_BUS_STASH_MAX_MESSAGES && kept_bytes + bytes <= DEYE_BUS_STASH_MAX_BYTES;
}

/* --- messages in and out --- */

/* Takes @frame, if there is room or older messages can make room.
 *
 * The two usual rules for a full queue are both wrong here. If the oldest message were dropped, a flood of events during an
 * outage would push out results that a submitter waits for. If the new message were refused, the stash would be full of old
 * events, and would refuse the result that comes after them. So the class decides: must-keep messages are never dropped, and
 * each other message gives way to a newer message of any class, the oldest one first.
 *
 * Whether that makes enough room is checked before anything is dropped. Otherwise a message that is too large for the room
 * beside the must-keep messages would first push out all events, and would then be refused. The check also ensures that the
 * loop below always finds a message to drop. A health message replaces the earlier one of its topic even if there is room: a
 * program that reports its health each second must not fill the stash with states that are out of date. */
static gboolean
stash_add (DeyeBusStash *stash, DeyeBusKeptFrame *frame)
{
  gsize bytes = deye_bus_kept_frame_bytes (frame);

  if (!stash_may_fit (stash, bytes))
    return FALSE;
  if (stash_is_health (frame->topic))
    stash_conflate (stash, frame->topic);
  while (!stash_has_room (stash, bytes))
    stash_drop (stash, stash_find_oldest_event (stash));
  g_queue_push_tail (&stash->messages, frame);
  stash->bytes += bytes;
  return TRUE;
}

gboolean
deye_bus_stash_put (DeyeBusStash *stash,
                    const DeyeBusCall *call,
                    guint64 largest_payload,
                    guint64 number,
                    gint64 now_us,
                    GError **error)
{
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */
  g_autoptr (DeyeBusKeptFrame) frame = NULL;

  deye_bus_call_encode (call, number, &encoded);
  if (!deye_bus_options_check (call->options, error)
      || !deye_bus_encoded_call_check (&encoded, largest_payload > 0 ? largest_payload : PAYLOAD_CEILING, error))
    return FALSE;
  frame = deye_bus_kept_frame_new (&encoded, now_us);
  if (!stash_add (stash, frame))
    {
      g_propagate_error (error, deye_bus_error_new_limit (_ ("The client is not connected, and no more messages can "
                                                             "wait in it: publish it again when the client is ready"),
                                                          DEYE_BUS_STASH_MAX_BYTES,
                                                          stash->bytes + deye_bus_kept_frame_bytes (frame), "none"));
      return FALSE;
    }
  g_steal_pointer (&frame);
  return TRUE;
}

gboolean
deye_bus_stash_keep (DeyeBusStash *stash, DeyeBusKeptFrame *frame)
{
  if (stash_add (stash, frame))
    return TRUE;
  deye_bus_stash_lose (stash, frame);
  deye_bus_kept_frame_free (frame);
  return FALSE;
}

void
deye_bus_stash_start_clock (DeyeBusStash *stash, gint64 now_us)
{
  for (GList *link = stash->messages.head; link != NULL; link = link->next)
    {
      DeyeBusKeptFrame *frame = link->data;

      frame->since_us = frame->since_us != 0 ? frame->since_us : now_us;
    }
}

void
deye_bus_stash_expire (DeyeBusStash *stash, gint64 now_us)
{
  GList *next;

  for (GList *link = stash->messages.head; link != NULL; link = next)
    {
      next = link->next;
      if (deye_bus_kept_frame_has_expired (link->data, now_us))
        stash_drop (stash, link);
    }
}

const DeyeBusKeptFrame *
deye_bus_stash_first (const DeyeBusStash *stash)
{
  return g_queue_peek_head ((GQueue *) &stash->messages);
}

DeyeBusKeptFrame *
deye_bus_stash_take (DeyeBusStash *stash)
{
  return stash->messages.length > 0 ? stash_unlink (stash, stash->messages.head) : NULL;
}

static gint
stash_compare_numbers (gconstpointer a, gconstpointer b, gpointer data)
{
  const DeyeBusKeptFrame *first = a, *second = b;

  return first->number < second->number ? -1 : first->number > second->number;
}

void
deye_bus_stash_sort (DeyeBusStash *stash)
{
  g_queue_sort (&stash->messages, stash_compare_numbers, NULL);
}

void
deye_bus_stash_clear (DeyeBusStash *stash)
{
  while (stash->messages.length > 0)
    deye_bus_kept_frame_free (stash_unlink (stash, stash->messages.head));
}

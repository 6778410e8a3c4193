/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-channel.h"

/* A held event has no subject: only its message or gap is to be freed. */
static void
channel_clear_held_event (DeyeBusEvent *event)
{
  if (event->kind == DEYE_BUS_EVENT_MESSAGE)
    g_clear_pointer (&event->message, deye_bus_message_unref);
  else
    g_clear_pointer (&event->gap, g_free);
}

DeyeBusChannel *
deye_bus_channel_new (guint32 id, gboolean serve, gboolean pull)
{
  DeyeBusChannel *channel = g_slice_new0 (DeyeBusChannel); /* side by side with others */

  g_atomic_ref_count_init (&channel->refs);
  channel->id = id;
  channel->serve = serve;
  channel->pull = pull;
  g_queue_init (&channel->inbox);
  g_queue_init (&channel->inbox_gaps);
  deye_bus_events_init (&channel->held, channel_clear_held_event);
  return channel;
}

DeyeBusChannel *
deye_bus_channel_ref (DeyeBusChannel *channel)
{
  g_atomic_ref_count_inc (&channel->refs);
  return channel;
}

void
deye_bus_channel_unref (DeyeBusChannel *channel)
{
  if (!g_atomic_ref_count_dec (&channel->refs))
    return;
  g_queue_clear_full (&channel->inbox, (GDestroyNotify) deye_bus_message_unref);
  g_queue_clear_full (&channel->inbox_gaps, g_free);
  deye_bus_events_clear (&channel->held);
  g_clear_pointer (&channel->request, g_bytes_unref);
  g_clear_error (&channel->refusal);
  g_slice_free (DeyeBusChannel, channel);
}

/* --- gaps --- */

/* A frame of the control lane overtakes frames of the data lane, so a later gap may begin earlier. */
static void
channel_add_gap (DeyeBusGap *sum, const DeyeBusGap *gap)
{
  sum->from = MIN (sum->from, gap->from);
  sum->to = MAX (sum->to, gap->to);
  sum->count += gap->count;
}

static DeyeBusGap *
channel_find_gap (DeyeBusChannel *channel, guint32 reason)
{
  for (guint i = 0; i < channel->n_gaps; i++)
    if (channel->gaps[i]->reason == reason)
      return channel->gaps[i];
  return NULL;
}

gboolean
deye_bus_channel_push_gap (DeyeBusChannel *channel, DeyeBusEvents *events, const DeyeBusGap *gap)
{
  DeyeBusGap *queued = channel_find_gap (channel, gap->reason);

  if (queued != NULL)
    {
      channel_add_gap (queued, gap);
      return TRUE;
    }
  if (channel->n_gaps == G_N_ELEMENTS (channel->gaps))
    return FALSE;
  queued = channel->gaps[channel->n_gaps++] = g_memdup2 (gap, sizeof *gap);
  deye_bus_events_push (
      events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_GAP, .subject = deye_bus_channel_enter (channel), .gap = queued });
  return TRUE;
}

void
deye_bus_channel_close_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  for (guint i = 0; i < channel->n_gaps; i++)
    if (channel->gaps[i] == gap)
      {
        channel->gaps[i] = channel->gaps[--channel->n_gaps];
        return;
      }
}

/* --- the inbox --- */

void
deye_bus_channel_put (DeyeBusChannel *channel, DeyeBusMessage *message)
{
  channel->inbox_received++;
  g_queue_push_tail (&channel->inbox, message);
}

DeyeBusMessage *
deye_bus_channel_take (DeyeBusChannel *channel)
{
  return g_queue_pop_head (&channel->inbox);
}

gboolean
deye_bus_channel_put_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  DeyeBusPlacedGap *placed;
  guint n = 0;

  for (GList *link = channel->inbox_gaps.tail; link != NULL; link = link->prev, n++)
    {
      placed = link->data;
      if (placed->place != channel->inbox_received)
        break;
      if (placed->gap.reason == gap->reason)
        {
          channel_add_gap (&placed->gap, gap);
          return TRUE;
        }
    }
  if (n == DEYE_BUS_GAP_REASONS_MAX)
    return FALSE;
  placed = g_new (DeyeBusPlacedGap, 1);
  *placed = (DeyeBusPlacedGap){ *gap, channel->inbox_received };
  g_queue_push_tail (&channel->inbox_gaps, placed);
  return TRUE;
}

gboolean
deye_bus_channel_take_gap (DeyeBusChannel *channel, DeyeBusGap *gap)
{
  g_autofree DeyeBusPlacedGap *placed = NULL;
  const DeyeBusPlacedGap *first = g_queue_peek_head (&channel->inbox_gaps);

  if (first == NULL || first->place > channel->inbox_received - channel->inbox.length)
    return FALSE;
  placed = g_queue_pop_head (&channel->inbox_gaps);
  *gap = placed->gap;
  return TRUE;
}

void
deye_bus_channel_set_drain (DeyeBusChannel *channel, DeyeBusDrainState state, DeyeBusEvents *events)
{
  if (channel->drain_state == state)
    return;
  channel->drain_state = state;
  if (channel->drain_news)
    return;
  channel->drain_news = TRUE;
  deye_bus_events_push (events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DRAIN, .subject = deye_bus_channel_enter (channel) });
}

void
deye_bus_channel_wake (DeyeBusChannel *channel, DeyeBusEvents *events)
{
  if (!channel->waiting || channel->waking)
    return;
  channel->waking = TRUE;
  deye_bus_events_push (events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_NEXT, .subject = deye_bus_channel_enter (channel) });
}

/* --- pausing --- */

void
deye_bus_channel_hold (DeyeBusChannel *channel, DeyeBusEvent event)
{
  g_assert (event.subject == channel);

  event.subject = NULL;
  deye_bus_events_push (&channel->held, event);
  deye_bus_channel_leave (channel);
}

gboolean
deye_bus_channel_unhold (DeyeBusChannel *channel, DeyeBusEvent *event)
{
  if (!deye_bus_events_pop (&channel->held, event))
    return FALSE;
  event->subject = deye_bus_channel_enter (channel);
  return TRUE;
}

void
deye_bus_channel_drop_held (DeyeBusChannel *channel)
{
  channel->n_gaps = 0;
  deye_bus_events_clear (&channel->held);
}

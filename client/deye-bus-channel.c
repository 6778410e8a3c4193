/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-channel.h"

DeyeBusChannel *
deye_bus_channel_new (guint32 id, gboolean serve, gboolean pull)
{
  DeyeBusChannel *channel = g_new0 (DeyeBusChannel, 1);

  channel->refs = 1;
  channel->id = id;
  channel->serve = serve;
  channel->pull = pull;
  g_queue_init (&channel->inbox);
  deye_bus_events_init (&channel->held);
  return channel;
}

DeyeBusChannel *
deye_bus_channel_ref (DeyeBusChannel *channel)
{
  channel->refs++;
  return channel;
}

void
deye_bus_channel_unref (DeyeBusChannel *channel)
{
  if (--channel->refs > 0)
    return;
  g_queue_clear_full (&channel->inbox, (GDestroyNotify) deye_bus_message_unref);
  deye_bus_events_clear (&channel->held);
  g_free (channel);
}

/* --- gaps --- */

/* Lanes overtake each other: a later gap may begin earlier. */
static void
add_gap (DeyeBusGap *sum, const DeyeBusGap *gap)
{
  sum->from = MIN (sum->from, gap->from);
  sum->to = MAX (sum->to, gap->to);
  sum->count += gap->count;
}

gboolean
deye_bus_channel_grow_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  for (guint i = 0; i < channel->n_gaps; i++)
    if (channel->gaps[i]->reason == gap->reason)
      {
        add_gap (channel->gaps[i], gap);
        return TRUE;
      }
  return FALSE;
}

DeyeBusGap *
deye_bus_channel_open_gap (DeyeBusChannel *channel, const DeyeBusGap *gap)
{
  if (channel->n_gaps == G_N_ELEMENTS (channel->gaps))
    return NULL;
  return channel->gaps[channel->n_gaps++] = g_memdup2 (gap, sizeof *gap);
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

/* --- pausing --- */

void
deye_bus_channel_hold (DeyeBusChannel *channel, DeyeBusEvent event)
{
  g_assert (event.subject == channel);

  event.subject = NULL;
  deye_bus_events_push (&channel->held, event);
  deye_bus_channel_unref (channel);
}

gboolean
deye_bus_channel_unhold (DeyeBusChannel *channel, DeyeBusEvent *event)
{
  if (!deye_bus_events_pop (&channel->held, event))
    return FALSE;
  event->subject = deye_bus_channel_ref (channel);
  return TRUE;
}

void
deye_bus_channel_drop_held (DeyeBusChannel *channel)
{
  channel->n_gaps = 0;
  deye_bus_events_clear (&channel->held);
}

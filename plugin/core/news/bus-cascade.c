/* SPDX-License-Identifier: Apache-2.0 */
#include "news/bus-cascade.h"

#include "base/bus-text.h"
#include "peer/bus-state.h"
#include "queue/bus-report.h"
#include "route/bus-lineage.h"
#include "route/bus-router.h"
#include "route/bus-routes.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__CascadeEvent CascadeEvent;

/* --- the event --- */

/* Publishes the event with the number of refused messages. @event: the caller has set the ids, if it reports one message. */
static void
cascade_publish (BusPeer *peer, CascadeEvent *event, gint64 now_us)
{
  BusPeerExtra *extra = bus_peer_need_extra (peer);

  event->peer = peer->id;
  event->account = peer->account->name;
  event->what = bus_text_for_packing (extra->cascade_is_circle ? "circle" : "depth");
  event->limit = peer->core->limits.cascade_depth;
  event->count = extra->cascades;
  extra->cascades = 0;
  extra->cascade_next_us = now_us + BUS_REPORT_EVERY_US;
  bus_router_announce (peer->core, "system.cascade", &event->base, now_us);
}

static void
cascade_publish_message (BusPeer *peer, const WireEnvelope *envelope, guint32 depth, gint64 now_us)
{
  g_autofree char *topic = bus_text_from_span (envelope->topic);
  g_autofree char *correlation_id = bus_text_from_span (envelope->correlation_id);
  g_autofree char *parent_id = bus_text_from_span (envelope->parent_id);
  g_autofree char *root_id = bus_text_from_span (envelope->root_id);
  CascadeEvent event;

  daemoneye__eventbus__v1__cascade_event__init (&event);
  event.topic = topic;
  event.correlation_id = correlation_id;
  event.parent_id = parent_id;
  event.root_id = root_id;
  event.depth = depth;
  cascade_publish (peer, &event, now_us);
}

static void
cascade_report (BusPeer *peer, const WireEnvelope *envelope, guint32 depth, gint64 now_us)
{
  BusDeadlineSet *deadlines = &peer->core->deadlines;
  BusPeerExtra *extra = bus_peer_need_extra (peer);

  extra->cascades++;
  if (now_us >= extra->cascade_next_us)
    {
      bus_deadline_disarm (deadlines, &extra->cascade_timer.deadline);
      cascade_publish_message (peer, envelope, depth, now_us);
    }
  else if (!bus_deadline_is_armed (&extra->cascade_timer.deadline))
    bus_deadline_arm (deadlines, &extra->cascade_timer.deadline, extra->cascade_next_us);
}

void
bus_cascade_due (BusPeer *peer, gint64 now_us)
{
  CascadeEvent event;

  daemoneye__eventbus__v1__cascade_event__init (&event);
  if (bus_peer_extra (peer)->cascades > 0)
    cascade_publish (peer, &event, now_us);
}

void
bus_cascade_end (BusPeer *peer, gint64 now_us)
{
  if (peer->extra != NULL)
    bus_deadline_disarm (&peer->core->deadlines, &peer->extra->cascade_timer.deadline);
  bus_cascade_due (peer, now_us);
}

/* --- the answer --- */

static void
cascade_refuse (BusPeer *peer, const WireEnvelope *envelope, guint32 depth)
{
  const BusExcess excess = { BUS_LIMIT_cascade_depth, peer->core->limits.cascade_depth, depth };
  const gboolean is_circle = bus_peer_extra (peer)->cascade_is_circle;
  const char *detail = is_circle
                           ? "the message is among its own causes: do not answer a message that you caused"
                           : "the chain of messages that caused each other is too long: end it, or raise the setting";
  BusNote *note = bus_peer_note (peer, BUS_NOTE_CASCADE, WIRE_STATUS_CASCADE, detail);

  if (note != NULL)
    bus_note_set_topic (note, envelope->topic);
  bus_peer_error_excess (peer, envelope->id, WIRE_STATUS_CASCADE, detail, is_circle ? NULL : &excess);
}

gboolean
bus_cascade_admit (BusPeer *peer, const WireEnvelope *envelope, guint32 *depth, gint64 now_us)
{
  BusCore *core = peer->core;
  BusLineageResult result = bus_lineage_check (&core->routes->timeline, envelope, core->limits.cascade_depth, depth);

  if (result == BUS_LINEAGE_FITS)
    return TRUE;
  bus_peer_need_extra (peer)->cascade_is_circle = result == BUS_LINEAGE_CIRCLE;
  cascade_refuse (peer, envelope, *depth);
  cascade_report (peer, envelope, *depth, now_us);
  return FALSE;
}

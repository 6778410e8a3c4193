/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

#include <stdlib.h>

/*
 * M24, M30: counts the timeline again, and determines the messages that it forbids. For each ancestor it searches the list of
 * all records from the beginning. Nothing here calls the core.
 */

#define DEPTH_MAX 5u /* repeats the default of cascade_depth on purpose */

/* --- the timeline --- */

static gboolean
check_lineage_is_id (WireSpan text, guint number)
{
  char expected[8];

  if (number == 0)
    return text.len == 0;
  g_snprintf (expected, sizeof expected, "m%u", number);
  return wire_span_equal (text, wire_span_str (expected));
}

/* The record that has this id as its name. NULL: none. */
static const BusRecord *
check_lineage_find (const BusTimeline *timeline, WireSpan id)
{
  for (const GList *link = timeline->by_age.head; link != NULL && id.len > 0; link = link->next)
    {
      const BusRecord *record = link->data;

      if (record->is_named && wire_span_equal (record->correlation_id, id))
        return record;
    }
  return NULL;
}

static void
check_lineage_record (SimWorld *world, const BusTimeline *timeline, const BusRecord *record)
{
  if (g_hash_table_lookup (timeline->roots, &record->root->key) != record->root)
    sim_world_fail (world, "M24: a record has a root that is not in the table");
  if (record->is_named && g_hash_table_lookup (timeline->named, &record->id) != record)
    sim_world_fail (world, "M24: a record has a name that is not in the table");
  if (record->is_named && check_lineage_find (timeline, record->correlation_id) != record)
    sim_world_fail (world, "M30: two records have one name");
  if (record->is_named && record->fate.accept_seq == 0)
    sim_world_fail (world, "M30: a refused message has a name");
  if (record->fate.accept_seq != 0 && record->depth > DEPTH_MAX && record->kind != WIRE_KIND_REPLY)
    sim_world_fail (world, "M30: a message of depth %u was accepted", record->depth);
}

/* A name belongs to the first record with it until that record is removed to make room; the next message with it gets it then. */
static void
check_lineage_newest (SimWorld *world, const BusTimeline *timeline)
{
  const BusRecord *newest = timeline->by_age.tail != NULL ? timeline->by_age.tail->data : NULL;

  if (newest != NULL && newest->fate.accept_seq != 0 && newest->correlation_id.len > 0 && !newest->is_named
      && check_lineage_find (timeline, newest->correlation_id) == NULL)
    sim_world_fail (world, "M30: no record is found by the name of the newest record");
}

void
sim_check_lineage (SimWorld *world)
{
  const BusTimeline *timeline = &world->core->routes->timeline;
  guint64 bytes = 0;
  guint listed = 0, named = 0;
  GHashTableIter iter;
  gpointer value;

  for (const GList *link = timeline->by_age.head; link != NULL; link = link->next)
    {
      const BusRecord *record = link->data;

      bytes += record->size;
      named += record->is_named ? 1 : 0;
      check_lineage_record (world, timeline, record);
    }
  check_lineage_newest (world, timeline);
  g_hash_table_iter_init (&iter, timeline->roots);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const BusTimelineRoot *root = value;

      bytes += root->size;
      listed += root->records.length;
      if (root->lost > 0)
        sim_cover (world, SIM_COVER_TIMELINE_FULL);
    }
  if (bytes != timeline->bytes || listed != timeline->by_age.length || named != g_hash_table_size (timeline->named))
    sim_world_fail (world, "M24: the timeline counts %" G_GUINT64_FORMAT " bytes, there are %" G_GUINT64_FORMAT,
                    timeline->bytes, bytes);
  if (bytes > world->core->limits.timeline_bytes || bytes > world->core->limits.broker_bytes / 8)
    sim_world_fail (world, "R06: the timeline has %" G_GUINT64_FORMAT " bytes", bytes);
}

/* --- refusals --- */

static gboolean
check_lineage_forbids (const BusTimeline *timeline, const SimLineage *lineage)
{
  const BusRecord *ancestor;
  guint64 deepest = lineage->depth;
  guint generations = 0;
  char parent[8];

  if (lineage->parent != 0 && lineage->parent == lineage->id)
    return TRUE;
  g_snprintf (parent, sizeof parent, "m%u", lineage->parent);
  ancestor = lineage->parent != 0 ? check_lineage_find (timeline, wire_span_str (parent)) : NULL;
  for (; ancestor != NULL && deepest <= DEPTH_MAX; ancestor = check_lineage_find (timeline, ancestor->parent_id))
    {
      generations++;
      deepest = MAX (deepest, (guint64) ancestor->depth + generations);
      if (deepest <= DEPTH_MAX && lineage->id != 0 && check_lineage_is_id (ancestor->parent_id, lineage->id))
        return TRUE;
    }
  return deepest > DEPTH_MAX;
}

static guint64
check_lineage_count_filtered (const SimWorld *world, const SimFrame *frame)
{
  guint64 n = 0;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    for (guint place = 0; place < SIM_SUBS && world->clients[i].peer != NULL; place++)
      {
        const BusSubscription *subscription = sim_subscription_at (&world->clients[i], place);
        const BusFilter *filter = subscription != NULL ? subscription->filter : NULL;

        if (filter != NULL && filter->stage.len > 0 && !check_lineage_is_id (filter->stage, frame->lineage.stage)
            && sim_model_matches (world->clients[i].subs[place].pattern, frame->topic))
          n++;
      }
  return n;
}

/* TRUE if the message has tags, and matches a subscription whose filter contains tags (the filter is not evaluated). */
static gboolean
check_lineage_meets_tags (const SimWorld *world, const SimFrame *frame)
{
  for (guint i = 0; i < SIM_CLIENTS && frame->lineage.tags != 0; i++)
    for (guint place = 0; place < SIM_SUBS && world->clients[i].peer != NULL; place++)
      {
        const BusSubscription *subscription = sim_subscription_at (&world->clients[i], place);

        if (subscription != NULL && subscription->filter != NULL && subscription->filter->n_tags > 0
            && sim_model_matches (world->clients[i].subs[place].pattern, frame->topic))
          return TRUE;
      }
  return FALSE;
}

void
sim_check_before_lineage (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  if (frame->kind != SIM_FRAME_PUBLISH)
    return;
  before->is_forbidden = check_lineage_forbids (&world->core->routes->timeline, &frame->lineage);
  before->filtered = check_lineage_count_filtered (world, frame);
  before->meets_tags = check_lineage_meets_tags (world, frame);
  before->cascades = bus_peer_extra (client->peer)->cascades;
  sim_check_before_timeline (world, frame, &before->recorded);
}

/* Every refused message is reported: by an event at once, or by the count in the event of the next timer. */
static void
check_lineage_report (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  /* If there is no room for its number, the message is refused before its causes are checked. */
  gboolean is_full = frame->message_id != 0 && sim_view_is_full (client);
  const BusPeerExtra *peer = bus_peer_extra (client->peer);
  gboolean is_published = peer->cascades == 0 && peer->cascade_next_us == world->now_us + G_USEC_PER_SEC;
  gboolean is_counted = peer->cascades == before->cascades + 1 && bus_deadline_is_armed (&peer->cascade_timer.deadline)
                        && peer->cascade_timer.deadline.due_us == peer->cascade_next_us;

  if (is_counted)
    sim_cover (world, SIM_COVER_CASCADES_COUNTED);
  if (!is_published && !is_counted && !is_full)
    sim_world_fail (world, "M30: a refused message of %s is neither published nor counted", client->id);
}

void
sim_check_after_lineage (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  const SimLineage *lineage = &frame->lineage;

  if (frame->kind != SIM_FRAME_PUBLISH || bus_peer_is_closing (client->peer))
    return;
  sim_check_after_timeline (world, client, frame, before);
  if (before->filtered > 0 && !before->is_forbidden)
    sim_cover (world, SIM_COVER_FILTERED);
  if (before->meets_tags && !before->is_forbidden)
    sim_cover (world, SIM_COVER_FILTERED_BY_TAGS);
  if (!before->is_forbidden)
    return;
  if (lineage->depth > DEPTH_MAX)
    sim_cover (world, SIM_COVER_TOO_DEEP);
  else
    sim_cover (world, bus_peer_extra (client->peer)->cascade_is_circle ? SIM_COVER_CIRCLE : SIM_COVER_RECORDED_DEPTH);
  check_lineage_report (world, client, frame, before);
}

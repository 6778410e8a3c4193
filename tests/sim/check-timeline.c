/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "sim-will.h"

/*
 * M24: the record of one message in the timeline. A message with an id, a parent or a root leaves one record, which is then the
 * newest one: with its ids, root, depth and outcome, whether it was accepted or refused. A message without them leaves none. A
 * record may be missing if there is no memory for it, or no room even after all others were removed. It may also be missing for a
 * message that was refused because of its number, which is checked first.
 */

static const BusRecord *
timeline_newest (const SimWorld *world)
{
  const GList *tail = world->core->routes->timeline.by_age.tail;

  return tail != NULL ? tail->data : NULL;
}

static guint64
timeline_newest_number (const SimWorld *world)
{
  const BusRecord *newest = timeline_newest (world);

  return newest != NULL ? newest->number : 0;
}

/* The number of accepted messages of clients, without the broker's own. */
static guint64
timeline_count_accepted (const SimWorld *world)
{
  return sim_view_accept_seq (world) - sim_view_announced (world) - world->wills->published;
}

/* The record that has this id as its name. NULL: none */
static const BusRecord *
timeline_find (const SimWorld *world, guint number)
{
  g_autofree char *text = g_strdup_printf ("m%u", number);

  for (const GList *link = world->core->routes->timeline.by_age.head; link != NULL && number != 0; link = link->next)
    {
      const BusRecord *record = link->data;

      if (record->is_named && wire_span_equal (record->correlation_id, wire_span_str (text)))
        return record;
    }
  return NULL;
}

/* The root is that of the message, otherwise that of its parent, otherwise the first known id of the chain. */
static void
timeline_find_root (const SimWorld *world, const SimLineage *lineage, SimRecorded *recorded)
{
  const BusRecord *parent = timeline_find (world, lineage->parent);
  guint root = lineage->root != 0 ? lineage->root : lineage->parent != 0 ? lineage->parent : lineage->id;

  if (lineage->root == 0 && parent != NULL)
    g_snprintf (recorded->root, sizeof recorded->root, "%.*s", (int) parent->root->key.text.len,
                (const char *) parent->root->key.text.data);
  else
    g_snprintf (recorded->root, sizeof recorded->root, "m%u", root);
}

void
sim_check_before_timeline (const SimWorld *world, const SimFrame *frame, SimRecorded *recorded)
{
  const BusRecord *parent = timeline_find (world, frame->lineage.parent);

  *recorded = (SimRecorded){ .newest = timeline_newest_number (world),
                             .accepted = timeline_count_accepted (world),
                             .wants = frame->lineage.id + frame->lineage.parent + frame->lineage.root > 0,
                             .depth = MAX (frame->lineage.depth, parent != NULL ? parent->depth + 1 : 0) };
  timeline_find_root (world, &frame->lineage, recorded);
}

static gboolean
timeline_text_is (WireSpan text, guint number)
{
  g_autofree char *expected = number != 0 ? g_strdup_printf ("m%u", number) : g_strdup ("");

  return wire_span_equal (text, wire_span_str (expected));
}

static void
timeline_compare (SimWorld *world,
                  const SimClient *client,
                  const SimFrame *frame,
                  const BusRecord *record,
                  const SimBefore *before)
{
  const SimRecorded *recorded = &before->recorded;
  gboolean is_accepted = timeline_count_accepted (world) != recorded->accepted;
  const SimLineage *lineage = &frame->lineage;

  if (!timeline_text_is (record->correlation_id, lineage->id) || !timeline_text_is (record->parent_id, lineage->parent)
      || !timeline_text_is (record->stage, lineage->stage)
      || !wire_span_equal (record->topic, wire_span_str (frame->topic))
      || !wire_span_equal (record->sender, wire_span_str (client->id)))
    sim_world_fail (world, "M24: the newest record of the timeline is not about the message of %s", client->id);
  if (!wire_span_equal (record->root->key.text, wire_span_str (recorded->root)))
    sim_world_fail (world, "M24: a message of %s is recorded under another root than %s", client->id, recorded->root);
  if (record->payload_bytes != frame->payload_len
      || record->time_us != (guint64) (world->now_us + world->core->wall_us))
    sim_world_fail (world, "M24: a message of %s is recorded with another size or time", client->id);
  if (is_accepted && record->depth < recorded->depth)
    sim_world_fail (world, "M30: a message of %s is recorded with the depth %u, not %u", client->id, record->depth,
                    recorded->depth);
  if (record->fate.accept_seq != (is_accepted ? before->seq : 0)
      || (!is_accepted && record->fate.status == WIRE_STATUS_OK)
      || record->fate.queued + record->fate.refused > record->fate.matched)
    sim_world_fail (world, "M24: the recorded outcome of a message of %s is wrong", client->id);
  sim_cover (world, is_accepted ? SIM_COVER_RECORDED : SIM_COVER_RECORDED_REFUSED);
}

void
sim_check_after_timeline (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  const BusRecord *newest = timeline_newest (world);
  gboolean is_new = timeline_newest_number (world) > before->recorded.newest;

  if (is_new && !before->recorded.wants)
    sim_world_fail (world, "M24: a message of %s without ids left a record", client->id);
  else if (is_new)
    timeline_compare (world, client, frame, newest, before);
  else if (before->recorded.wants && !frame->may_fail && newest != NULL && frame->message_id == 0)
    sim_world_fail (world, "M24: a message of %s left no record", client->id);
}

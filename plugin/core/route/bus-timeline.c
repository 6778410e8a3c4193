/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-timeline.h"

#include "base/bus-text.h"

/* The approximate overhead of an entry in the tables, and of a block of malloc. */
#define TABLE_BYTES 96u

#define TEXT_MAX 512u /* the longest topic */

void
bus_timeline_init (BusTimeline *timeline, guint64 most, guint64 seed, BusQuota *quota)
{
  *timeline = (BusTimeline){ .roots = g_hash_table_new (bus_key_hash, bus_key_equal),
                             .named = g_hash_table_new (bus_key_hash, bus_key_equal),
                             .most = most,
                             .seed = seed,
                             .quota = quota };
  g_queue_init (&timeline->by_age);
}

/* --- room --- */

static void
timeline_release (BusTimeline *timeline, gsize size)
{
  timeline->bytes -= size;
  bus_quota_release (timeline->quota, size);
}

/* Removes the record from its root. A root without records is freed, with its number of lost records. */
static void
timeline_leave_root (BusTimeline *timeline, BusRecord *record)
{
  BusTimelineRoot *root = record->root;

  g_queue_unlink (&root->records, &record->root_link);
  root->lost++;
  if (root->records.length > 0)
    return;
  g_hash_table_remove (timeline->roots, &root->key);
  timeline_release (timeline, root->size);
  g_free (root);
}

static void
timeline_drop_oldest (BusTimeline *timeline)
{
  BusRecord *record = g_queue_pop_head_link (&timeline->by_age)->data;

  if (record->is_named)
    g_hash_table_remove (timeline->named, &record->id);
  timeline_leave_root (timeline, record);
  timeline_release (timeline, record->size);
  g_free (record);
}

void
bus_timeline_clear (BusTimeline *timeline)
{
  while (timeline->by_age.length > 0)
    timeline_drop_oldest (timeline);
  g_assert (timeline->bytes == 0 && g_hash_table_size (timeline->roots) == 0
            && g_hash_table_size (timeline->named) == 0);
  g_clear_pointer (&timeline->roots, g_hash_table_unref);
  g_clear_pointer (&timeline->named, g_hash_table_unref);
}

/* Drops the oldest records until there is room. FALSE: there is none even without records. */
static gboolean
timeline_reserve (BusTimeline *timeline, gsize size)
{
  if (size > timeline->most)
    return FALSE;
  while (timeline->bytes + size > timeline->most)
    timeline_drop_oldest (timeline);
  while (!bus_quota_hold (timeline->quota, size))
    {
      if (timeline->by_age.length == 0)
        return FALSE;
      timeline_drop_oldest (timeline);
    }
  timeline->bytes += size;
  return TRUE;
}

/* --- records --- */

/* The texts of a record, each with the field that it is a copy of. */
typedef struct
{
  gsize record;
  gsize envelope;
} TimelineText;

#define TEXT(field)                                                                                                    \
  {                                                                                                                    \
    G_STRUCT_OFFSET (BusRecord, field), G_STRUCT_OFFSET (WireEnvelope, field)                                          \
  }

static const TimelineText timeline_texts[] = {
  TEXT (target),    TEXT (topic), TEXT (method),   TEXT (type_name), TEXT (correlation_id),
  TEXT (parent_id), TEXT (stage), TEXT (trace_id), TEXT (span_id),
};

/* wire-envelope bounds the ids and the stage; other texts are cut here. */
static WireSpan
timeline_text_of (const WireEnvelope *envelope, guint i)
{
  WireSpan text = *(const WireSpan *) (gconstpointer) ((const guint8 *) envelope + timeline_texts[i].envelope);

  return bus_text_cut (text, TEXT_MAX);
}

static WireSpan
timeline_keep (guint8 **at, WireSpan text)
{
  WireSpan kept = wire_span (*at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return kept;
}

/* NULL: no memory. */
static BusRecord *
timeline_new_record (const char *sender, const WireEnvelope *envelope)
{
  gsize size = sizeof (BusRecord) + strlen (sender);
  BusRecord *record;
  guint8 *at;

  for (guint i = 0; i < G_N_ELEMENTS (timeline_texts); i++)
    size += timeline_text_of (envelope, i).len;
  record = g_try_malloc0 (size);
  if (record == NULL)
    return NULL;
  at = (guint8 *) (record + 1);
  record->size = size + TABLE_BYTES;
  record->sender = timeline_keep (&at, wire_span_str (sender));
  for (guint i = 0; i < G_N_ELEMENTS (timeline_texts); i++)
    G_STRUCT_MEMBER (WireSpan, record, timeline_texts[i].record) = timeline_keep (&at, timeline_text_of (envelope, i));
  record->age_link.data = record->root_link.data = record;
  return record;
}

/* --- roots --- */

/* The root id of a message: its own, or that of its recorded parent, or otherwise the first id of the chain that is known. */
static WireSpan
timeline_root_of (const BusTimeline *timeline, const WireEnvelope *envelope)
{
  const BusRecord *parent;

  if (envelope->root_id.len > 0)
    return envelope->root_id;
  if (envelope->parent_id.len == 0)
    return envelope->correlation_id;
  parent = bus_timeline_find (timeline, envelope->parent_id);
  return parent != NULL ? parent->root->key.text : envelope->parent_id;
}

static BusTimelineRoot *
timeline_find_root (const BusTimeline *timeline, WireSpan id)
{
  BusKey key = bus_key (timeline->seed, id);

  return g_hash_table_lookup (timeline->roots, &key);
}

/* Makes a root that is not in the table and not counted yet. NULL: no memory. */
static BusTimelineRoot *
timeline_new_root (const BusTimeline *timeline, WireSpan id)
{
  BusTimelineRoot *root = g_try_malloc0 (sizeof (BusTimelineRoot) + id.len);

  if (root == NULL)
    return NULL;
  memcpy (root + 1, id.data, id.len);
  root->key = bus_key (timeline->seed, wire_span (root + 1, id.len));
  root->size = sizeof (BusTimelineRoot) + id.len + TABLE_BYTES;
  g_queue_init (&root->records);
  return root;
}

/* Lists the record under its root, and makes room for it. It is listed before there is room, because dropping older records frees
 * a root that becomes empty. FALSE: there is no room; the record is not listed. */
static gboolean
timeline_enter (BusTimeline *timeline, BusRecord *record, BusTimelineRoot *root, gboolean is_new)
{
  record->root = root;
  g_queue_push_tail_link (&root->records, &record->root_link);
  if (timeline_reserve (timeline, record->size + (is_new ? root->size : 0)))
    {
      if (is_new)
        g_hash_table_insert (timeline->roots, &root->key, root);
      g_queue_push_tail_link (&timeline->by_age, &record->age_link);
      return TRUE;
    }
  if (is_new)
    g_free (root);
  else
    timeline_leave_root (timeline, record);
  return FALSE;
}

/* Names the record by its correlation id (see bus-timeline.h). A refused message is not named: it can't be an ancestor. The first
 * message with an id keeps the name, so that no later message can take the place of an ancestor. */
static void
timeline_name (BusTimeline *timeline, BusRecord *record)
{
  if (record->correlation_id.len == 0 || record->fate.accept_seq == 0)
    return;
  record->id = bus_key (timeline->seed, record->correlation_id);
  if (g_hash_table_contains (timeline->named, &record->id))
    return;
  record->is_named = TRUE;
  g_hash_table_insert (timeline->named, &record->id, record);
}

/* --- the interface --- */

static void
timeline_add_to_root (BusTimeline *timeline, BusRecord *record, WireSpan root_id)
{
  BusTimelineRoot *root = timeline_find_root (timeline, root_id);
  gboolean is_new = root == NULL;

  if (is_new)
    root = timeline_new_root (timeline, root_id);
  if (root != NULL && timeline_enter (timeline, record, root, is_new))
    timeline_name (timeline, record);
  else
    g_free (record);
}

void
bus_timeline_add (BusTimeline *timeline,
                  const char *sender,
                  guint8 kind,
                  gsize body_len,
                  const WireEnvelope *envelope,
                  guint32 depth,
                  const BusFate *fate,
                  gint64 time_us)
{
  WireSpan root_id = timeline_root_of (timeline, envelope);
  BusRecord *record = timeline_new_record (sender, envelope);

  timeline->number++;
  if (record == NULL)
    return;
  record->number = timeline->number;
  record->kind = kind;
  record->depth = depth;
  record->fate = *fate;
  record->time_us = (guint64) time_us;
  record->payload_bytes = envelope->payload.len;
  record->fields_bytes = body_len - envelope->payload.len;
  timeline_add_to_root (timeline, record, root_id);
}

const BusRecord *
bus_timeline_find (const BusTimeline *timeline, WireSpan id)
{
  BusKey key;

  if (id.len == 0)
    return NULL;
  key = bus_key (timeline->seed, id);
  return g_hash_table_lookup (timeline->named, &key);
}

const BusTimelineRoot *
bus_timeline_root (const BusTimeline *timeline, WireSpan id)
{
  const BusRecord *record = bus_timeline_find (timeline, id);

  return record != NULL ? record->root : timeline_find_root (timeline, id);
}

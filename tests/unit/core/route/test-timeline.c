/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-lineage.h"
#include "route/bus-timeline.h"

/* The timeline and the lineage that is read from it, without a broker. */

#define MOST 4096u

typedef struct
{
  BusQuota quota;
  BusTimeline timeline;
  guint64 accept_seq;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->quota = (BusQuota){ .cap = 1u << 20 };
  bus_timeline_init (&f->timeline, MOST, 17, &f->quota);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_timeline_clear (&f->timeline);
  g_assert_cmpuint (f->quota.memory, ==, 0);
}

static WireEnvelope
message_of (const char *id, const char *parent, const char *root)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.process.new");
  envelope.correlation_id = wire_span_str (id);
  envelope.parent_id = wire_span_str (parent);
  envelope.root_id = wire_span_str (root);
  return envelope;
}

static void
add (Fixture *f, const char *id, const char *parent, const char *root, guint32 depth, gboolean is_refused)
{
  WireEnvelope envelope = message_of (id, parent, root);
  BusFate fate = { is_refused ? 0 : ++f->accept_seq, is_refused ? WIRE_STATUS_CASCADE : WIRE_STATUS_OK, 0, 0, 0 };

  bus_timeline_add (&f->timeline, "sender", 3, 100, &envelope, depth, &fate, 1000);
}

static BusLineageResult
check (Fixture *f, const char *id, const char *parent, guint32 claim, guint32 *depth)
{
  WireEnvelope envelope = message_of (id, parent, NULL);

  envelope.depth = claim;
  return bus_lineage_check (&f->timeline, &envelope, 5, depth);
}

/* Returns the ids of a root's records, in order. */
static char *
ids_of (Fixture *f, const char *id)
{
  const BusTimelineRoot *root = bus_timeline_root (&f->timeline, wire_span_str (id));
  GString *text = g_string_new (NULL);

  for (const GList *link = root != NULL ? root->records.head : NULL; link != NULL; link = link->next)
    {
      const BusRecord *record = link->data;

      g_string_append_len (text, (const char *) record->correlation_id.data, (gssize) record->correlation_id.len);
      g_string_append_c (text, ' ');
    }
  return g_string_free (text, FALSE);
}

static void
assert_ids (Fixture *f, const char *id, const char *expected)
{
  g_autofree char *ids = ids_of (f, id);

  g_assert_cmpstr (ids, ==, expected);
}

/* --- records --- */

/* A root is found by its id and by the id of each of its messages. */
static void
test_roots (Fixture *f, gconstpointer data)
{
  add (f, "a", NULL, NULL, 0, FALSE);
  add (f, "b", "a", "a", 1, FALSE);
  add (f, "x", NULL, NULL, 0, FALSE);
  add (f, "c", "b", NULL, 2, FALSE); /* gets the root of its parent */
  add (f, "y", "gone", NULL, 0, FALSE);
  assert_ids (f, "a", "a b c ");
  assert_ids (f, "c", "a b c ");
  assert_ids (f, "x", "x ");
  assert_ids (f, "gone", "y ");
  add (f, "c", NULL, NULL, 0, FALSE); /* the same id again, in another root */
  assert_ids (f, "c", "a b c ");
  assert_ids (f, "nobody", "");
}

static void
test_fields (Fixture *f, gconstpointer data)
{
  WireEnvelope envelope = message_of ("id", "parent", "root");
  const BusFate fate = { 7, WIRE_STATUS_WOULD_BLOCK, 3, 2, 1 };
  const BusRecord *record;

  envelope.target = wire_span_str ("target");
  envelope.method = wire_span_str ("method");
  envelope.type_name = wire_span_str ("type");
  envelope.stage = wire_span_str ("stage");
  envelope.trace_id = wire_span_str ("0123456789abcdef");
  envelope.span_id = wire_span_str ("01234567");
  envelope.payload = wire_span ("abc", 3);
  bus_timeline_add (&f->timeline, "sender", 5, 60, &envelope, 4, &fate, 123456);
  record = bus_timeline_find (&f->timeline, wire_span_str ("id"));
  g_assert_nonnull (record);
  g_assert_cmpuint (record->number, ==, 1);
  g_assert_cmpuint (record->time_us, ==, 123456);
  g_assert_cmpuint (record->kind, ==, 5);
  g_assert_cmpuint (record->depth, ==, 4);
  g_assert_cmpuint (record->payload_bytes, ==, 3);
  g_assert_cmpuint (record->fields_bytes, ==, 57);
  g_assert_cmpmem (&record->fate, sizeof fate, &fate, sizeof fate);
  g_assert_true (wire_span_equal (record->sender, wire_span_str ("sender")));
  g_assert_true (wire_span_equal (record->target, envelope.target));
  g_assert_true (wire_span_equal (record->topic, envelope.topic));
  g_assert_true (wire_span_equal (record->method, envelope.method));
  g_assert_true (wire_span_equal (record->type_name, envelope.type_name));
  g_assert_true (wire_span_equal (record->parent_id, envelope.parent_id));
  g_assert_true (wire_span_equal (record->stage, envelope.stage));
  g_assert_true (wire_span_equal (record->trace_id, envelope.trace_id));
  g_assert_true (wire_span_equal (record->span_id, envelope.span_id));
  g_assert_true (wire_span_equal (record->root->key.text, envelope.root_id));
  g_assert_true (record->parent_id.data != envelope.parent_id.data);
}

/* To make room, the oldest records of all roots are removed, and each root that has no records left. */
static void
test_bound (Fixture *f, gconstpointer data)
{
  const BusTimelineRoot *root;
  guint64 kept;

  add (f, "old", NULL, NULL, 0, FALSE);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      add (f, id, NULL, "root", 0, FALSE);
      g_assert_cmpuint (f->timeline.bytes, <=, MOST);
      g_assert_cmpuint (f->timeline.bytes, ==, f->quota.memory);
    }
  g_assert_null (bus_timeline_root (&f->timeline, wire_span_str ("old")));
  root = bus_timeline_root (&f->timeline, wire_span_str ("root"));
  kept = root->records.length;
  g_assert_cmpuint (kept, >, 5);
  g_assert_cmpuint (root->lost, ==, 200 - kept);
  g_assert_null (bus_timeline_find (&f->timeline, wire_span_str ("m0")));
  g_assert_nonnull (bus_timeline_find (&f->timeline, wire_span_str ("m199")));
}

/* The broker has no room: new messages leave no record, and earlier records do not change. */
static void
test_broker_is_full (Fixture *f, gconstpointer data)
{
  add (f, "a", NULL, NULL, 0, FALSE);
  f->quota.cap = f->quota.memory + 1; /* room for one record; the other one has a parent of one byte */
  add (f, "b", "a", NULL, 1, FALSE);
  assert_ids (f, "b", "b "); /* its record replaced that of its parent, and continues the same root */
  f->quota.cap = 0;
  add (f, "c", NULL, NULL, 0, FALSE);
  assert_ids (f, "c", "");
  g_assert_cmpuint (f->quota.memory, ==, 0);
}

/* --- lineage --- */

/* The depth is the maximum of the claimed and the recorded depth; above the bound the message is refused. */
static void
test_depth (Fixture *f, gconstpointer data)
{
  guint32 depth;

  g_assert_cmpint (check (f, "a", NULL, 5, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpint (check (f, "a", NULL, 6, &depth), ==, BUS_LINEAGE_TOO_DEEP);
  g_assert_cmpint (check (f, "a", "nobody", 0, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpuint (depth, ==, 0); /* without a record only the claim counts */
  add (f, "p", NULL, NULL, 2, FALSE);
  g_assert_cmpint (check (f, "a", "p", 0, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpuint (depth, ==, 3);
  g_assert_cmpint (check (f, "a", "p", 4, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpuint (depth, ==, 4);
  add (f, "q", "p", NULL, 5, FALSE);
  g_assert_cmpint (check (f, "a", "q", 0, &depth), ==, BUS_LINEAGE_TOO_DEEP);
  g_assert_cmpuint (depth, ==, 6);
}

/* Records that arrived before those of their parents have a depth of 0, but their number counts as depth. */
static void
test_depth_by_number (Fixture *f, gconstpointer data)
{
  guint32 depth;

  add (f, "e", "d", "r", 0, FALSE);
  add (f, "d", "c", "r", 0, FALSE);
  add (f, "c", "b", "r", 0, FALSE);
  add (f, "b", "a", "r", 0, FALSE);
  g_assert_cmpint (check (f, "f", "e", 0, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpuint (depth, ==, 4);
  add (f, "a", "z", "r", 0, FALSE);
  add (f, "z", "y", "r", 0, FALSE);
  g_assert_cmpint (check (f, "f", "e", 0, &depth), ==, BUS_LINEAGE_TOO_DEEP);
}

static void
test_circle (Fixture *f, gconstpointer data)
{
  guint32 depth;

  g_assert_cmpint (check (f, "a", "a", 0, &depth), ==, BUS_LINEAGE_CIRCLE);
  add (f, "b", "a", "a", 1, FALSE);
  g_assert_cmpint (check (f, "a", "b", 0, &depth), ==, BUS_LINEAGE_CIRCLE); /* also when "a" itself is not recorded */
  add (f, "c", "b", "a", 2, FALSE);
  g_assert_cmpint (check (f, "a", "c", 0, &depth), ==, BUS_LINEAGE_CIRCLE);
  g_assert_cmpint (check (f, "b", "c", 0, &depth), ==, BUS_LINEAGE_CIRCLE);
  g_assert_cmpint (check (f, "b", "a", 0, &depth), ==, BUS_LINEAGE_FITS); /* the same message again is not a cycle */
  g_assert_cmpint (check (f, NULL, "c", 0, &depth), ==, BUS_LINEAGE_FITS);
}

/* An id stays with its first message, and a refused message leaves no record. */
static void
test_names (Fixture *f, gconstpointer data)
{
  guint32 depth;

  add (f, "p", NULL, NULL, 1, FALSE);
  add (f, "p", NULL, NULL, 5, FALSE);
  g_assert_cmpint (check (f, "a", "p", 0, &depth), ==, BUS_LINEAGE_FITS);
  g_assert_cmpuint (depth, ==, 2);
  add (f, "q", "p", NULL, 5, TRUE);
  g_assert_cmpint (check (f, "a", "q", 0, &depth), ==, BUS_LINEAGE_FITS);
  assert_ids (f, "p", "p p q ");
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/timeline/M24-roots", test_roots);
  ADD ("/core/timeline/M24-fields", test_fields);
  ADD ("/core/timeline/M24-R06-bound", test_bound);
  ADD ("/core/timeline/R04-broker-is-full", test_broker_is_full);
  ADD ("/core/lineage/M30-depth", test_depth);
  ADD ("/core/lineage/M30-depth-by-number", test_depth_by_number);
  ADD ("/core/lineage/M30-cycle", test_circle);
  ADD ("/core/lineage/M30-names", test_names);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-health.h"

/* Health alone: rounds of the three signals, and units. The interval is one second. */

#define SECOND G_TIME_SPAN_SECOND

typedef struct
{
  BusHealth health;
  gint64 now_us;
  guint64 received;
  gsize queued;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  f->now_us = 10 * SECOND;
  bus_health_begin (&f->health, SECOND, f->now_us);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_health_clear (&f->health);
}

/* Ends the round at its time. Returns TRUE if a PING is sent. */
static gboolean
end_round (Fixture *f)
{
  f->now_us = f->health.round_due_us;
  return bus_health_end_round (&f->health, f->received, f->queued, SECOND, f->now_us);
}

#define assert_missed(f, connection, queue, loop)                                                                      \
  do                                                                                                                   \
    {                                                                                                                  \
      g_assert_cmpuint ((f)->health.missed[BUS_HEALTH_CONNECTION], ==, connection);                                    \
      g_assert_cmpuint ((f)->health.missed[BUS_HEALTH_QUEUE], ==, queue);                                              \
      g_assert_cmpuint ((f)->health.missed[BUS_HEALTH_LOOP], ==, loop);                                                \
    }                                                                                                                  \
  while (0)

/* An idle peer is sent one PING. Each further interval without an answer is a miss; at most three are counted. */
static void
test_misses_counted_per_interval (Fixture *f, gconstpointer data)
{
  g_assert_true (end_round (f));
  assert_missed (f, 0, 0, 0);
  for (guint i = 1; i < 6; i++)
    {
      g_assert_false (end_round (f));
      assert_missed (f, MIN (i, 3), 0, MIN (i, 3));
      g_assert_true (f->health.is_silent);
    }
  g_assert_cmpint (f->now_us, ==, 16 * SECOND);
}

/* A round begins with the last answer, so an answer in time never counts as missed. */
static void
test_answers (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 9; i++)
    {
      f->now_us += SECOND / 2;
      g_assert_false (bus_health_answered (&f->health, f->now_us));
      g_assert_false (end_round (f));
      assert_missed (f, 0, 0, 0);
      g_assert_cmpint (f->health.round_due_us, ==, f->health.answered_us + SECOND);
    }
  f->now_us += SECOND / 10;
  g_assert_true (end_round (f));
}

/* Other frames do not count as an answer. */
static void
test_busy_sender (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      f->received++;
      g_assert_cmpint (end_round (f), ==, i == 0);
      assert_missed (f, 0, 0, i);
    }
  g_assert_false (f->health.is_silent);
  g_assert_true (bus_health_answered (&f->health, f->now_us));
  assert_missed (f, 0, 0, 0);
}

/* A frame resets the misses of the connection, not those of the loop. */
static void
test_frame_ends_misses (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    end_round (f);
  assert_missed (f, 2, 0, 2);
  f->received++;
  g_assert_true (bus_health_note_frame (&f->health));
  g_assert_false (bus_health_note_frame (&f->health));
  assert_missed (f, 0, 0, 2);
  end_round (f);
  assert_missed (f, 0, 0, 3);
}

/* The peer sends heartbeats but reads nothing. Bytes that began to wait during a round do not count as late at its end. */
static void
test_queue (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    {
      f->queued = i > 0 ? 100 : 0;
      bus_health_answered (&f->health, f->health.round_due_us);
      f->received++;
      end_round (f);
      assert_missed (f, 0, i > 1 ? i - 1 : 0, 0);
    }
  g_assert_true (bus_health_taken (&f->health));
  assert_missed (f, 0, 0, 0);
  end_round (f);
  assert_missed (f, 0, 0, 0); /* some bytes were taken in this round */
  end_round (f);
  assert_missed (f, 1, 1, 1);
  f->queued = 0;
  end_round (f);
  assert_missed (f, 2, 0, 2);
}

/* Answers in quick succession make short rounds, which do not count as intervals of the queue. */
static void
test_queue_of_short_rounds (Fixture *f, gconstpointer data)
{
  f->queued = 100;
  bus_health_answered (&f->health, f->now_us + SECOND / 10);
  end_round (f);
  assert_missed (f, 0, 0, 0);
  f->now_us += SECOND / 20;
  bus_health_answered (&f->health, f->now_us);
  end_round (f); /* 0.1 s later */
  assert_missed (f, 0, 0, 0);
  bus_health_answered (&f->health, f->health.round_due_us);
  end_round (f); /* 1 s after that */
  assert_missed (f, 0, 1, 0);
  bus_health_answered (&f->health, f->now_us);
  f->now_us += SECOND / 2;
  bus_health_answered (&f->health, f->now_us);
  end_round (f);
  assert_missed (f, 0, 2, 0);
}

/* The broker was late: the round is extended, also for the queue, and no miss is counted. */
static void
test_extended (Fixture *f, gconstpointer data)
{
  f->queued = 100;
  end_round (f);
  end_round (f);
  assert_missed (f, 1, 1, 1);
  f->now_us += 5 * SECOND;
  bus_health_extend_round (&f->health, SECOND / 2, f->now_us);
  assert_missed (f, 1, 1, 1);
  g_assert_cmpint (f->health.round_due_us, ==, f->now_us + SECOND / 2);
  end_round (f);
  assert_missed (f, 2, 1, 2); /* half an interval does not count for the queue */
}

static void
test_worst (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint missed[BUS_HEALTH_N_SIGNALS]; /* connection, queue, loop */
    BusHealthSignal worst;
    guint n;
  } cases[] = {
    { { 0, 0, 0 }, BUS_HEALTH_CONNECTION, 0 }, { { 1, 0, 1 }, BUS_HEALTH_CONNECTION, 1 },
    { { 1, 0, 2 }, BUS_HEALTH_LOOP, 2 },       { { 0, 2, 2 }, BUS_HEALTH_QUEUE, 2 },
    { { 1, 3, 2 }, BUS_HEALTH_QUEUE, 3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      BusHealthSignal worst;

      memcpy (f->health.missed, cases[i].missed, sizeof cases[i].missed);
      g_assert_cmpuint (bus_health_missed (&f->health, &worst), ==, cases[i].n);
      g_assert_cmpint (worst, ==, cases[i].worst);
    }
}

/* --- units --- */

static GPtrArray *
units (const char *name, const char *reason)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (bus_health_unit_free);

  g_ptr_array_add (list, bus_health_unit_new (BUS_UNIT_DEGRADED, name, reason));
  return list;
}

static void
test_units (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_health_set_units (&f->health, units ("cache", "it is full"), 0));
  g_assert_false (bus_health_set_units (&f->health, units ("cache", "it is full"), 0));
  g_assert_true (bus_health_set_units (&f->health, units ("cache", "it is nearly full"), 0));
  g_assert_true (bus_health_set_units (&f->health, units ("disk", "it is nearly full"), 0));
  g_assert_true (bus_health_set_units (&f->health, units ("disk", "it is nearly full"), 1));
  g_assert_cmpuint (bus_health_units_size (&f->health), >, strlen ("disk") + strlen ("it is nearly full"));
  g_assert_true (bus_health_set_units (&f->health, g_ptr_array_new (), 0));
  g_assert_null (f->health.units);
  g_assert_false (bus_health_set_units (&f->health, NULL, 0));
  g_assert_cmpuint (bus_health_units_size (&f->health), ==, 0);
}

/* Long texts are cut between characters. */
static void
test_long_texts (Fixture *f, gconstpointer data)
{
  g_autofree char *name = g_strnfill (BUS_HEALTH_NAME_MAX - 1, 'n');
  g_autofree char *reason = g_strnfill (BUS_HEALTH_REASON_MAX + 1000, 'r');
  g_autofree char *longer = g_strconcat (name, "\303\244", NULL);
  BusHealthUnit *unit = bus_health_unit_new (BUS_UNIT_UNHEALTHY, longer, reason);

  g_assert_cmpstr (unit->name, ==, name);
  g_assert_cmpuint (strlen (unit->reason), ==, BUS_HEALTH_REASON_MAX);
  bus_health_unit_free (unit);
}

static void
test_cause (Fixture *f, gconstpointer data)
{
  char cause[BUS_HEALTH_CAUSE_MAX];
  GPtrArray *list = units ("cache", "it is full");

  bus_health_cause (&f->health, cause);
  g_assert_cmpstr (cause, ==, "");
  f->health.state = BUS_HEALTH_DEGRADED;
  bus_health_cause (&f->health, cause);
  g_assert_nonnull (strstr (cause, "watched"));
  g_ptr_array_add (list, bus_health_unit_new (BUS_UNIT_UNHEALTHY, "disk", ""));
  bus_health_set_units (&f->health, list, 0);
  bus_health_cause (&f->health, cause);
  g_assert_cmpstr (cause, ==, "it reports that its unit disk is unhealthy");
  bus_health_set_units (&f->health, units ("", "it is full"), 0);
  bus_health_cause (&f->health, cause);
  g_assert_cmpstr (cause, ==, "it reports that it is degraded: it is full");
  f->health.missed[BUS_HEALTH_LOOP] = 1;
  bus_health_cause (&f->health, cause);
  g_assert_nonnull (strstr (cause, "main loop"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/core/health/" path, Fixture, NULL, setup, function, teardown)
  ADD ("M13-misses-counted-per-interval", test_misses_counted_per_interval);
  ADD ("M13-answers", test_answers);
  ADD ("M13-busy-sender", test_busy_sender);
  ADD ("M13-frame-ends-misses", test_frame_ends_misses);
  ADD ("M13-queue", test_queue);
  ADD ("M13-queue-of-short-rounds", test_queue_of_short_rounds);
  ADD ("M13-extended", test_extended);
  ADD ("M13-worst", test_worst);
  ADD ("M13-units", test_units);
  ADD ("M13-long-texts", test_long_texts);
  ADD ("M13-cause", test_cause);
  return g_test_run ();
}

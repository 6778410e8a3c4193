/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-catchup.h"

#include "restore-fixture.h"
#include "session/deye-bus-session-restore.h"
#include "wire-feature.h"

/*
 * A session that has restored its channels waits for a bounded time until all their retained messages have arrived. There
 * is no socket, and the test sets the time.
 */

#define WAIT_UNTIL_US (START_US + DEYE_BUS_RETAINED_WAIT_US)
#define N_CHANNELS    2u

typedef struct
{
  RestoreFixture base;
  DeyeBusChannel *channels[N_CHANNELS];
  DeyeBusPending *whole;
} CatchupFixture;

static void
set_up (CatchupFixture *f, gconstpointer data)
{
  restore_fixture_set_up (&f->base, NULL);
  restore_fixture_first_connection (&f->base);
  for (guint i = 0; i < N_CHANNELS; i++)
    f->channels[i] = restore_fixture_subscribed (&f->base);
  f->whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, WAIT_UNTIL_US);
}

static void
tear_down (CatchupFixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_CHANNELS; i++)
    deye_bus_channel_unref (f->channels[i]);
  deye_bus_pending_unref (f->whole);
  restore_fixture_tear_down (&f->base, NULL);
}

/* Makes the next connection, up to the answers. @retained: bits of the channels for which the broker looks for values. */
static void
restore (CatchupFixture *f, guint retained, guint64 window_messages)
{
  const ScriptWelcome granted = { .features = WIRE_FEATURE_RETAIN };
  g_autoptr (DeyeBusPending) whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, FAR_US);
  g_autoptr (GPtrArray) frames = NULL;

  restore_fixture_lose (&f->base);
  restore_fixture_welcome (&f->base, &granted);
  g_assert_true (deye_bus_session_restore (f->base.session, whole));
  frames = restore_fixture_take (&f->base);
  g_assert_cmpuint (frames->len, ==, N_CHANNELS);
  for (guint i = 0; i < N_CHANNELS; i++)
    if (retained & 1u << i)
      script_subscribed_retained (f->base.in, restore_fixture_id_of (frames, i), window_messages, 1000);
    else
      script_subscribe_reply (f->base.in, restore_fixture_id_of (frames, i), window_messages, 1000);
  restore_fixture_feed (&f->base);
  g_assert_true (whole->done);
}

static gboolean
await (CatchupFixture *f)
{
  return deye_bus_session_await_retained (f->base.session, f->whole);
}

static void
value (CatchupFixture *f, guint i)
{
  script_retained (f->base.in, f->channels[i]->id, 1, "events.a", "a");
}

static void
end (CatchupFixture *f, guint i)
{
  script_retained_end (f->base.in, f->channels[i]->id);
}

/* Feeds the scripted frames. Returns TRUE if the wait is over, without an error. */
static gboolean
is_over (CatchupFixture *f)
{
  restore_fixture_feed (&f->base);
  deye_bus_session_advance_retained (f->base.session);
  g_assert_no_error (f->whole->error);
  g_assert_cmpint (deye_bus_session_state (f->base.session), ==, DEYE_BUS_SESSION_READY);
  return f->whole->done;
}

/* --- tests --- */

/* The wait ends when the broker announces the end of the values, after any number of values. */
static void
test_the_end (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  value (f, 0);
  value (f, 0);
  g_assert_false (is_over (f));
  end (f, 0);
  g_assert_true (is_over (f));
  g_assert_cmpuint (f->base.events.count, ==, 2);
}

/* No retained value matches. */
static void
test_no_values (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  end (f, 0);
  g_assert_true (is_over (f));
  g_assert_cmpuint (f->base.events.count, ==, 0);
}

/* The wait ends after the ends of all channels, in any order. */
static void
test_each (CatchupFixture *f, gconstpointer data)
{
  const guint first = GPOINTER_TO_UINT (data);

  restore (f, 3, 10);
  g_assert_true (await (f));
  end (f, first);
  g_assert_false (is_over (f));
  end (f, 1 - first);
  g_assert_true (is_over (f));
}

/* The end for a subscription that no longer exists does not count for another one. */
static void
test_foreign (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  script_retained_end (f->base.in, 999);
  end (f, 1);
  g_assert_false (is_over (f));
}

/* The broker does not announce an end, so the session does not wait. */
static void
test_old_broker (CatchupFixture *f, gconstpointer data)
{
  restore (f, 0, 10);
  g_assert_false (await (f));
  g_assert_false (f->whole->done);
}

static void
test_message_before_the_call (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  value (f, 0);
  end (f, 0);
  restore_fixture_feed (&f->base);
  g_assert_false (await (f));
}

/* The wait ends when the window is used, because the program need not handle messages. */
static void
test_window (CatchupFixture *f, gconstpointer data)
{
  restore (f, 3, 2);
  g_assert_true (await (f));
  end (f, 1);
  value (f, 0);
  g_assert_false (is_over (f));
  value (f, 0);
  g_assert_true (is_over (f));
}

static void
test_ended (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  deye_bus_session_remove_channel (f->base.session, f->channels[0]);
  g_assert_true (is_over (f));
}

/* The wait for a broker that sends no more frames ends at its deadline, and the connection stays open. */
static void
test_deadline (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  g_assert_cmpint (deye_bus_session_next_us (f->base.session), <=, WAIT_UNTIL_US);
  deye_bus_session_tick (f->base.session, WAIT_UNTIL_US - 1);
  g_assert_false (is_over (f));
  deye_bus_session_tick (f->base.session, WAIT_UNTIL_US);
  g_assert_true (is_over (f));
  end (f, 0);
  g_assert_true (is_over (f));
}

/* The wait ends with the connection, and the next connection has its own wait. */
static void
test_lost (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  restore (f, 0, 10);
  g_assert_true (f->whole->done);
  g_assert_nonnull (f->whole->error);
  deye_bus_pending_unref (f->whole);
  f->whole = deye_bus_pending_new (DEYE_BUS_PENDING_RESTORE, WAIT_UNTIL_US);
  g_assert_false (is_over (f));
  g_assert_false (await (f));
  restore (f, 2, 10);
  g_assert_true (await (f));
  end (f, 1);
  g_assert_true (is_over (f));
}

/* An ERROR with the number of the wait, which the broker never got, has no effect. */
static void
test_answered (CatchupFixture *f, gconstpointer data)
{
  restore (f, 1, 10);
  g_assert_true (await (f));
  script_error (f->base.in, f->whole->id, WIRE_STATUS_LIMIT);
  g_assert_false (is_over (f));
  end (f, 0);
  g_assert_true (is_over (f));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define CATCHUP_TEST(name, function, data)                                                                             \
  g_test_add ("/client/catchup/" name, CatchupFixture, GUINT_TO_POINTER (data), set_up, function, tear_down)
  CATCHUP_TEST ("M16-the-end", test_the_end, 0);
  CATCHUP_TEST ("M16-no-values", test_no_values, 0);
  CATCHUP_TEST ("M16-each", test_each, 0);
  CATCHUP_TEST ("M16-each-in-the-other-order", test_each, 1);
  CATCHUP_TEST ("foreign", test_foreign, 0);
  CATCHUP_TEST ("M30-old-broker", test_old_broker, 0);
  CATCHUP_TEST ("message-before-the-call", test_message_before_the_call, 0);
  CATCHUP_TEST ("M16-window", test_window, 0);
  CATCHUP_TEST ("ended", test_ended, 0);
  CATCHUP_TEST ("M16-deadline", test_deadline, 0);
  CATCHUP_TEST ("M16-lost", test_lost, 0);
  CATCHUP_TEST ("answered", test_answered, 0);
  return g_test_run ();
}

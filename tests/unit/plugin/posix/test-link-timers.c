/* SPDX-License-Identifier: Apache-2.0 */
#include "link-fixture.h"

#include <unistd.h>

/* Sources with a timeout beside links. After a turn in which only links were ready the set does not prepare the context again, but
 * it must still run each source in time. */

/* Afterwards the set waits without preparing the context. */
static void
use_links_only (LinkFixture *f, int fd)
{
  link_fixture_use (f, fd);
  link_fixture_use (f, fd);
}

static gboolean
count_call (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_REMOVE;
}

/* @calls: (out): the number of calls of the timer's callback */
static void
add_timer (LinkFixture *f, guint ms, guint *calls)
{
  g_autoptr (GSource) timer = g_timeout_source_new (ms);

  g_source_set_callback (timer, count_call, calls, NULL);
  g_source_attach (timer, f->context);
}

/* A timeout that was added before: it expires while links are ready in every turn. */
static void
test_busy (LinkFixture *f, gconstpointer poller)
{
  int fd = link_fixture_open (f);
  guint calls = 0;

  add_timer (f, 5, &calls);
  while (calls == 0)
    link_fixture_use (f, fd);
  close (fd);
}

/* The same, while no link is ready. */
static void
test_idle (LinkFixture *f, gconstpointer poller)
{
  int fd = link_fixture_open (f);
  guint calls = 0;

  add_timer (f, 20, &calls);
  use_links_only (f, fd);
  while (calls == 0)
    link_set_iterate (f->set);
  close (fd);
}

static void
close_first (gpointer user)
{
  LinkFixture *f = user;

  f->turn_ended = NULL;
  link_close (link_fixture_echo (f, 0)->link, 1000);
}

/* The timeout of a link that is closed in a turn in which only links were ready. The other side keeps the connection open. */
static void
test_linger_begins_in_turn (LinkFixture *f, gconstpointer poller)
{
  int fd = link_fixture_open (f);

  use_links_only (f, fd);
  f->turn_ended = close_first;
  link_fixture_use (f, fd);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_WANTED);
  close (fd);
}

/* --- a source of the handler --- */

typedef struct
{
  GSource source;
  LinkFixture *f;
} DueSource;

static gint64
due_left_us (GSource *source)
{
  const LinkFixture *f = ((DueSource *) source)->f;

  return f->due_us == G_MAXINT64 ? G_MAXINT64 : f->due_us - g_get_monotonic_time ();
}

static gboolean
due_prepare (GSource *source, gint *timeout_ms)
{
  const gint64 left_us = due_left_us (source);

  *timeout_ms = left_us == G_MAXINT64 ? -1 : (gint) MAX (left_us / 1000 + 1, 0);
  return left_us <= 0;
}

static gboolean
due_check (GSource *source)
{
  return due_left_us (source) <= 0;
}

static gboolean
due_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  ((DueSource *) source)->f->due_us = G_MAXINT64;
  return callback (data);
}

static GSourceFuncs due_funcs = { .prepare = due_prepare, .check = due_check, .dispatch = due_dispatch };

static void
set_due (gpointer user)
{
  LinkFixture *f = user;

  f->turn_ended = NULL;
  f->due_us = g_get_monotonic_time () + 2000;
}

/* A turn in which only links were ready sets the time of the handler's source. */
static void
test_due_changes_in_turn (LinkFixture *f, gconstpointer poller)
{
  g_autoptr (GSource) source = g_source_new (&due_funcs, sizeof (DueSource));
  int fd = link_fixture_open (f);
  guint calls = 0;

  ((DueSource *) source)->f = f;
  g_source_set_callback (source, count_call, &calls, NULL);
  g_source_attach (source, f->context);
  use_links_only (f, fd);
  f->turn_ended = set_due;
  link_fixture_use (f, fd);
  while (calls == 0)
    link_set_iterate (f->set);
  close (fd);
}

/* --- another thread --- */

static gpointer
attach_source (gpointer data)
{
  g_source_attach (((gpointer *) data)[0], ((gpointer *) data)[1]);
  return NULL;
}

/* @calls: (out): the number of calls of the source's callback */
static void
attach_from_thread (LinkFixture *f, guint *calls)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  gpointer both[] = { source, f->context };

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, count_call, calls, NULL);
  g_thread_join (g_thread_new ("attach", attach_source, both));
}

static void
test_source_of_another_thread (LinkFixture *f, gconstpointer poller)
{
  int fd = link_fixture_open (f);
  guint calls = 0;

  use_links_only (f, fd);
  attach_from_thread (f, &calls);
  while (calls == 0)
    link_set_iterate (f->set);
  close (fd);
}

/* The same, while a link is ready in every turn. */
static void
test_source_of_another_thread_busy (LinkFixture *f, gconstpointer poller)
{
  int fd = link_fixture_open (f);
  guint calls = 0;

  use_links_only (f, fd);
  attach_from_thread (f, &calls);
  while (calls == 0)
    link_fixture_use (f, fd);
  close (fd);
}

static const LinkFixtureTest tests[] = {
  { "timers/busy", test_busy },
  { "timers/idle", test_idle },
  { "timers/linger-begins-in-turn", test_linger_begins_in_turn },
  { "timers/due-changes-in-turn", test_due_changes_in_turn },
  { "timers/source-of-another-thread", test_source_of_another_thread },
  { "timers/source-of-another-thread-busy", test_source_of_another_thread_busy },
};

int
main (int argc, char **argv)
{
  return link_fixture_run (argc, argv, tests, G_N_ELEMENTS (tests));
}

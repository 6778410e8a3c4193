/* SPDX-License-Identifier: Apache-2.0 */
#include "link-crowd.h"
#include "link-fixture.h"

#include <unistd.h>

/* Turns: no link gets more than its share of reading while others are ready. */

/* Large frames are read directly to their place, but they do not give a link more than its share. */
static void
test_fair_bytes (LinkFixture *f, gconstpointer poller)
{
  int large = link_fixture_open (f), small = link_fixture_open (f);

  link_fixture_echo (f, 0)->places = TRUE;
  for (guint i = 0; i < 200; i++)
    {
      link_fixture_fill (large);
      link_fixture_fill (small);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (link_fixture_echo (f, 0)->placed, >, 0);
  g_assert_cmpuint (link_fixture_echo (f, 0)->received, <=,
                    link_fixture_echo (f, 1)->received + LINK_FIXTURE_PLACE + 2 * LINK_TURN_SHARED);
  g_assert_cmpuint (link_fixture_echo (f, 1)->received, <=,
                    link_fixture_echo (f, 0)->received + LINK_FIXTURE_PLACE + 2 * LINK_TURN_SHARED);
  close (large);
  close (small);
}

/* The share of a link is measured in work, beside others and alone: a link whose bytes cost 31 times as much reads a thirtieth of
 * the bytes, in small pieces. */
static void
test_fair_work (LinkFixture *f, gconstpointer poller)
{
  int costly = link_fixture_open (f), cheap = link_fixture_open (f);
  gsize before;

  link_fixture_echo (f, 0)->work = 10;
  link_fixture_fill (costly);
  link_set_iterate (f->set); /* afterwards its cost is known */
  for (guint i = 0; i < 2000; i++)
    {
      before = link_fixture_echo (f, 0)->received;
      link_fixture_fill (costly);
      link_fixture_fill (cheap);
      link_set_iterate (f->set);
      g_assert_cmpuint (link_fixture_echo (f, 0)->received, <=, before + 2 * LINK_READ_LEAST);
    }
  g_assert_cmpuint (link_fixture_echo (f, 1)->received, >=, 1000 * LINK_TURN_SHARED);
  g_assert_cmpuint (link_fixture_echo (f, 0)->received, <=, LINK_TURN_ALONE + link_fixture_echo (f, 1)->received / 25);
  g_assert_cmpuint (link_fixture_echo (f, 0)->received, >=, link_fixture_echo (f, 1)->received / 40);
  before = link_fixture_echo (f, 0)->received;
  link_fixture_fill (costly);
  link_set_iterate (f->set); /* the rest of the other link may be read as well */
  g_assert_cmpuint (link_fixture_echo (f, 0)->received - before, <=, LINK_TURN_ALONE / 30);
  close (costly);
  close (cheap);
}

/* A publisher beside receivers that only return credit reads as much as alone; beside another flood it does not. */
static void
test_single_busy (LinkFixture *f, gconstpointer poller)
{
  int busy = link_fixture_open (f), idle = link_fixture_open (f);

  for (guint i = 0; i < 20; i++)
    {
      const gsize before = link_fixture_echo (f, 0)->received, other = link_fixture_echo (f, 1)->received;

      link_fixture_fill (busy);
      g_assert_cmpint (write (idle, "credit", 6), ==, 6);
      link_set_iterate (f->set);
      g_assert_cmpuint (link_fixture_echo (f, 0)->received - before, ==, LINK_TURN_ALONE);
      g_assert_cmpuint (link_fixture_echo (f, 1)->received - other, ==, 6);
    }
  for (guint i = 0; i < 20; i++)
    {
      const gsize before = link_fixture_echo (f, 0)->received;

      link_fixture_fill (busy);
      link_fixture_fill (idle);
      link_set_iterate (f->set);
      g_assert_cmpuint (link_fixture_echo (f, 0)->received - before, ==, LINK_TURN_SHARED);
    }
  close (busy);
  close (idle);
}

/* Floods of several links make the set crowded; a flood of one link does not, and ends it. */
static void
test_crowded (LinkFixture *f, gconstpointer poller)
{
  int busy = link_fixture_open (f), other = link_fixture_open (f);

  for (guint i = 0; i < 2 * LINK_CROWD_MAX; i++)
    {
      link_fixture_fill (busy);
      g_assert_cmpint (write (other, "credit", 6), ==, 6);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (f->crowd_changes, ==, 0);
  for (guint i = 0; i < LINK_CROWD_MAX / LINK_CROWD_STEP; i++)
    {
      g_assert_false (f->is_crowded);
      link_fixture_fill (busy);
      link_fixture_fill (other);
      link_set_iterate (f->set);
    }
  g_assert_true (f->is_crowded);
  close (other);
  for (guint i = 0; i < 2 * LINK_CROWD_MAX && f->is_crowded; i++)
    {
      link_fixture_fill (busy);
      link_set_iterate (f->set);
    }
  g_assert_false (f->is_crowded);
  g_assert_cmpuint (f->crowd_changes, ==, 2);
  close (busy);
}

/* If the first bytes of a link's turn are cheap and the later ones expensive, their cost counts in its next turns. */
static void
test_cost_counts_in_the_next_turns (LinkFixture *f, gconstpointer poller)
{
  int busy = link_fixture_open (f), idle = link_fixture_open (f);
  const guint turns = 400;

  link_fixture_echo (f, 0)->work = 10;
  for (guint i = 0; i < turns; i++)
    {
      link_fixture_echo (f, 0)->cheap = LINK_TURN_SHARED;
      link_fixture_fill (busy);
      g_assert_cmpint (write (idle, "credit", 6), ==, 6);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (f->work * LINK_WORK_BYTES, <=, turns * LINK_TURN_SHARED + 2 * 31 * LINK_TURN_ALONE);
  close (busy);
  close (idle);
}

/* As long as a link has bytes to read, some link reads. */
static void
test_no_idle_turn (LinkFixture *f, gconstpointer poller)
{
  int fds[3];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = link_fixture_open (f);
      link_fixture_echo (f, i)->places = TRUE;
    }
  for (guint turn = 0; turn < 100; turn++)
    {
      gsize before = 0, after = 0;

      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          before += link_fixture_echo (f, i)->received;
          if (turn < 50 || i == 1) /* afterwards one link is alone, and still has its debt */
            link_fixture_fill (fds[i]);
        }
      link_set_iterate (f->set);
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        after += link_fixture_echo (f, i)->received;
      g_assert_cmpuint (after, >, before);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* A client that sends little is answered before the floods of a turn are read, independent of its place among the links. */
static void
test_quiet_first (LinkFixture *f, gconstpointer poller)
{
  int fds[3];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = link_fixture_open (f);
  for (guint turn = 0; turn < 20; turn++)
    {
      const gsize before = f->received;

      link_fixture_fill (fds[0]);
      link_fixture_fill (fds[2]);
      g_assert_cmpint (write (fds[1], "ping", 4), ==, 4);
      link_set_iterate (f->set);
      g_assert_cmpuint (f->received - before, ==, 4 + 2 * LINK_TURN_SHARED);
      if (turn > 0) /* a flood is detected only in its first turn */
        g_assert_cmpuint (link_fixture_echo (f, 1)->sent_at - before, ==, 4);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static gboolean
count_turn (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

/* Deadlines and new connections are sources of the same context: they are dispatched in turn with a flood, too. */
static void
test_fair_sources (LinkFixture *f, gconstpointer poller)
{
  g_autoptr (GSource) timer = g_timeout_source_new (0);
  int fds[2];
  guint turns = 0;

  g_source_set_callback (timer, count_turn, &turns, NULL);
  g_source_attach (timer, f->context);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = link_fixture_open (f);
  for (guint i = 0; i < 50; i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (fds); j++)
        link_fixture_fill (fds[j]);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (turns, >=, 25);
  g_assert_cmpuint (link_fixture_echo (f, 0)->received, >, 0);
  g_source_destroy (timer);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* A source that is ready at once, but reports this only in check(). */
static gboolean
check_prepare (GSource *source, gint *timeout_ms)
{
  *timeout_ms = 0;
  return FALSE;
}

static gboolean
check_check (GSource *source)
{
  return TRUE;
}

static gboolean
check_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

/* GLib allows prepare() to ask for no wait, and to leave the answer to check(). */
static void
test_fair_checked_source (LinkFixture *f, gconstpointer poller)
{
  static GSourceFuncs funcs = { .prepare = check_prepare, .check = check_check, .dispatch = check_dispatch };
  g_autoptr (GSource) source = g_source_new (&funcs, sizeof (GSource));
  int fd = link_fixture_open (f);
  guint turns = 0;

  g_source_set_callback (source, count_turn, &turns, NULL);
  g_source_attach (source, f->context);
  for (guint i = 0; i < 50; i++)
    {
      link_fixture_fill (fd);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (turns, >=, 25);
  g_assert_cmpuint (link_fixture_echo (f, 0)->received, >, 0);
  g_source_destroy (source);
  close (fd);
}

static const LinkFixtureTest tests[] = {
  { "R09-quiet-link-first", test_quiet_first },
  { "R09-fair-bytes", test_fair_bytes },
  { "R09-fair-work", test_fair_work },
  { "R09-single-busy-link", test_single_busy },
  { "crowded", test_crowded },
  { "R09-cost-counts-in-the-next-turns", test_cost_counts_in_the_next_turns },
  { "R09-no-idle-turn", test_no_idle_turn },
  { "R09-fair-sources", test_fair_sources },
  { "R09-fair-checked-source", test_fair_checked_source },
};

int
main (int argc, char **argv)
{
  return link_fixture_run (argc, argv, tests, G_N_ELEMENTS (tests));
}

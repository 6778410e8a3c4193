/* SPDX-License-Identifier: Apache-2.0 */
#include "link-fixture.h"

#include "test-watchdog.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gpointer
link_fixture_on_connected (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal)
{
  LinkFixture *f = user;
  LinkEcho *echo;

  g_assert_cmpuint (creds->account, ==, 42);
  if (f->refusal != NULL)
    {
      *refusal = g_bytes_new_static (f->refusal, strlen (f->refusal));
      return NULL;
    }
  echo = g_new0 (LinkEcho, 1);
  echo->link = link;
  echo->echo = g_byte_array_new ();
  echo->place = g_malloc (LINK_FIXTURE_PLACE);
  g_ptr_array_add (f->echoes, echo);
  return echo;
}

static gsize
link_fixture_on_place (gpointer user, gpointer peer, guint8 **where)
{
  *where = ((LinkEcho *) peer)->place;
  return ((LinkEcho *) peer)->places ? LINK_FIXTURE_PLACE : 0;
}

static void
link_fixture_on_received (gpointer user, gpointer peer, const guint8 *bytes, gsize len)
{
  LinkFixture *f = user;
  LinkEcho *echo = peer;
  gsize cheap = MIN (len, echo->cheap);

  g_byte_array_append (echo->echo, bytes, (guint) len);
  echo->received += len;
  echo->cheap -= cheap;
  f->received += len;
  f->work += (len - cheap) * echo->work;
}

static void
link_fixture_on_placed (gpointer user, gpointer peer, gsize n)
{
  LinkEcho *echo = peer;

  echo->placed += n;
  link_fixture_on_received (user, peer, echo->place, n);
}

static void
link_fixture_echo_free (gpointer data)
{
  LinkEcho *echo = data;

  g_byte_array_unref (echo->echo);
  g_free (echo->place);
  g_free (echo);
}

static void
link_fixture_on_closed (gpointer user, gpointer peer, TransportClosed why)
{
  LinkFixture *f = user;

  f->closed++;
  f->why = why;
  g_ptr_array_remove (f->echoes, peer);
}

static guint
link_fixture_on_gather (gpointer user, gpointer peer, WireSpan *spans, guint max)
{
  LinkEcho *echo = peer;

  if (echo->echo->len == 0)
    return 0;
  spans[0] = wire_span (echo->echo->data, (echo->echo->len + 1) / 2);
  spans[1] = wire_span (echo->echo->data + spans[0].len, echo->echo->len - spans[0].len);
  return spans[1].len > 0 ? 2 : 1;
}

static void
link_fixture_on_sent (gpointer user, gpointer peer, gsize n)
{
  LinkEcho *echo = peer;

  g_byte_array_remove_range (echo->echo, 0, (guint) n);
  echo->sent_at = ((LinkFixture *) user)->received;
}

static void
link_fixture_on_turn_ended (gpointer user)
{
  LinkFixture *f = user;

  for (guint i = 0; i < f->echoes->len; i++)
    link_flush (((LinkEcho *) g_ptr_array_index (f->echoes, i))->link);
  if (f->turn_ended != NULL)
    f->turn_ended (f);
}

static guint64
link_fixture_on_work (gpointer user)
{
  return ((LinkFixture *) user)->work;
}

static void
link_fixture_on_crowded (gpointer user, gboolean is_crowded)
{
  LinkFixture *f = user;

  g_assert_cmpint (is_crowded, !=, f->is_crowded);
  f->is_crowded = is_crowded;
  f->crowd_changes++;
}

static gint64
link_fixture_due_us (gpointer user)
{
  return ((LinkFixture *) user)->due_us;
}

static const TransportHandler handler
    = { link_fixture_on_connected, link_fixture_on_place,  link_fixture_on_placed, link_fixture_on_received,
        link_fixture_on_closed,    link_fixture_on_gather, link_fixture_on_sent,   link_fixture_on_turn_ended,
        link_fixture_on_work,      link_fixture_due_us,    link_fixture_on_crowded };

static void
link_fixture_setup (LinkFixture *f, gconstpointer poller)
{
  test_watchdog_start ("link");
  *f = (LinkFixture){ .context = g_main_context_new (),
                      .due_us = G_MAXINT64,
                      .echoes = g_ptr_array_new_with_free_func (link_fixture_echo_free) };
  g_assert_true (g_main_context_acquire (f->context));
  f->set = link_set_new (f->context, poller, &handler, f);
}

static void
link_fixture_teardown (LinkFixture *f, gconstpointer poller)
{
  link_set_free (f->set);
  g_assert_cmpuint (f->echoes->len, ==, 0);
  g_ptr_array_unref (f->echoes);
  g_main_context_release (f->context);
  g_main_context_unref (f->context);
  test_watchdog_stop ();
}

int
link_fixture_open (LinkFixture *f)
{
  TransportCreds creds = { .account = 42 };
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
  link_new (f->set, fds[0], &creds);
  return fds[1];
}

void
link_fixture_round_trip (LinkFixture *f, int fd, const guint8 *bytes, gsize len)
{
  g_autofree guint8 *back = g_malloc (len);
  gsize sent = 0, got = 0;

  while (got < len)
    {
      gssize n = sent < len ? write (fd, bytes + sent, len - sent) : 0;

      if (n > 0)
        sent += (gsize) n;
      while (g_main_context_iteration (f->context, FALSE))
        ;
      n = read (fd, back + got, len - got);
      if (n > 0)
        got += (gsize) n;
    }
  g_assert_cmpmem (back, len, bytes, len);
}

void
link_fixture_use (LinkFixture *f, int fd)
{
  static const guint8 hello[] = "hello";
  guint8 back[sizeof hello];

  g_assert_cmpint (write (fd, hello, sizeof hello), ==, sizeof hello);
  do
    link_set_iterate (f->set);
  while (read (fd, back, sizeof back) != sizeof hello);
}

guint8 *
link_fixture_pattern (gsize len)
{
  guint8 *bytes = g_malloc (len);

  for (gsize i = 0; i < len; i++)
    bytes[i] = (guint8) (i * 7 >> 3);
  return bytes;
}

void
link_fixture_fill (int fd)
{
  static const guint8 zeros[65536];

  while (write (fd, zeros, sizeof zeros) > 0)
    ;
}

LinkEcho *
link_fixture_echo (LinkFixture *f, guint i)
{
  return g_ptr_array_index (f->echoes, i);
}

static void
link_fixture_add (const LinkPoller *poller, const LinkFixtureTest *tests, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/transport/link/%s/%s", poller->name, tests[i].path);

      g_test_add (path, LinkFixture, poller, link_fixture_setup, tests[i].function, link_fixture_teardown);
    }
}

int
link_fixture_run (int argc, char **argv, const LinkFixtureTest *tests, guint n)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; link_pollers[i] != NULL; i++)
    link_fixture_add (link_pollers[i], tests, n);
  return g_test_run ();
}

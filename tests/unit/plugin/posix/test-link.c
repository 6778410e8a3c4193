/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"
#include "link-set.h"

#include "test-watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The pump alone, with both ways of waiting: an echo in place of a broker. The same tests run over epoll and over poll.
 */

#define ECHO_MAX (4u << 20)
#define PLACE    100000u

/* The handler's state for one connection. */
typedef struct
{
  Link *link;
  GByteArray *echo; /* received and not sent back yet */
  guint8 *place;
  gboolean places; /* hands out its place for direct reads */
  gsize placed;
  gsize received; /* placed or not */
  guint work;     /* units for each byte */
} Echo;

typedef struct
{
  GMainContext *context;
  LinkSet *set;
  GPtrArray *echoes;
  guint closed;
  TransportClosed why;
  const char *refusal; /* NULL: accepts */
  guint64 work;        /* that received bytes have cost */
} Fixture;

static gpointer
on_connected (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal)
{
  Fixture *f = user;
  Echo *echo;

  g_assert_cmpuint (creds->account, ==, 42);
  if (f->refusal != NULL)
    {
      *refusal = g_bytes_new_static (f->refusal, strlen (f->refusal));
      return NULL;
    }
  echo = g_new0 (Echo, 1);
  echo->link = link;
  echo->echo = g_byte_array_new ();
  echo->place = g_malloc (PLACE);
  g_ptr_array_add (f->echoes, echo);
  return echo;
}

static gsize
on_place (gpointer user, gpointer peer, guint8 **where)
{
  *where = ((Echo *) peer)->place;
  return ((Echo *) peer)->places ? PLACE : 0;
}

static void
on_received (gpointer user, gpointer peer, const guint8 *bytes, gsize len)
{
  g_byte_array_append (((Echo *) peer)->echo, bytes, (guint) len);
  ((Echo *) peer)->received += len;
  ((Fixture *) user)->work += len * ((Echo *) peer)->work;
}

static void
on_placed (gpointer user, gpointer peer, gsize n)
{
  Echo *echo = peer;

  echo->placed += n;
  on_received (user, peer, echo->place, n);
}

static void
echo_free (gpointer data)
{
  Echo *echo = data;

  g_byte_array_unref (echo->echo);
  g_free (echo->place);
  g_free (echo);
}

static void
on_closed (gpointer user, gpointer peer, TransportClosed why)
{
  Fixture *f = user;

  f->closed++;
  f->why = why;
  g_ptr_array_remove (f->echoes, peer);
}

static guint
on_gather (gpointer user, gpointer peer, WireSpan *spans, guint max)
{
  Echo *echo = peer;

  if (echo->echo->len == 0)
    return 0;
  spans[0] = wire_span (echo->echo->data, (echo->echo->len + 1) / 2);
  spans[1] = wire_span (echo->echo->data + spans[0].len, echo->echo->len - spans[0].len);
  return spans[1].len > 0 ? 2 : 1;
}

static void
on_sent (gpointer user, gpointer peer, gsize n)
{
  g_byte_array_remove_range (((Echo *) peer)->echo, 0, (guint) n);
}

static void
on_turn_ended (gpointer user)
{
  Fixture *f = user;

  for (guint i = 0; i < f->echoes->len; i++)
    link_flush (((Echo *) g_ptr_array_index (f->echoes, i))->link);
}

static guint64
on_work (gpointer user)
{
  return ((Fixture *) user)->work;
}

static const TransportHandler handler
    = { on_connected, on_place, on_placed, on_received, on_closed, on_gather, on_sent, on_turn_ended, on_work };

static void
setup (Fixture *f, gconstpointer poller)
{
  test_watchdog_start ("link");
  *f = (Fixture){ .context = g_main_context_new (), .echoes = g_ptr_array_new_with_free_func (echo_free) };
  g_assert_true (g_main_context_acquire (f->context));
  f->set = link_set_new (f->context, poller, &handler, f);
}

static void
teardown (Fixture *f, gconstpointer poller)
{
  link_set_free (f->set);
  g_assert_cmpuint (f->echoes->len, ==, 0);
  g_ptr_array_unref (f->echoes);
  g_main_context_release (f->context);
  g_main_context_unref (f->context);
  test_watchdog_stop ();
}

/* The other end; nonblocking. */
static int
open_link (Fixture *f)
{
  TransportCreds creds = { .account = 42 };
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
  link_new (f->set, fds[0], &creds);
  return fds[1];
}

/* Writes and reads as the socket lets, running the context in between, until all came back. */
static void
round_trip (Fixture *f, int fd, const guint8 *bytes, gsize len)
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

static guint8 *
pattern (gsize len)
{
  guint8 *bytes = g_malloc (len);

  for (gsize i = 0; i < len; i++)
    bytes[i] = (guint8) (i * 7 >> 3);
  return bytes;
}

static void
test_echo (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (ECHO_MAX);
  int fds[5];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = open_link (f);
  g_assert_cmpuint (link_set_size (f->set), ==, G_N_ELEMENTS (fds));
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      round_trip (f, fds[i], bytes, 1);
      round_trip (f, fds[i], bytes, 10000);
    }
  round_trip (f, fds[2], bytes, ECHO_MAX);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  while (f->closed < G_N_ELEMENTS (fds))
    link_set_iterate (f->set);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
}

static void
test_place (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (1 << 20);
  int fd = open_link (f);

  ((Echo *) g_ptr_array_index (f->echoes, 0))->places = TRUE;
  round_trip (f, fd, bytes, 1 << 20);
  g_assert_cmpuint (((Echo *) g_ptr_array_index (f->echoes, 0))->placed, >, 1 << 19);
  close (fd);
}

static void
test_half_close (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (1000);
  guint8 back[2000];
  int fd = open_link (f);

  g_assert_cmpint (write (fd, bytes, 1000), ==, 1000);
  g_assert_cmpint (shutdown (fd, SHUT_WR), ==, 0);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_EOF);
  /* Bytes that were owed came before the end. */
  g_assert_cmpint (read (fd, back, sizeof back), ==, 1000);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 0);
  close (fd);
}

/* The other end closes while much is owed to it: no signal, no spin. */
static void
test_broken_pipe (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (ECHO_MAX);
  int fd = open_link (f);
  Echo *echo = g_ptr_array_index (f->echoes, 0);

  g_byte_array_append (echo->echo, bytes, ECHO_MAX);
  link_flush (echo->link);
  g_assert_cmpuint (echo->echo->len, >, 0); /* blocked */
  close (fd);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
}

/* Everything that is owed is read by the other side before the end, even when it still sends. */
static void
test_close_wanted (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (50000);
  guint8 back[4096];
  int fd = open_link (f);
  Echo *echo = g_ptr_array_index (f->echoes, 0);
  gsize got = 0;
  gssize n;

  g_assert_cmpint (write (fd, "still sending", 13), ==, 13);
  g_byte_array_append (echo->echo, bytes, 50000);
  link_close (echo->link, 10 * G_TIME_SPAN_SECOND);
  while ((n = read (fd, back, sizeof back)) != 0)
    {
      if (n > 0)
        {
          g_assert_cmpmem (back, (gsize) n, bytes + got, (gsize) n);
          got += (gsize) n;
        }
      else
        g_main_context_iteration (f->context, FALSE);
    }
  g_assert_cmpuint (got, ==, 50000);
  g_assert_cmpuint (f->closed, ==, 0);
  close (fd);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_WANTED);
}

/* Nobody reads: the end comes at the end of the lingering. */
static void
test_linger (Fixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = pattern (ECHO_MAX);
  int fd = open_link (f);
  Echo *echo = g_ptr_array_index (f->echoes, 0);

  g_byte_array_append (echo->echo, bytes, ECHO_MAX);
  link_close (echo->link, 1000);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_WANTED);
  close (fd);
}

static void
test_refused (Fixture *f, gconstpointer poller)
{
  char back[8];
  int fd;

  f->refusal = "no";
  fd = open_link (f);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 2);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 0);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
  close (fd);
}

/* A copy of the broker's end stays open, so only the half-close ends the stream; also when the refusal has no bytes. */
static void
test_refused_half_closes (Fixture *f, gconstpointer poller)
{
  static const char *const refusals[] = { "no", "" };
  TransportCreds creds = { .account = 42 };
  char back[8];

  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      int fds[2], copy;

      f->refusal = refusals[i];
      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
      copy = dup (fds[0]);
      g_assert_null (link_new (f->set, fds[0], &creds));
      g_assert_cmpint (recv (fds[1], back, sizeof back, MSG_DONTWAIT), ==, (gssize) strlen (refusals[i]));
      g_assert_cmpint (recv (fds[1], back, sizeof back, MSG_DONTWAIT), ==, 0);
      close (copy);
      close (fds[1]);
    }
}

static void
test_nonblocking_and_cloexec (Fixture *f, gconstpointer poller)
{
  int fds[2];
  TransportCreds creds = { .account = 42 };

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  link_new (f->set, fds[0], &creds);
  g_assert_cmpint (fcntl (fds[0], F_GETFL) & O_NONBLOCK, !=, 0);
  g_assert_cmpint (fcntl (fds[0], F_GETFD) & FD_CLOEXEC, !=, 0);
  close (fds[1]);
}

/* --- fair turns --- */

static void
fill (int fd)
{
  static const guint8 zeros[65536];

  while (write (fd, zeros, sizeof zeros) > 0)
    ;
}

static Echo *
echo_at (Fixture *f, guint i)
{
  return g_ptr_array_index (f->echoes, i);
}

/* Large frames go to their place at once, and are no way to more than one's share. */
static void
test_fair_bytes (Fixture *f, gconstpointer poller)
{
  int large = open_link (f), small = open_link (f);

  echo_at (f, 0)->places = TRUE;
  for (guint i = 0; i < 200; i++)
    {
      fill (large);
      fill (small);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (echo_at (f, 0)->placed, >, 0);
  g_assert_cmpuint (echo_at (f, 0)->received, <=, echo_at (f, 1)->received + PLACE + 2 * LINK_TURN_SHARED);
  g_assert_cmpuint (echo_at (f, 1)->received, <=, echo_at (f, 0)->received + PLACE + 2 * LINK_TURN_SHARED);
  close (large);
  close (small);
}

/* Bytes that cost more count as more, beside others and alone: a link whose bytes cost 31 times as much gets a thirtieth of
 * them, in small pieces. */
static void
test_fair_work (Fixture *f, gconstpointer poller)
{
  int dear = open_link (f), cheap = open_link (f);
  gsize before;

  echo_at (f, 0)->work = 10;
  fill (dear);
  link_set_iterate (f->set); /* what it costs is known afterwards */
  for (guint i = 0; i < 2000; i++)
    {
      before = echo_at (f, 0)->received;
      fill (dear);
      fill (cheap);
      link_set_iterate (f->set);
      g_assert_cmpuint (echo_at (f, 0)->received, <=, before + 2 * LINK_READ_LEAST);
    }
  g_assert_cmpuint (echo_at (f, 1)->received, >=, 1000 * LINK_TURN_SHARED);
  g_assert_cmpuint (echo_at (f, 0)->received, <=, LINK_TURN_ALONE + echo_at (f, 1)->received / 25);
  g_assert_cmpuint (echo_at (f, 0)->received, >=, echo_at (f, 1)->received / 40);
  before = echo_at (f, 0)->received;
  fill (dear);
  link_set_iterate (f->set); /* the rest of the other link may be read as well */
  g_assert_cmpuint (echo_at (f, 0)->received - before, <=, LINK_TURN_ALONE / 30);
  close (dear);
  close (cheap);
}

/* A publisher beside receivers that only return credit is read as if it were alone; beside another flood it is not. */
static void
test_single_busy (Fixture *f, gconstpointer poller)
{
  int busy = open_link (f), idle = open_link (f);

  for (guint i = 0; i < 20; i++)
    {
      const gsize before = echo_at (f, 0)->received, other = echo_at (f, 1)->received;

      fill (busy);
      g_assert_cmpint (write (idle, "credit", 6), ==, 6);
      link_set_iterate (f->set);
      g_assert_cmpuint (echo_at (f, 0)->received - before, ==, LINK_TURN_ALONE);
      g_assert_cmpuint (echo_at (f, 1)->received - other, ==, 6);
    }
  for (guint i = 0; i < 20; i++)
    {
      const gsize before = echo_at (f, 0)->received;

      fill (busy);
      fill (idle);
      link_set_iterate (f->set);
      g_assert_cmpuint (echo_at (f, 0)->received - before, ==, LINK_TURN_SHARED);
    }
  close (busy);
  close (idle);
}

/* While somebody has something to read, somebody reads. */
static void
test_no_idle_turn (Fixture *f, gconstpointer poller)
{
  int fds[3];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = open_link (f);
      echo_at (f, i)->places = TRUE;
    }
  for (guint turn = 0; turn < 100; turn++)
    {
      gsize before = 0, after = 0;

      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        {
          before += echo_at (f, i)->received;
          if (turn < 50 || i == 1) /* then one is alone, with what it owes from before */
            fill (fds[i]);
        }
      link_set_iterate (f->set);
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        after += echo_at (f, i)->received;
      g_assert_cmpuint (after, >, before);
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

/* Deadlines and new connections are sources of the same context: a flood takes turns with them, too. */
static void
test_fair_sources (Fixture *f, gconstpointer poller)
{
  g_autoptr (GSource) timer = g_timeout_source_new (0);
  int fds[2];
  guint turns = 0;

  g_source_set_callback (timer, count_turn, &turns, NULL);
  g_source_attach (timer, f->context);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = open_link (f);
  for (guint i = 0; i < 50; i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (fds); j++)
        fill (fds[j]);
      link_set_iterate (f->set);
    }
  g_assert_cmpuint (turns, >, 0);
  g_assert_cmpuint (echo_at (f, 0)->received, >, 0);
  g_source_destroy (timer);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* --- other descriptors of the context --- */

typedef struct
{
  int fds[2];
  GSource *source;
  guint seen;
} Pipe;

static gboolean
pipe_read (int fd, GIOCondition condition, gpointer data)
{
  char byte;

  g_assert_cmpint (read (fd, &byte, 1), ==, 1);
  ((Pipe *) data)->seen++;
  return G_SOURCE_CONTINUE;
}

static void
pipe_open (Pipe *self, GMainContext *context)
{
  *self = (Pipe){ .seen = 0 };
  g_assert_true (g_unix_open_pipe (self->fds, FD_CLOEXEC, NULL));
  self->source = g_unix_fd_source_new (self->fds[0], G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (pipe_read), self, NULL);
  g_source_set_can_recurse (self->source, TRUE); /* GLib wakes the context for each dispatch otherwise */
  g_source_attach (self->source, context);
}

static void
pipe_close (Pipe *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  close (self->fds[0]);
  close (self->fds[1]);
}

/* Returns when one more byte was read. */
static void
pipe_use (Pipe *self, Fixture *f)
{
  guint before = self->seen;

  g_assert_cmpint (write (self->fds[1], "x", 1), ==, 1);
  while (self->seen == before)
    link_set_iterate (f->set);
}

static void
test_others (Fixture *f, gconstpointer poller)
{
  Pipe first, second;
  int fd = open_link (f);

  pipe_open (&first, f->context);
  pipe_use (&first, f);
  pipe_open (&second, f->context);
  pipe_use (&second, f);
  pipe_use (&first, f);
  round_trip (f, fd, (const guint8 *) "hello", 5);
  fill (fd);
  pipe_use (&second, f); /* beside a link that is ready */
  pipe_close (&first);
  pipe_use (&second, f);
  pipe_close (&second);
  close (fd);
}

/* A number may name another file in the next turn. */
static void
test_others_with_old_number (Fixture *f, gconstpointer poller)
{
  Pipe pipe;
  int old;

  pipe_open (&pipe, f->context);
  pipe_use (&pipe, f);
  pipe_use (&pipe, f);
  old = pipe.fds[0];
  pipe_close (&pipe);
  pipe_open (&pipe, f->context);
  g_assert_cmpint (pipe.fds[0], ==, old);
  pipe_use (&pipe, f);
  pipe_use (&pipe, f);
  pipe_close (&pipe);
}

static const struct
{
  const char *path;
  void (*function) (Fixture *f, gconstpointer poller);
} tests[] = {
  { "echo", test_echo },
  { "place", test_place },
  { "F11-half-close", test_half_close },
  { "F11-broken-pipe", test_broken_pipe },
  { "close-wanted", test_close_wanted },
  { "linger", test_linger },
  { "refused", test_refused },
  { "refused-half-closes", test_refused_half_closes },
  { "R09-fair-bytes", test_fair_bytes },
  { "R09-fair-work", test_fair_work },
  { "R09-single-busy-link", test_single_busy },
  { "R09-no-idle-turn", test_no_idle_turn },
  { "R09-fair-sources", test_fair_sources },
  { "others", test_others },
  { "others-with-old-number", test_others_with_old_number },
  { "H02-nonblocking-and-cloexec", test_nonblocking_and_cloexec },
};

static void
add_all (const LinkPoller *poller)
{
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/transport/link/%s/%s", poller->name, tests[i].path);

      g_test_add (path, Fixture, poller, setup, tests[i].function, teardown);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; link_pollers[i] != NULL; i++)
    add_all (link_pollers[i]);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "link-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Links over sockets: bytes in both directions, and their ends. */

static void
test_echo (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (LINK_FIXTURE_MAX);
  int fds[5];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = link_fixture_open (f);
  g_assert_cmpuint (link_set_size (f->set), ==, G_N_ELEMENTS (fds));
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      link_fixture_round_trip (f, fds[i], bytes, 1);
      link_fixture_round_trip (f, fds[i], bytes, 10000);
    }
  link_fixture_round_trip (f, fds[2], bytes, LINK_FIXTURE_MAX);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  while (f->closed < G_N_ELEMENTS (fds))
    link_set_iterate (f->set);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
}

static void
test_place (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (1 << 20);
  int fd = link_fixture_open (f);

  ((LinkEcho *) g_ptr_array_index (f->echoes, 0))->places = TRUE;
  link_fixture_round_trip (f, fd, bytes, 1 << 20);
  g_assert_cmpuint (((LinkEcho *) g_ptr_array_index (f->echoes, 0))->placed, >, 1 << 19);
  close (fd);
}

static void
test_half_close (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (1000);
  guint8 back[2000];
  int fd = link_fixture_open (f);

  g_assert_cmpint (write (fd, bytes, 1000), ==, 1000);
  g_assert_cmpint (shutdown (fd, SHUT_WR), ==, 0);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_EOF);
  /* Pending bytes arrive before the end. */
  g_assert_cmpint (read (fd, back, sizeof back), ==, 1000);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 0);
  close (fd);
}

/* The other end closes while many bytes are pending: the link gets no SIGPIPE and does not spin. */
static void
test_broken_pipe (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (LINK_FIXTURE_MAX);
  int fd = link_fixture_open (f);
  LinkEcho *echo = g_ptr_array_index (f->echoes, 0);

  g_byte_array_append (echo->echo, bytes, LINK_FIXTURE_MAX);
  link_flush (echo->link);
  g_assert_cmpuint (echo->echo->len, >, 0); /* blocked */
  close (fd);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
}

/* The other end reads all pending bytes before the end, even if it still sends. */
static void
test_close_wanted (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (50000);
  guint8 back[4096];
  int fd = link_fixture_open (f);
  LinkEcho *echo = g_ptr_array_index (f->echoes, 0);
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

/* The peer does not read: the link ends when the time for lingering is over. */
static void
test_linger (LinkFixture *f, gconstpointer poller)
{
  g_autofree guint8 *bytes = link_fixture_pattern (LINK_FIXTURE_MAX);
  int fd = link_fixture_open (f);
  LinkEcho *echo = g_ptr_array_index (f->echoes, 0);

  g_byte_array_append (echo->echo, bytes, LINK_FIXTURE_MAX);
  link_close (echo->link, 1000);
  while (f->closed == 0)
    link_set_iterate (f->set);
  g_assert_cmpint (f->why, ==, TRANSPORT_CLOSED_WANTED);
  close (fd);
}

static void
test_refused (LinkFixture *f, gconstpointer poller)
{
  char back[8];
  int fd;

  f->refusal = "no";
  fd = link_fixture_open (f);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 2);
  g_assert_cmpint (read (fd, back, sizeof back), ==, 0);
  g_assert_cmpuint (link_set_size (f->set), ==, 0);
  close (fd);
}

/* A copy of the broker's end stays open, so only the half-close ends the stream; also when the refusal has no bytes. */
static void
test_refused_half_closes (LinkFixture *f, gconstpointer poller)
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
test_nonblocking_and_cloexec (LinkFixture *f, gconstpointer poller)
{
  int fds[2];
  TransportCreds creds = { .account = 42 };

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  link_new (f->set, fds[0], &creds);
  g_assert_cmpint (fcntl (fds[0], F_GETFL) & O_NONBLOCK, !=, 0);
  g_assert_cmpint (fcntl (fds[0], F_GETFD) & FD_CLOEXEC, !=, 0);
  close (fds[1]);
}

static const LinkFixtureTest tests[] = {
  { "echo", test_echo },
  { "place", test_place },
  { "F11-half-close", test_half_close },
  { "F11-broken-pipe", test_broken_pipe },
  { "close-wanted", test_close_wanted },
  { "linger", test_linger },
  { "refused", test_refused },
  { "refused-half-closes", test_refused_half_closes },
  { "H02-nonblocking-and-cloexec", test_nonblocking_and_cloexec },
};

int
main (int argc, char **argv)
{
  return link_fixture_run (argc, argv, tests, G_N_ELEMENTS (tests));
}

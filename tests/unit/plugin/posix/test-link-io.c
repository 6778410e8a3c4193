/* SPDX-License-Identifier: Apache-2.0 */
#include "link-io.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The results of link-io for errors of the system. This program replaces the functions that link-io calls, for one span and for
 * several. */

static int problem;
static guint n_sent, n_sent_messages; /* calls of send() and of sendmsg() */

ssize_t
readv (int fd, const struct iovec *parts, int n)
{
  errno = problem;
  return -1;
}

ssize_t
recv (int fd, void *bytes, size_t n, int flags)
{
  errno = problem;
  return -1;
}

ssize_t
send (int fd, const void *bytes, size_t n, int flags)
{
  g_assert_cmpint (flags, ==, MSG_NOSIGNAL);
  n_sent++;
  errno = problem;
  return -1;
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  g_assert_cmpint (flags, ==, MSG_NOSIGNAL);
  n_sent_messages++;
  errno = problem;
  return -1;
}

static const struct
{
  int problem;
  gssize read;
  gssize write;
} cases[] = {
  { EAGAIN, LINK_IO_WAIT, LINK_IO_WAIT },
  { ENOBUFS, LINK_IO_BROKEN, LINK_IO_WAIT },
  { ECONNRESET, LINK_IO_BROKEN, LINK_IO_BROKEN },
  { EPIPE, LINK_IO_BROKEN, LINK_IO_BROKEN },
};

static void
test_read (void)
{
  guint8 place[4], buffer[4];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      problem = cases[i].problem;
      g_assert_cmpint (link_io_read (0, place, sizeof place, buffer, sizeof buffer), ==, cases[i].read);
      g_assert_cmpint (link_io_read (0, NULL, 0, buffer, sizeof buffer), ==, cases[i].read);
    }
}

static void
test_write (void)
{
  static const guint8 byte;
  const WireSpan spans[] = { { &byte, 1 }, { &byte, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      problem = cases[i].problem;
      g_assert_cmpint (link_io_write (0, spans, 1), ==, cases[i].write);
      g_assert_cmpint (link_io_write (0, spans, 2), ==, cases[i].write);
    }
  g_assert_cmpuint (n_sent, ==, G_N_ELEMENTS (cases));
  g_assert_cmpuint (n_sent_messages, ==, G_N_ELEMENTS (cases));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link-io/read", test_read);
  g_test_add_func ("/link-io/write", test_write);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "link-fixture.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

#define MANY       200u
#define MANY_TURNS 8u /* twice as many as it takes to report all of them */

/* Other descriptors of the context are polled beside links, as in any other context. */

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
  g_source_set_can_recurse (self->source, TRUE); /* otherwise GLib wakes the context for each dispatch */
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
pipe_use (Pipe *self, LinkFixture *f)
{
  guint before = self->seen;

  g_assert_cmpint (write (self->fds[1], "x", 1), ==, 1);
  while (self->seen == before)
    link_set_iterate (f->set);
}

static void
test_others (LinkFixture *f, gconstpointer poller)
{
  Pipe first, second;
  int fd = link_fixture_open (f);

  pipe_open (&first, f->context);
  pipe_use (&first, f);
  pipe_open (&second, f->context);
  pipe_use (&second, f);
  pipe_use (&first, f);
  link_fixture_round_trip (f, fd, (const guint8 *) "hello", 5);
  link_fixture_fill (fd);
  pipe_use (&second, f); /* beside a link that is ready */
  pipe_close (&first);
  pipe_use (&second, f);
  pipe_close (&second);
  close (fd);
}

/* The same while the set waits without preparing the context. */
static void
test_others_prepared (LinkFixture *f, gconstpointer poller)
{
  Pipe first, second;
  int fd = link_fixture_open (f);

  pipe_open (&first, f->context);
  for (guint i = 0; i < 2; i++)
    {
      link_fixture_use (f, fd);
      link_fixture_use (f, fd);
      pipe_use (&first, f);
    }
  link_fixture_use (f, fd);
  link_fixture_use (f, fd);
  pipe_open (&second, f->context);
  pipe_use (&second, f);
  link_fixture_use (f, fd);
  link_fixture_use (f, fd);
  pipe_close (&first);
  pipe_use (&second, f);
  pipe_close (&second);
  close (fd);
}

/* More links are ready in every turn than the poller reports at a time. The other descriptor is among the next ones, so it is
 * found after a few turns. */
static void
test_others_beside_many_links (LinkFixture *f, gconstpointer poller)
{
  static const guint8 bytes[65536];
  Pipe pipe;
  int fds[MANY];
  guint turns = 0;

  pipe_open (&pipe, f->context);
  for (guint i = 0; i < MANY; i++)
    fds[i] = link_fixture_open (f);
  link_fixture_use (f, fds[0]);
  link_fixture_use (f, fds[0]);
  for (guint i = 0; i < MANY; i++)
    g_assert_cmpint (write (fds[i], bytes, sizeof bytes), ==, sizeof bytes);
  g_assert_cmpint (write (pipe.fds[1], "x", 1), ==, 1);
  for (; pipe.seen == 0; turns++)
    link_set_iterate (f->set);
  g_assert_cmpuint (turns, <=, MANY_TURNS);
  g_assert_cmpuint (f->received, <, MANY * sizeof bytes);
  pipe_close (&pipe);
  for (guint i = 0; i < MANY; i++)
    close (fds[i]);
}

/* A descriptor number may belong to another file in the next turn. */
static void
test_others_with_old_number (LinkFixture *f, gconstpointer poller)
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

static const LinkFixtureTest tests[] = {
  { "others", test_others },
  { "others-prepared", test_others_prepared },
  { "others-beside-many-links", test_others_beside_many_links },
  { "others-with-old-number", test_others_with_old_number },
};

int
main (int argc, char **argv)
{
  return link_fixture_run (argc, argv, tests, G_N_ELEMENTS (tests));
}

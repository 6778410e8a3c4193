/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "test-watchdog.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * The listener alone, in the thread of the test, when its address is lost: clients in the queue of the old socket, connected
 * clients, and later ones. The test finds the timer of the watch by its name and makes it ready, so that no test waits for it.
 */

#define CLIENTS 4u

typedef struct
{
  GMainContext *context;
  LinkSet *set;
  Listener *listener;
  char *directory;
  char *address;
  GString *events; /* one letter each, as in test-unix-path.c */
  guint connected, closed;
  gint64 wait_us; /* until the next accept */
  gint64 busy_us; /* time that each call for the wait takes */
  guint asked;    /* number of calls for the wait */
} Fixture;

static gpointer
on_connected (gpointer user, Link *link, const TransportCreds *creds, GBytes **refusal)
{
  ((Fixture *) user)->connected++;
  return user;
}

static gsize
on_place (gpointer user, gpointer peer, guint8 **where)
{
  return 0;
}

static void
on_bytes (gpointer user, gpointer peer, const guint8 *bytes, gsize len)
{
}

static void
on_placed (gpointer user, gpointer peer, gsize n)
{
}

static void
on_closed (gpointer user, gpointer peer, TransportClosed why)
{
  ((Fixture *) user)->closed++;
}

static guint
on_gather (gpointer user, gpointer peer, WireSpan *spans, guint max)
{
  return 0;
}

static void
on_turn_ended (gpointer user)
{
}

static const TransportHandler handler
    = { on_connected, on_place, on_placed, on_bytes, on_closed, on_gather, on_placed, on_turn_ended, NULL, NULL, NULL };

static void
on_report (gpointer user, ListenerEvent event, const char *text)
{
  g_string_append_c (((Fixture *) user)->events, "LNRK"[event]);
}

static gint64
on_wait (gpointer user)
{
  Fixture *f = user;
  const gint64 until_us = g_get_monotonic_time () + f->busy_us;

  f->asked++;
  while (g_get_monotonic_time () < until_us)
    ;
  return f->wait_us;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  guint32 own = (guint32) geteuid ();
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
  g_autoptr (GError) error = NULL;
  ListenerOptions options = { .accounts = &own,
                              .n_accounts = 1,
                              .denied = nothing,
                              .full = nothing,
                              .report = on_report,
                              .wait_us = on_wait,
                              .user = f };

  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->events = g_string_new (NULL);
  f->directory = g_dir_make_tmp ("deye-XXXXXX", NULL);
  f->address = g_build_filename (f->directory, "bus.sock", NULL);
  options.address = f->address;
  f->set = link_set_new (f->context, NULL, &handler, f);
  f->listener = listener_new (f->set, &options, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  listener_free (f->listener);
  link_set_free (f->set);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_main_context_pop_thread_default (f->context);
  g_main_context_unref (f->context);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_string_free (f->events, TRUE);
  g_free (f->directory);
  g_free (f->address);
  test_watchdog_stop ();
}

static int
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (const struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

/* Makes the timer of the watch due. */
static void
make_due (Fixture *f)
{
  for (guint id = 1; id < 1000; id++)
    {
      GSource *source = g_main_context_find_source_by_id (f->context, id);

      if (source != NULL && g_strcmp0 (g_source_get_name (source), "deye-bus-watch") == 0)
        {
          g_source_set_ready_time (source, 0);
          return;
        }
    }
  g_assert_not_reached ();
}

static void
wait_connected (Fixture *f, guint n)
{
  while (f->connected < n)
    g_main_context_iteration (f->context, TRUE);
  g_assert_cmpuint (f->connected, ==, n);
}

static void
test_queue_is_accepted (Fixture *f, gconstpointer data)
{
  int fds[CLIENTS + 2];

  fds[0] = connect_to (f->address);
  wait_connected (f, 1);
  for (guint i = 1; i <= CLIENTS; i++)
    fds[i] = connect_to (f->address);
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  make_due (f);
  while (f->events->len < 2)
    g_main_context_iteration (f->context, TRUE);
  g_assert_cmpstr (f->events->str, ==, "LR");
  g_assert_cmpuint (f->connected, ==, CLIENTS + 1);
  fds[CLIENTS + 1] = connect_to (f->address);
  wait_connected (f, CLIENTS + 2);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (f->closed, ==, 0);
  g_assert_cmpuint (link_set_size (f->set), ==, CLIENTS + 2);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* Connections stay in the system's queue for the time that the handler has returned, or until the listener is woken. */
static void
test_held (Fixture *f, gconstpointer data)
{
  int fds[3];

  f->wait_us = 3600 * G_TIME_SPAN_SECOND;
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = connect_to (f->address);
  while (f->asked == 0)
    g_main_context_iteration (f->context, TRUE);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (f->asked, ==, 1); /* the listener does not spin */
  g_assert_cmpuint (f->connected, ==, 0);
  listener_wake (f->listener);
  g_assert_cmpuint (f->asked, ==, 2);
  f->wait_us = 0;
  listener_wake (f->listener);
  wait_connected (f, 3);
  listener_wake (f->listener); /* no effect, because it holds no connections back */
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
test_held_for_a_time (Fixture *f, gconstpointer data)
{
  int fd = connect_to (f->address);

  f->wait_us = 1000;
  while (f->asked < 3)
    g_main_context_iteration (f->context, TRUE);
  g_assert_cmpuint (f->connected, ==, 0);
  f->wait_us = 0;
  wait_connected (f, 1);
  close (fd);
}

/* A turn that takes long accepts no further connection: links are read before the next one. */
static void
test_long_turn (Fixture *f, gconstpointer data)
{
  int fds[3];

  f->busy_us = 10 * G_TIME_SPAN_MILLISECOND;
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = connect_to (f->address);
  for (guint i = 1; i <= G_N_ELEMENTS (fds); i++)
    {
      while (f->connected < i)
        g_main_context_iteration (f->context, TRUE);
      g_assert_cmpuint (f->connected, ==, i);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

/* The address is lost while connections are held: those that wait are accepted, and later ones as well. */
static void
test_held_and_lost (Fixture *f, gconstpointer data)
{
  int fds[2];

  f->wait_us = 3600 * G_TIME_SPAN_SECOND;
  fds[0] = connect_to (f->address);
  while (f->asked == 0)
    g_main_context_iteration (f->context, TRUE);
  g_assert_cmpint (g_unlink (f->address), ==, 0);
  make_due (f);
  while (f->events->len < 2)
    g_main_context_iteration (f->context, TRUE);
  g_assert_cmpuint (f->connected, ==, 1);
  fds[1] = connect_to (f->address);
  f->wait_us = 0;
  listener_wake (f->listener);
  wait_connected (f, 2);
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/listener/A13-queue-is-accepted", Fixture, NULL, set_up, test_queue_is_accepted, tear_down);
  g_test_add ("/listener/R01-held", Fixture, NULL, set_up, test_held, tear_down);
  g_test_add ("/listener/R01-held-for-a-time", Fixture, NULL, set_up, test_held_for_a_time, tear_down);
  g_test_add ("/listener/R01-long-turn", Fixture, NULL, set_up, test_long_turn, tear_down);
  g_test_add ("/listener/A13-held-and-lost", Fixture, NULL, set_up, test_held_and_lost, tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-connector.h"
#include "proc-feed.h"

#include "proc-layout.h"

#include <gio/gio.h>
#include <string.h>

/*
 * The reports of a simulated kernel: the test defines the functions of proc-connector. Calls are recorded as text: o open, a
 * digit for a message with that number, O overrun, F failed.
 */

typedef struct
{
  ProcConnectorResult result;
  guint8 bytes[PROC_CONNECTOR_BYTES_MAX];
  gsize len;
} Datagram;

struct ProcConnector
{
  guint32 token;
  GQueue datagrams;
  guint closed;
};

static ProcConnector kernel;
static gboolean refuses;

ProcConnector *
proc_connector_open (gsize queue_bytes, const guint8 *request, gsize len, GError **error)
{
  g_assert_cmpuint (queue_bytes, ==, 4711);
  g_assert_cmpuint (len, ==, PROC_REQUEST_BYTES);
  memcpy (&kernel.token, request + PROC_LAYOUT_HEADER_BYTES + PROC_LAYOUT_CONNECTOR_ACK, sizeof kernel.token);
  if (refuses)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "not permitted");
  return refuses ? NULL : &kernel;
}

void
proc_connector_close (ProcConnector *self)
{
  if (self != NULL)
    self->closed++;
}

static gboolean
kernel_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return kernel.datagrams.length > 0;
}

static gboolean
kernel_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

GSource *
proc_connector_create_source (ProcConnector *self)
{
  static GSourceFuncs functions = { .prepare = kernel_prepare, .check = NULL, .dispatch = kernel_dispatch };

  return g_source_new (&functions, sizeof (GSource));
}

ProcConnectorResult
proc_connector_read (ProcConnector *self, guint8 *bytes, gsize size, gsize *len)
{
  g_autofree Datagram *datagram = g_queue_pop_head (&self->datagrams);

  if (datagram == NULL)
    return PROC_CONNECTOR_EMPTY;
  g_assert_cmpuint (datagram->len, <=, size);
  memcpy (bytes, datagram->bytes, datagram->len);
  *len = datagram->len;
  return datagram->result;
}

/* --- messages of the kernel --- */

#define MESSAGE_BYTES 76u

static void
set_u32 (guint8 *bytes, gsize at, guint32 number)
{
  memcpy (bytes + at, &number, sizeof number);
}

static void
fill (guint8 *bytes, guint32 what, guint32 ack, guint32 number)
{
  const guint16 type = PROC_LAYOUT_TYPE_DONE, event_len = 40;

  set_u32 (bytes, 0, MESSAGE_BYTES);
  memcpy (bytes + 4, &type, sizeof type);
  set_u32 (bytes, 16, PROC_LAYOUT_INDEX);
  set_u32 (bytes, 20, PROC_LAYOUT_VALUE);
  set_u32 (bytes, 28, ack);
  memcpy (bytes + 32, &event_len, sizeof event_len);
  set_u32 (bytes, 36, what);
  for (guint i = 0; i < 4; i++)
    set_u32 (bytes, 52 + 4 * i, number);
}

static Datagram *
send_datagram (ProcConnectorResult result)
{
  Datagram *datagram = g_new0 (Datagram, 1);

  datagram->result = result;
  g_queue_push_tail (&kernel.datagrams, datagram);
  return datagram;
}

static void
send_message (guint32 what, guint32 ack, guint32 number)
{
  Datagram *datagram = send_datagram (PROC_CONNECTOR_BYTES);

  fill (datagram->bytes, what, ack, number);
  datagram->len = MESSAGE_BYTES;
}

static void
send_exec (guint32 pid)
{
  send_message (PROC_LAYOUT_EVENT_EXEC, 0, pid);
}

static void
send_confirmation (guint32 token, guint32 error)
{
  send_message (PROC_LAYOUT_EVENT_NONE, token + 1, error);
}

/* --- the feed --- */

typedef struct
{
  GString *seen;
  guint pauses;
  char *reason;
  ProcFeed *feed;
} Fixture;

static void
on_open (gpointer data)
{
  g_string_append_c (((Fixture *) data)->seen, 'o');
}

static void
on_message (const ProcMessage *message, gpointer data)
{
  g_string_append_printf (((Fixture *) data)->seen, "%u", message->pid);
}

static void
on_pause (gpointer data)
{
  ((Fixture *) data)->pauses++;
}

static void
on_overrun (gpointer data)
{
  g_string_append_c (((Fixture *) data)->seen, 'O');
}

static void
on_failed (const char *reason, gpointer data)
{
  Fixture *f = data;

  g_string_append_c (f->seen, 'F');
  f->reason = g_strdup (reason);
}

static const ProcFeedHandler handler = { on_open, on_message, on_pause, on_overrun, on_failed };

static void
set_up (Fixture *f, gconstpointer data)
{
  kernel.closed = 0;
  f->seen = g_string_new (NULL);
  f->feed = proc_feed_new (4711, &handler, f, NULL);
  g_assert_nonnull (f->feed);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  proc_feed_free (f->feed);
  g_assert_cmpuint (kernel.closed, ==, 1);
  g_assert_false (g_main_context_pending (NULL));
  g_queue_clear_full (&kernel.datagrams, g_free);
  g_string_free (f->seen, TRUE);
  g_free (f->reason);
}

static void
assert_seen (Fixture *f, const char *want)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (f->seen->str, ==, want);
}

/* Messages before the confirmation are for other programs. */
static void
test_confirmed (Fixture *f, gconstpointer data)
{
  send_exec (1);
  send_confirmation (kernel.token + 1, 0); /* of another program */
  send_exec (2);
  assert_seen (f, "");
  g_assert_false (proc_feed_is_open (f->feed));
  g_assert_cmpuint (f->pauses, ==, 0);
  send_confirmation (kernel.token, 0);
  send_exec (3);
  send_confirmation (kernel.token, 0);
  assert_seen (f, "o3");
  g_assert_cmpuint (f->pauses, ==, 1);
  g_assert_true (proc_feed_is_open (f->feed));
  g_assert_cmpuint (proc_feed_get_counts (f->feed)->messages, ==, 1);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  send_confirmation (kernel.token, 1); /* EPERM */
  send_exec (3);
  assert_seen (f, "F");
  g_assert_cmpuint (f->pauses, ==, 0);
  g_assert_nonnull (strstr (f->reason, g_strerror (1)));
  g_assert_false (proc_feed_is_open (f->feed));
}

/* The kernel sends no confirmation, as in a namespace; messages may be for other programs. */
static void
test_unconfirmed (Fixture *f, gconstpointer data)
{
  send_exec (1);
  while (f->seen->len == 0)
    g_main_context_iteration (NULL, TRUE);
  send_confirmation (kernel.token, 0);
  assert_seen (f, "F");
}

static void
test_overrun (Fixture *f, gconstpointer data)
{
  send_datagram (PROC_CONNECTOR_OVERRUN);
  send_confirmation (kernel.token, 0);
  send_exec (1);
  send_datagram (PROC_CONNECTOR_OVERRUN);
  send_exec (2);
  assert_seen (f, "o1O2");
  g_assert_cmpuint (proc_feed_get_counts (f->feed)->overruns, ==, 2);
}

static void
test_broken (Fixture *f, gconstpointer data)
{
  send_confirmation (kernel.token, 0);
  send_exec (1);
  send_datagram (PROC_CONNECTOR_BROKEN);
  send_exec (2);
  assert_seen (f, "o1F");
}

/* Several messages in one datagram, of which the last one is cut. */
static void
test_malformed (Fixture *f, gconstpointer data)
{
  Datagram *datagram;

  send_confirmation (kernel.token, 0);
  datagram = send_datagram (PROC_CONNECTOR_BYTES);
  for (guint i = 0; i < 3; i++)
    fill (datagram->bytes + i * MESSAGE_BYTES, PROC_LAYOUT_EVENT_EXEC, 0, i + 1);
  datagram->len = 3 * MESSAGE_BYTES - 1;
  send_exec (4);
  assert_seen (f, "o124");
  g_assert_cmpuint (proc_feed_get_counts (f->feed)->malformed, ==, 1);
}

static void
test_connector_refused (void)
{
  g_autoptr (GError) error = NULL;

  refuses = TRUE;
  g_assert_null (proc_feed_new (4711, &handler, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  refuses = FALSE;
}

#define ADD(path, function) g_test_add ("/procmond/feed/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("confirmed", test_confirmed);
  ADD ("refused", test_refused);
  ADD ("unconfirmed", test_unconfirmed);
  ADD ("overrun", test_overrun);
  ADD ("broken", test_broken);
  ADD ("malformed", test_malformed);
  g_test_add_func ("/procmond/feed/connector-refused", test_connector_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "test-watchdog.h"

/*
 * A program publishes and then blocks its thread. Which messages reach the broker while it blocks, and which only when its loop
 * runs again? The table of the guide for collectors (doc/guide-collector-c.md, "When a message is written") has one line for
 * each test.
 *
 * A separate thread receives as the broker. If a message has to arrive during the block, the block lasts until it has
 * arrived. If no message may arrive, the block lasts one second. No test depends on the time that a message takes.
 */

#define BLOCK_US     G_TIME_SPAN_SECOND
#define COALESCE_MAX 10000u /* attempts until a published message waits */

typedef enum
{
  IN_TIMER,   /* a source of the program */
  IN_HANDLER, /* a callback of the library */
  IN_MAIN,    /* no loop runs */
} Place;

typedef struct
{
  const char *path;
  Place place;
  gboolean coalesce;
  gboolean hold;
  gboolean release; /* releases the client before the block */
  gboolean flush;   /* flushes before the block */
  gboolean flusher;
  gboolean arrives; /* the message arrives during the block */
} Row;

typedef struct
{
  ClientFixture base;
  const Row *row;
  GThread *receiver;
  GMutex lock;
  GCond news;
  guint received;  /* publishes; protected by the lock */
  guint published; /* by the program */
  gboolean done;   /* the block is over */
} Delays;

/* --- the broker --- */

static gpointer
delays_receive (gpointer data)
{
  Delays *d = data;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 bytes[4096];
  gsize n;

  while ((n = raw_socket_receive (d->base.peer, bytes, sizeof bytes)) > 0)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_byte_array_append (got, bytes, (guint) n);
      frames = script_take (got);
      g_mutex_lock (&d->lock);
      d->received += script_count (frames, WIRE_KIND_PUBLISH);
      g_cond_broadcast (&d->news);
      g_mutex_unlock (&d->lock);
    }
  return NULL;
}

/* Waits until all messages have arrived, or until @due_us. */
static gboolean
delays_wait (Delays *d, gint64 due_us)
{
  gboolean in_time = TRUE;
  gboolean all;

  g_mutex_lock (&d->lock);
  while (d->received < d->published && in_time)
    in_time = g_cond_wait_until (&d->news, &d->lock, due_us);
  all = d->received == d->published;
  g_mutex_unlock (&d->lock);
  return all;
}

/* --- the program --- */

static void
delays_publish_one (Delays *d)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_publish (d->base.client, "events.process.new", NULL, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  d->published++;
}

/* Publishes until a message waits. If the client coalesces, the number of messages depends on the speed of the machine. */
static void
delays_publish (Delays *d)
{
  guint tries = d->row->coalesce ? COALESCE_MAX : 2;

  for (guint i = 0; i < tries && deye_bus_client_get_unsent (d->base.client) == 0; i++)
    delays_publish_one (d);
}

static void
delays_flush (Delays *d)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_flush (d->base.client, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
}

static void
delays_publish_and_block (Delays *d)
{
  const Row *row = d->row;

  if (row->hold)
    deye_bus_client_hold (d->base.client);
  delays_publish (d);
  if (row->release)
    deye_bus_client_release (d->base.client);
  if (row->flush)
    delays_flush (d);
  if (row->arrives)
    g_assert_true (delays_wait (d, G_MAXINT64));
  else if (deye_bus_client_get_unsent (d->base.client) == 0 && row->coalesce)
    g_test_skip ("too slow: no message follows another one within 20 microseconds");
  else
    g_assert_false (delays_wait (d, g_get_monotonic_time () + BLOCK_US));
  if (row->hold && !row->release)
    deye_bus_client_release (d->base.client);
  d->done = TRUE;
}

static gboolean
delays_on_timer (gpointer data)
{
  delays_publish_and_block (data);
  return G_SOURCE_REMOVE;
}

static void
delays_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  delays_publish_and_block (data);
}

static void
delays_start_timer (Delays *d)
{
  g_autoptr (GSource) timer = g_timeout_source_new (0);

  g_source_set_callback (timer, delays_on_timer, d, NULL);
  g_source_attach (timer, d->base.context);
}

static void
delays_subscribe (Delays *d)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (d->base.in, 2, 100, 100000);
  client_fixture_send (&d->base);
  subscription = deye_bus_client_subscribe (d->base.client, "events.#", NULL, delays_on_message, d, NULL, NULL, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (&d->base, WIRE_KIND_REQUEST);
  script_deliver (d->base.in, 1, 0, 2, "events.process.new", "m", 1);
}

/* --- one test --- */

static void
delays_set_up (Delays *d, gconstpointer data)
{
  client_fixture_set_up (&d->base, NULL);
  client_fixture_connect (&d->base, &(const ScriptWelcome){ .window_messages = 2 * COALESCE_MAX });
  g_mutex_init (&d->lock);
  g_cond_init (&d->news);
  d->row = data;
  deye_bus_client_set_coalesce (d->base.client, d->row->coalesce);
  g_assert_true (deye_bus_client_set_flusher (d->base.client, d->row->flusher));
}

static void
delays_tear_down (Delays *d, gconstpointer data)
{
  g_assert_true (deye_bus_client_close (d->base.client, NULL, NULL));
  g_thread_join (d->receiver);
  g_mutex_clear (&d->lock);
  g_cond_clear (&d->news);
  client_fixture_tear_down (&d->base, NULL);
}

static void
test_row (Delays *d, gconstpointer data)
{
  if (d->row->place == IN_HANDLER)
    delays_subscribe (d);
  client_fixture_settle (&d->base);
  d->receiver = g_thread_new ("broker", delays_receive, d);
  client_fixture_send (&d->base); /* the message for the handler */
  if (d->row->place == IN_TIMER)
    delays_start_timer (d);
  else if (d->row->place == IN_MAIN)
    delays_publish_and_block (d);
  client_fixture_wait (&d->base, d->done);
  client_fixture_settle (&d->base); /* the loop runs again, and writes the rest */
  g_assert_true (delays_wait (d, G_MAXINT64));
}

static const Row rows[] = {
  { .path = "/client/delays/main/plain", .place = IN_MAIN, .arrives = TRUE },
  { .path = "/client/delays/main/hold", .place = IN_MAIN, .hold = TRUE },
  { .path = "/client/delays/main/release", .place = IN_MAIN, .hold = TRUE, .release = TRUE, .arrives = TRUE },
  { .path = "/client/delays/main/coalesce", .place = IN_MAIN, .coalesce = TRUE },
  { .path = "/client/delays/timer/plain", .place = IN_TIMER, .arrives = TRUE },
  { .path = "/client/delays/timer/hold", .place = IN_TIMER, .hold = TRUE },
  { .path = "/client/delays/timer/hold-flush", .place = IN_TIMER, .hold = TRUE, .flush = TRUE, .arrives = TRUE },
  { .path = "/client/delays/timer/release", .place = IN_TIMER, .hold = TRUE, .release = TRUE, .arrives = TRUE },
  { .path = "/client/delays/timer/coalesce", .place = IN_TIMER, .coalesce = TRUE },
  { .path = "/client/delays/timer/coalesce-flush",
    .place = IN_TIMER,
    .coalesce = TRUE,
    .flush = TRUE,
    .arrives = TRUE },
  { .path = "/client/delays/main/hold-flusher", .place = IN_MAIN, .hold = TRUE, .flusher = TRUE, .arrives = TRUE },
  { .path = "/client/delays/main/coalesce-flusher",
    .place = IN_MAIN,
    .coalesce = TRUE,
    .flusher = TRUE,
    .arrives = TRUE },
  { .path = "/client/delays/timer/hold-flusher", .place = IN_TIMER, .hold = TRUE, .flusher = TRUE, .arrives = TRUE },
  { .path = "/client/delays/timer/coalesce-flusher",
    .place = IN_TIMER,
    .coalesce = TRUE,
    .flusher = TRUE,
    .arrives = TRUE },
  { .path = "/client/delays/handler/flusher", .place = IN_HANDLER, .flusher = TRUE, .arrives = TRUE },
  { .path = "/client/delays/handler/plain", .place = IN_HANDLER },
  { .path = "/client/delays/handler/flush", .place = IN_HANDLER, .flush = TRUE, .arrives = TRUE },
  { .path = "/client/delays/handler/release", .place = IN_HANDLER, .hold = TRUE, .release = TRUE },
  { .path = "/client/delays/handler/hold-flush", .place = IN_HANDLER, .hold = TRUE, .flush = TRUE, .arrives = TRUE },
  { .path = "/client/delays/handler/coalesce-flush",
    .place = IN_HANDLER,
    .coalesce = TRUE,
    .flush = TRUE,
    .arrives = TRUE },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_test_add (rows[i].path, Delays, &rows[i], delays_set_up, test_row, delays_tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "service-fixture.h"

#include "raw-peer.h"
#include "test-leaks.h"
#include "test-system.h"
#include "test-watchdog.h"

#include <string.h>

/* The log of a broker, as the log function of a host gets it: the texts of records, and a log function that blocks. */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_shut; /* the log function blocks */
  guint inside;
  GThread *thread;
  GPtrArray *records; /* text: the message, then a line "KEY=value" for each field */
} HostLog;

static void
host_log_write (void *user_data,
                DaemoneyeLogLevel level,
                const char *message,
                const DaemoneyeLogField *fields,
                size_t n_fields)
{
  HostLog *log = user_data;
  GString *text = g_string_new (message);

  for (gsize i = 0; i < n_fields; i++)
    g_string_append_printf (text, "\n%s=%s", fields[i].key, fields[i].value);
  g_string_append (text, "\n");
  g_mutex_lock (&log->lock);
  g_assert_cmpuint (log->inside, ==, 0); /* one call at a time, from one thread */
  g_assert_true (log->thread == NULL || log->thread == g_thread_self ());
  log->thread = g_thread_self ();
  g_ptr_array_add (log->records, g_string_free (text, FALSE));
  log->inside++;
  g_cond_broadcast (&log->changed);
  while (log->is_shut)
    g_cond_wait (&log->changed, &log->lock);
  log->inside--;
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

typedef struct
{
  ServiceFixture base;
  HostLog log;
  guint taken; /* records that the test has seen */
} Fixture;

static void
log_set (Fixture *f, gboolean is_shut)
{
  g_mutex_lock (&f->log.lock);
  f->log.is_shut = is_shut;
  g_cond_broadcast (&f->log.changed);
  g_mutex_unlock (&f->log.lock);
}

/* Waits for the next record that starts with @prefix. (transfer full) */
static char *
log_expect (Fixture *f, const char *prefix)
{
  char *found = NULL;

  test_watchdog_note ("a log record that starts with \"%s\"", prefix);
  g_mutex_lock (&f->log.lock);
  while (found == NULL)
    {
      while (f->taken == f->log.records->len)
        g_cond_wait (&f->log.changed, &f->log.lock);
      if (g_str_has_prefix (g_ptr_array_index (f->log.records, f->taken), prefix))
        found = g_strdup (g_ptr_array_index (f->log.records, f->taken));
      f->taken++;
    }
  g_mutex_unlock (&f->log.lock);
  test_watchdog_note (NULL);
  return found;
}

static void
assert_has (const char *record, const char *part)
{
  if (strstr (record, part) == NULL)
    g_error ("\"%s\" is not in: %s", part, record);
}

static void
start (Fixture *f, BusConfig *config)
{
  DaemoneyeHost host
      = { .struct_size = sizeof host, .address = f->base.address, .log = host_log_write, .user_data = &f->log };
  g_autoptr (GError) error = NULL;

  f->base.service = service_start (config, &host, &error);
  g_assert_no_error (error);
}

static void
setup (Fixture *f, gconstpointer data)
{
  service_fixture_set_up (&f->base, "stopped");
  f->log.records = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&f->log.lock);
  g_cond_init (&f->log.changed);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  service_fixture_tear_down (&f->base, NULL);
  g_ptr_array_unref (f->log.records);
  g_mutex_clear (&f->log.lock);
  g_cond_clear (&f->log.changed);
}

static void
publish_denied (RawPeer *peer, guint64 id)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.topic = WIRE_SPAN_LITERAL ("tasks.netmond");
  envelope.payload = WIRE_SPAN_LITERAL ("x");
  g_assert_true (raw_peer_send (peer, WIRE_KIND_PUBLISH, 0, &envelope));
  raw_peer_expect (peer, WIRE_KIND_ERROR, &envelope);
  g_assert_cmpuint (envelope.status, ==, WIRE_STATUS_DENIED);
}

/* Records about a peer and a refusal: each names the peer; the record of the refusal also names the operation, the topic and
 * the rule. */
static void
test_records (Fixture *f, gconstpointer data)
{
  g_autofree char *connected = NULL;
  g_autofree char *denied = NULL;
  g_autofree char *gone = NULL;
  RawPeer *peer;

  start (f, bus_config_new ());
  peer = raw_peer_connect (f->base.address);
  g_assert_cmpuint (raw_peer_hello (peer, "procmond-1", "procmond"), ==, RAW_VERSION_1);
  publish_denied (peer, 1);
  raw_peer_free (peer);
  connected = log_expect (f, "peer connected: procmond-1 (pid ");
  assert_has (connected, "\nPEER=procmond-1\n");
  assert_has (connected, "\nPID=");
  denied = log_expect (f, "denied: procmond-1 (pid ");
  assert_has (denied, "): publish tasks.netmond: DENIED: denied by rule tasks: only the agent and tools may\n");
  assert_has (denied, "\nOPERATION=publish\n");
  assert_has (denied, "\nTOPIC=tasks.netmond\n");
  assert_has (denied, "\nRULE=tasks\n");
  gone = log_expect (f, "peer gone: procmond-1 (pid ");
  assert_has (gone, "the connection ended without GOODBYE\n");
}

/* A connection that is refused before it has a peer is in the log too. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  BusConfig *config = bus_config_new ();
  g_autofree char *denied = NULL;
  g_autofree char *full = NULL;
  g_autoptr (RawPeer) foreign = NULL;
  g_autoptr (RawPeer) first = NULL;
  g_autoptr (RawPeer) second = NULL;

  config->accounts[0] = test_system_account () + 1;
  start (f, config);
  foreign = raw_peer_connect (f->base.address);
  g_assert_cmpuint (raw_peer_expect_goodbye (foreign, NULL), ==, WIRE_STATUS_DENIED);
  denied = log_expect (f, "peer refused: before hello (pid ");
  assert_has (denied, "DENIED: the setting uids does not contain this uid\n");
  service_stop (g_steal_pointer (&f->base.service), G_TIME_SPAN_SECOND, NULL);

  config = bus_config_new ();
  config->limits.max_connections_per_uid = 1;
  f->log.thread = NULL;
  start (f, config);
  first = raw_peer_connect (f->base.address);
  g_assert_cmpuint (raw_peer_hello (first, "one", "procmond"), ==, RAW_VERSION_1);
  second = raw_peer_connect (f->base.address);
  g_assert_cmpuint (raw_peer_expect_goodbye (second, NULL), ==, WIRE_STATUS_LIMIT);
  full = log_expect (f, "peer refused: before hello (pid ");
  assert_has (full, "LIMIT: max-connections-per-uid\n");
}

/* The records of a noisy peer are capped and counted, and those of another peer are complete. */
static void
test_noisy_peer (Fixture *f, gconstpointer data)
{
  RawPeer *noisy;
  RawPeer *quiet;
  guint64 sum = 0;
  gboolean is_gone = FALSE;

  start (f, bus_config_new ());
  noisy = raw_peer_connect (f->base.address);
  quiet = raw_peer_connect (f->base.address);
  raw_peer_hello (noisy, "noisy", "procmond");
  raw_peer_hello (quiet, "quiet", "procmond");
  for (guint i = 1; i <= 2000; i++)
    publish_denied (noisy, i);
  publish_denied (quiet, 1);
  g_free (log_expect (f, "denied: quiet "));
  raw_peer_free (quiet);
  g_free (log_expect (f, "peer gone: quiet "));
  raw_peer_free (noisy);
  f->taken = 0;
  while (!is_gone)
    {
      g_autofree char *record = log_expect (f, "");
      const char *suppressed = strstr (record, "\nSUPPRESSED=");

      if (strstr (record, "noisy") == NULL)
        continue;
      sum += g_str_has_prefix (record, "denied") ? 1 : 0;
      sum += suppressed != NULL ? g_ascii_strtoull (suppressed + strlen ("\nSUPPRESSED="), NULL, 10) : 0;
      is_gone = g_str_has_prefix (record, "peer gone: noisy ");
    }
  g_assert_cmpuint (sum, ==, 2000);
}

static gpointer
stop_in_thread (gpointer data)
{
  Fixture *f = data;
  guint64 unwritten = 0;

  g_assert_false (service_stop (g_steal_pointer (&f->base.service), 100 * G_TIME_SPAN_MILLISECOND, &unwritten));
  return GUINT_TO_POINTER ((guint) unwritten);
}

/* While the host's log function blocks, the broker continues, and it stops in time. Its log thread is abandoned and reported, and
 * makes no further call. */
static void
test_blocked (Fixture *f, gconstpointer data)
{
  RawPeer *peers[50];
  guint unwritten;

  log_set (f, TRUE);
  start (f, bus_config_new ());
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    {
      g_autofree char *id = g_strdup_printf ("peer-%u", i);

      peers[i] = raw_peer_connect (f->base.address);
      g_assert_cmpuint (raw_peer_hello (peers[i], id, "procmond"), ==, RAW_VERSION_1);
      publish_denied (peers[i], 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    raw_peer_free (peers[i]);
  unwritten = GPOINTER_TO_UINT (g_thread_join (g_thread_new ("test-stop", stop_in_thread, f)));
  g_assert_cmpuint (unwritten, >=, 2 * G_N_ELEMENTS (peers));

  g_assert_cmpuint (f->log.records->len, ==, 1);
  log_set (f, FALSE);
  g_mutex_lock (&f->log.lock);
  while (f->log.inside > 0)
    g_cond_wait (&f->log.changed, &f->log.lock);
  g_mutex_unlock (&f->log.lock);
}

static void
start_and_stop (guint round, gpointer data)
{
  Fixture *f = data;

  f->log.thread = NULL;
  start (f, bus_config_new ());
  raw_peer_free (raw_peer_connect (f->base.address));
  g_assert_true (service_stop (g_steal_pointer (&f->base.service), G_TIME_SPAN_MINUTE, NULL));
}

static void
test_nothing_is_left (Fixture *f, gconstpointer data)
{
  test_leaks_assert_none (50, start_and_stop, f);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/service-log/A15-records", test_records);
  ADD ("/service-log/refused", test_refused);
  ADD ("/service-log/W04-noisy-peer", test_noisy_peer);
  ADD ("/service-log/W04-blocked", test_blocked);
  ADD ("/service-log/H04-nothing-is-left", test_nothing_is_left);
  return g_test_run ();
}

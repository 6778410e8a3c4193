/* SPDX-License-Identifier: Apache-2.0 */
#include "daemoneye-plugin.h"

#include "test-channel.h"
#include "test-leaks.h"
#include "test-watchdog.h"

#include <glib/gstdio.h>
#include <gmodule.h>

/* Loads the module file like a host: finds it by its only symbol, starts and stops it, and checks that nothing is left. */

typedef struct
{
  const DaemoneyePlugin *plugin;
  char *directory;
  char *address;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  const DaemoneyePlugin *(*describe) (void) = NULL;
  GModule *module;

  test_watchdog_start ("module");
  module = g_module_open (g_getenv ("TEST_MODULE"), G_MODULE_BIND_LOCAL);
  g_assert_nonnull (module);
  g_assert_true (g_module_symbol (module, DAEMONEYE_PLUGIN_SYMBOL, (gpointer *) &describe));
  g_module_make_resident (module);
  f->plugin = describe ();
  g_assert_true (f->plugin == describe ()); /* the same each time */
  f->directory = g_dir_make_tmp ("deye-XXXXXX", NULL);
  f->address = g_build_filename (f->directory, "bus.sock", NULL);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->address);
  test_watchdog_stop ();
}

static DaemoneyeBus *
start (Fixture *f, const char *config, DaemoneyeError *error)
{
  DaemoneyeHost host = { .struct_size = sizeof host, .address = f->address };

  *error = (DaemoneyeError){ .struct_size = sizeof *error };
  return f->plugin->start (&host, config, error);
}

static void
test_describe (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (f->plugin->magic, ==, DAEMONEYE_PLUGIN_MAGIC);
  g_assert_cmpuint (f->plugin->abi_major, ==, DAEMONEYE_PLUGIN_ABI_MAJOR);
  g_assert_cmpuint (f->plugin->struct_size, ==, sizeof (DaemoneyePlugin));
  g_assert_cmpstr (f->plugin->name, ==, "daemoneye-eventbus");
}

static void
start_and_stop (guint round, gpointer data)
{
  Fixture *f = data;
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };
  DaemoneyeError error;
  DaemoneyeBus *bus = start (f, g_getenv ("SHIPPED_CONF"), &error);
  intptr_t handle;

  g_assert_nonnull (bus);
  g_assert_cmpstr (f->plugin->address (bus), ==, f->address);
  handle = f->plugin->connect (bus, &error);
  g_assert_cmpint (handle, >=, 0);
  g_assert_cmpint (f->plugin->stats (bus, &stats), ==, 0);
  g_assert_cmpint (stats.state, ==, DAEMONEYE_BUS_HEALTHY);
  g_assert_cmpuint (stats.connections, ==, 1);
  g_assert_cmpuint (stats.epoch, !=, 0);
  test_channel_close_handle (handle);
  f->plugin->stop (bus, 100000);
}

static void
test_start_and_stop (Fixture *f, gconstpointer data)
{
  test_leaks_assert_none (100, start_and_stop, f);
}

/* One call at a time. */
static void
log_count (void *user_data,
           DaemoneyeLogLevel level,
           const char *message,
           const DaemoneyeLogField *fields,
           size_t n_fields)
{
  g_assert_cmpint (g_atomic_int_add ((gint *) user_data, 1000), ==, 0);
  g_atomic_int_add ((gint *) user_data, -999);
}

/* A host that was built for minor version 0 has the same DaemoneyeHost, and its table ends with stop(). */
static void
test_minor_0_host (Fixture *f, gconstpointer data)
{
  struct
  {
    size_t struct_size;
    const char *address;
    void (*log) (void *, DaemoneyeLogLevel, const char *, const DaemoneyeLogField *, size_t);
    void *user_data;
  } old_host = { sizeof old_host, f->address, NULL, NULL };
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBus *bus;

  G_STATIC_ASSERT (sizeof old_host == sizeof (DaemoneyeHost));
  G_STATIC_ASSERT (G_STRUCT_OFFSET (DaemoneyePlugin, shutdown)
                   == G_STRUCT_OFFSET (DaemoneyePlugin, stop) + sizeof f->plugin->stop);
  g_assert_cmpuint (f->plugin->abi_minor, ==, 1);
  bus = f->plugin->start ((const DaemoneyeHost *) (gconstpointer) &old_host, NULL, &error);
  g_assert_nonnull (bus);
  f->plugin->stop (bus, 100000);
}

/* shutdown() is stop() with a result. */
static void
test_shutdown (Fixture *f, gconstpointer data)
{
  gint count = 0;
  DaemoneyeHost host = { .struct_size = sizeof host, .address = f->address, .log = log_count, .user_data = &count };
  DaemoneyeError error = { .struct_size = sizeof error, .message = "unchanged" };
  DaemoneyeBus *bus = f->plugin->start (&host, NULL, &error);
  intptr_t handle;

  g_assert_nonnull (bus);
  handle = f->plugin->connect (bus, &error);
  test_channel_close_handle (handle);
  g_assert_cmpint (f->plugin->shutdown (bus, 1000000, &error), ==, 0);
  g_assert_cmpstr (error.message, ==, "unchanged");
}

/* The log function of a host. It blocks until the test has ended the bus. */
typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_inside;
  gboolean is_over;
} BlockedLog;

static void
log_block (void *user_data,
           DaemoneyeLogLevel level,
           const char *message,
           const DaemoneyeLogField *fields,
           size_t n_fields)
{
  BlockedLog *log = user_data;

  g_mutex_lock (&log->lock);
  log->is_inside = TRUE;
  g_cond_broadcast (&log->changed);
  while (!log->is_over)
    g_cond_wait (&log->changed, &log->lock);
  log->is_inside = FALSE;
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
log_wait (BlockedLog *log, gboolean is_inside)
{
  g_mutex_lock (&log->lock);
  while (log->is_inside != is_inside)
    g_cond_wait (&log->changed, &log->lock);
  g_mutex_unlock (&log->lock);
}

static void
test_blocked_log (Fixture *f, gconstpointer data)
{
  BlockedLog log = { .is_over = FALSE };
  DaemoneyeHost host = { .struct_size = sizeof host, .address = f->address, .log = log_block, .user_data = &log };
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBus *bus = f->plugin->start (&host, NULL, &error);
  intptr_t handle;

  g_assert_nonnull (bus);
  handle = f->plugin->connect (bus, &error);
  test_channel_close_handle (handle); /* the end of the connection is logged */
  log_wait (&log, TRUE);
  g_assert_cmpint (f->plugin->shutdown (bus, 0, &error), ==, -1);
  g_assert_cmpint (error.code, ==, 7);
  g_assert_nonnull (strstr (error.message, "log records not written: 1"));
  g_mutex_lock (&log.lock);
  log.is_over = TRUE;
  g_cond_broadcast (&log.changed);
  g_mutex_unlock (&log.lock);
  log_wait (&log, FALSE);
}

static void
test_failures (Fixture *f, gconstpointer data)
{
  DaemoneyeHost small = { .struct_size = sizeof (size_t) };
  DaemoneyeError error;
  DaemoneyeBus *bus = start (f, NULL, &error);

  g_assert_nonnull (bus);
  g_assert_null (start (f, NULL, &error));
  g_assert_cmpint (error.code, ==, 2); /* in use */
  g_assert_nonnull (strstr (error.message, f->address));
  f->plugin->stop (bus, 0);

  g_assert_null (start (f, "/nonexistent.conf", &error));
  g_assert_cmpint (error.code, ==, 1); /* configuration */
  g_assert_null (f->plugin->start (&small, NULL, &error));
  g_assert_cmpint (error.code, ==, 4); /* ABI */
}

/* A caller with a smaller struct gets only the fields in it. */
static void
test_small_stats (Fixture *f, gconstpointer data)
{
  union
  {
    DaemoneyeBusStats stats;
    guint8 bytes[sizeof (DaemoneyeBusStats)];
  } out;
  DaemoneyeError error;
  DaemoneyeBus *bus = start (f, NULL, &error);

  memset (&out, 0xee, sizeof out);
  out.stats.struct_size = G_STRUCT_OFFSET (DaemoneyeBusStats, subscriptions);
  g_assert_cmpint (f->plugin->stats (bus, &out.stats), ==, 0);
  g_assert_cmpuint (out.stats.connections, ==, 0);
  for (gsize i = G_STRUCT_OFFSET (DaemoneyeBusStats, subscriptions); i < sizeof out; i++)
    g_assert_cmpuint (out.bytes[i], ==, 0xee);
  f->plugin->stop (bus, 100000);
}

static void
on_address_record (void *user_data,
                   DaemoneyeLogLevel level,
                   const char *message,
                   const DaemoneyeLogField *fields,
                   size_t n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "ADDRESS"))
      g_async_queue_push (user_data, g_strdup (message));
}

/* No client can connect while another file is at the address. */
static void
test_unhealthy (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncQueue) records = g_async_queue_new_full (g_free);
  g_autofree char *file = g_build_filename (f->directory, "file", NULL);
  DaemoneyeHost host
      = { .struct_size = sizeof host, .address = f->address, .log = on_address_record, .user_data = records };
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };
  DaemoneyeBus *bus = f->plugin->start (&host, NULL, &error);

  g_assert_nonnull (bus);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_cmpint (g_rename (file, f->address), ==, 0);
  g_free (g_async_queue_pop (records));
  g_assert_cmpint (f->plugin->stats (bus, &stats), ==, 0);
  g_assert_cmpint (stats.state, ==, DAEMONEYE_BUS_UNHEALTHY);
  f->plugin->stop (bus, 0);
  g_assert_cmpint (g_unlink (f->address), ==, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/module/describe", test_describe);
  ADD ("/module/H04-start-and-stop", test_start_and_stop);
  ADD ("/module/minor-0-host", test_minor_0_host);
  ADD ("/module/shutdown", test_shutdown);
  ADD ("/module/W04-blocked-log", test_blocked_log);
  ADD ("/module/failures", test_failures);
  ADD ("/module/small-stats", test_small_stats);
  ADD ("/module/A13-unhealthy", test_unhealthy);
  return g_test_run ();
}

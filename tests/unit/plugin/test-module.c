/* SPDX-License-Identifier: Apache-2.0 */
#include "daemoneye-plugin.h"

#include "test-channel.h"
#include "test-leaks.h"
#include "test-watchdog.h"

#include <glib/gstdio.h>
#include <gmodule.h>

/* The module file itself, as a host loads it: found by its one symbol, started and stopped, and nothing left behind. */

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

/* A caller that knows fewer fields gets just these. */
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
  ADD ("/module/failures", test_failures);
  ADD ("/module/small-stats", test_small_stats);
  ADD ("/module/A13-unhealthy", test_unhealthy);
  return g_test_run ();
}

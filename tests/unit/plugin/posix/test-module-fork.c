/* SPDX-License-Identifier: Apache-2.0 */
#include "daemoneye-plugin.h"

#include "test-channel.h"
#include "test-watchdog.h"

#include <glib/gstdio.h>
#include <gmodule.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The module in a child of fork(), as in a host that daemonizes after start(). The child has no broker thread: every call
 * must return, and the parent's broker must not notice.
 */

#define CODE_FORKED            6
#define CHILD_WATCHDOG_SECONDS 20

/* Runs in the child, without GLib's test functions: the result is the exit status, 0 or the number of the failed step. */
static int
use_in_child (const DaemoneyePlugin *plugin, DaemoneyeBus *bus, const char *address)
{
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };

  alarm (CHILD_WATCHDOG_SECONDS);
  if (plugin->connect (bus, &error) != -1)
    return 1;
  if (error.code != CODE_FORKED || strstr (error.message, "fork()") == NULL)
    return 2;
  if (plugin->connect (bus, NULL) != -1)
    return 3;
  if (plugin->stats (bus, &stats) != -1)
    return 4;
  if (strcmp (plugin->address (bus), address) != 0)
    return 5;
  plugin->stop (bus, 1000000);
  error.code = 0;
  if (plugin->shutdown (bus, 1000000, &error) != -1 || error.code != CODE_FORKED)
    return 7;
  return access (address, F_OK) == 0 ? 0 : 6;
}

static const DaemoneyePlugin *
load_module (void)
{
  const DaemoneyePlugin *(*describe) (void) = NULL;
  GModule *module = g_module_open (g_getenv ("TEST_MODULE"), G_MODULE_BIND_LOCAL);

  g_assert_nonnull (module);
  g_assert_true (g_module_symbol (module, DAEMONEYE_PLUGIN_SYMBOL, (gpointer *) &describe));
  g_module_make_resident (module);
  return describe ();
}

static void
assert_serves (const DaemoneyePlugin *plugin, DaemoneyeBus *bus)
{
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBusStats stats = { .struct_size = sizeof stats };
  intptr_t handle = plugin->connect (bus, &error);

  g_assert_cmpint (handle, >=, 0);
  g_assert_cmpint (plugin->stats (bus, &stats), ==, 0);
  g_assert_cmpuint (stats.connections, ==, 1);
  test_channel_close_handle (handle);
}

static void
test_fork (void)
{
  const DaemoneyePlugin *plugin = load_module ();
  g_autofree char *directory = g_dir_make_tmp ("deye-XXXXXX", NULL);
  g_autofree char *address = g_build_filename (directory, "bus.sock", NULL);
  DaemoneyeHost host = { .struct_size = sizeof host, .address = address };
  DaemoneyeError error = { .struct_size = sizeof error };
  DaemoneyeBus *bus;
  pid_t child;
  int status;

  test_watchdog_start ("module-fork");
  bus = plugin->start (&host, NULL, &error);
  g_assert_nonnull (bus);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (use_in_child (plugin, bus, address));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  assert_serves (plugin, bus);
  plugin->stop (bus, 100000);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/module/fork", test_fork);
  return g_test_run ();
}

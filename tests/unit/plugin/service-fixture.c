/* SPDX-License-Identifier: Apache-2.0 */
#include "service-fixture.h"

#include "test-watchdog.h"

#include <glib/gstdio.h>

Service *
service_fixture_start_at (const char *address, GError **error)
{
  DaemoneyeHost host = { .struct_size = sizeof host, .address = address };

  return service_start (bus_config_new (), &host, error);
}

void
service_fixture_set_up (ServiceFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_watchdog_start ("service");
  f->directory = g_dir_make_tmp ("deye-XXXXXX", &error);
  g_assert_no_error (error);
  f->address = g_build_filename (f->directory, "bus.sock", NULL);
  if (data == NULL)
    {
      f->service = service_fixture_start_at (f->address, &error);
      g_assert_no_error (error);
    }
}

void
service_fixture_tear_down (ServiceFixture *f, gconstpointer data)
{
  if (f->service != NULL)
    service_stop (f->service, G_TIME_SPAN_SECOND, NULL);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0); /* socket and lock are gone */
  g_free (f->directory);
  g_free (f->address);
  test_watchdog_stop ();
}

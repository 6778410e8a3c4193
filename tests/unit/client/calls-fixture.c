/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

const ScriptFrame *
calls_fixture_frame_at (GPtrArray *frames, guint i)
{
  g_assert_cmpuint (i, <, frames->len);
  return frames->pdata[i];
}

DeyeBusOptions *
calls_fixture_with_timeout (gint64 timeout_us)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, timeout_us);
  return options;
}

void
calls_fixture_remember_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(GError **) data = g_error_copy (error);
}

void
calls_fixture_publish (Fixture *f, gsize n, gsize bytes)
{
  g_autofree guint8 *zeros = g_malloc0 (bytes + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, bytes);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (deye_bus_client_publish (f->client, "events.process.new", payload, NULL, NULL, NULL, &error));
      g_assert_no_error (error);
    }
}

void
calls_fixture_expect (Fixture *f, guint n)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);

  g_assert_cmpuint (frames->len, ==, n);
}

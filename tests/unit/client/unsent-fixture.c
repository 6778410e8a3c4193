/* SPDX-License-Identifier: Apache-2.0 */
#include "unsent-fixture.h"

DeyeBusOptions *
unsent_fixture_with_timeout (gint64 timeout_us)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, timeout_us);
  return options;
}

void
unsent_fixture_publish_large (Fixture *f, guint n)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (100000), 100000);

  for (guint i = 0; i < n; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.a", payload, NULL, NULL, NULL, NULL));
}

guint64
unsent_fixture_publish_too_much (Fixture *f, guint n)
{
  guint64 unsent;

  unsent_fixture_publish_large (f, n);
  unsent = deye_bus_client_get_unsent (f->client);
  g_assert_cmpuint (unsent, >, 0);
  g_assert_cmpuint (unsent, <, n);
  return unsent;
}

guint
unsent_fixture_count_frames (Fixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);

  return frames->len;
}

void
unsent_fixture_assert_number (const GError *error, guint64 number)
{
  g_autofree char *text = g_strdup_printf (": %" G_GUINT64_FORMAT, number);

  g_assert_nonnull (strstr (error->message, text));
}

void
unsent_fixture_publish_async (Fixture *f, const char *topic, guint n)
{
  for (guint i = 0; i < n; i++)
    deye_bus_client_publish_async (f->client, topic, NULL, NULL, FALSE, NULL, NULL, NULL);
}

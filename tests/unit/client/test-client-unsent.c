/* SPDX-License-Identifier: Apache-2.0 */
#include "unsent-fixture.h"

/* When a connection ends, or the last reference is released, the number of messages that were never written is reported. */

typedef struct
{
  GString *order;
  guint64 unsent; /* the number in the message of the error */
} Ends;

/* --- other ends --- */

static void
on_end_error (DeyeBusClient *client, GError *error, gpointer data)
{
  Ends *ends = data;

  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, deye_bus_client_get_unsent (client));
  ends->unsent = deye_bus_client_get_unsent (client);
  g_string_append_c (ends->order, 'e');
}

static void
on_end_closed (DeyeBusClient *client, GError *error, gpointer data)
{
  g_string_append_c (((Ends *) data)->order, 'c');
}

static guint records[G_LOG_LEVEL_DEBUG + 1]; /* about unsent messages, by level */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (fields[i].key, "DEYE_BUS_UNSENT"))
      {
        records[level & G_LOG_LEVEL_MASK]++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n, data);
}

static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = unsent_fixture_publish_too_much (f, 20);
  client_fixture_disconnect (f);
  client_fixture_wait (f, order->len == 2);
  g_assert_cmpstr (order->str, ==, "ec");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_signal_handlers_disconnect_by_data (f->client, &ends);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
}

/* If a program never runs its context, close() returns the number. */
static void
test_connection_lost_close (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  g_autoptr (GError) error = NULL;
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = unsent_fixture_publish_too_much (f, 20);
  client_fixture_disconnect (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, &error));
  g_clear_error (&error);
  g_assert_false (deye_bus_client_close (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  unsent_fixture_assert_number (error, unsent);
  g_assert_nonnull (strstr (error->message, "connection ended"));
  /* No second report: neither by the signal nor by the last reference. */
  client_fixture_settle (f);
  g_assert_null (strchr (order->str, 'e'));
}

/* The same without a dispatch between close() and the last reference. */
static void
test_connection_lost_close_unref (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  unsent_fixture_publish_too_much (f, 20);
  client_fixture_disconnect (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, NULL));
  g_assert_false (deye_bus_client_close (f->client, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "");
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE] + records[G_LOG_LEVEL_WARNING], ==, 0);
}

/* --- the last reference --- */

static void
test_unref (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;
  guint received = 0;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_signal_connect (f->client, "closed", G_CALLBACK (on_end_closed), &ends);
  unsent = unsent_fixture_publish_too_much (f, 20);
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "e");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 1);
  for (guint last = 1; last > 0; received += last)
    last = unsent_fixture_count_frames (f);
  g_assert_cmpuint (received + ends.unsent, ==, 20);
}

/* A loss that the signal has not reported yet is still reported. */
static void
test_unref_after_loss (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  guint64 unsent;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  unsent = unsent_fixture_publish_too_much (f, 20);
  client_fixture_disconnect (f);
  g_assert_false (deye_bus_client_flush (f->client, NULL, FALSE, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "e");
  g_assert_cmpuint (ends.unsent, ==, unsent);
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 1);
}

/* Frames that the socket takes at once are sent, and nothing is reported. */
static void
test_unref_all_sent (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  Ends ends = { order, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (on_end_error), &ends);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpstr (order->str, ==, "");
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE] + records[G_LOG_LEVEL_WARNING], ==, 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
}

/* If the signal has no handler, a warning is logged. */
static void
test_unref_warning (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, &wide);
  unsent_fixture_publish_too_much (f, 20);
  memset (records, 0, sizeof records);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpuint (records[G_LOG_LEVEL_MESSAGE], ==, 0);
  g_assert_cmpuint (records[G_LOG_LEVEL_WARNING], ==, 1);
}

static void
keep_client (DeyeBusClient *client, GError *error, gpointer data)
{
  DeyeBusClient **kept = data;
  g_autoptr (GError) refused = NULL;

  g_assert_false (deye_bus_client_publish (client, "events.a", NULL, NULL, NULL, NULL, &refused));
  g_assert_error (refused, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  *kept = g_object_ref (client);
}

/* A handler may make calls, and take a reference. */
static void
test_unref_revived (Fixture *f, gconstpointer data)
{
  DeyeBusClient *kept = NULL;

  client_fixture_connect (f, &wide);
  g_signal_connect (f->client, "error", G_CALLBACK (keep_client), &kept);
  unsent_fixture_publish_too_much (f, 20);
  g_object_unref (g_steal_pointer (&f->client));
  g_assert_nonnull (kept);
  g_assert_true (deye_bus_client_close (kept, NULL, NULL));
  g_assert_finalize_object (kept);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/client/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)
  ADD ("unsent/connection-lost", test_connection_lost);
  ADD ("unsent/connection-lost-close", test_connection_lost_close);
  ADD ("unsent/connection-lost-close-unref", test_connection_lost_close_unref);
  ADD ("unsent/unref", test_unref);
  ADD ("unsent/unref-after-loss", test_unref_after_loss);
  ADD ("unsent/unref-all-sent", test_unref_all_sent);
  ADD ("unsent/unref-warning", test_unref_warning);
  ADD ("unsent/unref-revived", test_unref_revived);
  return g_test_run ();
}

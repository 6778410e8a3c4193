/* SPDX-License-Identifier: Apache-2.0 */
#include "services-fixture.h"

/* Properties of services: reading, setting and changing them. */

/* --- properties --- */

static gboolean
refuse_negative (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  return g_str_equal (name, "small") && g_value_get_int64 (value) < 0;
}

#define NATURAL(n)         "\x1a\x02\x18" n
#define INTEGER(n)         "\x1a\x02\x10" n
#define NAME(length, name) "\x12" length name

static gint64
small_of (DeyeBusService *service)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (deye_bus_service_read_property (service, "small", &value));
  return g_value_get_int64 (&value);
}

/* The first of the two frames notifies all readers. */
static void
test_set_property (Fixture *f, gconstpointer data)
{
  Watch *watch = services_fixture_new_watch ();
  g_autoptr (DeyeBusService) service = services_fixture_connect_with_service (f, watch);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Properties *properties;

  g_signal_connect (service, "refuse-property", G_CALLBACK (refuse_negative), NULL);
  frames = services_fixture_call (f, "SetProperty", NAME ("\x05", "small") NATURAL ("\x07"));
  g_assert_cmpuint (frames->len, ==, 2);
  services_fixture_assert_span (((ScriptFrame *) frames->pdata[0])->envelope.topic, "health.properties.tester");
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__properties__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  properties = wire_guard_message (guard);
  g_assert_cmpuint (properties->n_values, ==, 1);
  g_assert_cmpstr (properties->values[0]->service, ==, "org.example.Disk");
  g_assert_cmpint (properties->values[0]->value->integer, ==, 7);
  g_assert_cmpint (small_of (service), ==, 7);

  /* The same value is accepted, but is not a change. */
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = services_fixture_call (f, "SetProperty", NAME ("\x05", "small") NATURAL ("\x07"));
  g_assert_cmpuint (frames->len, ==, 1);
  services_fixture_assert_error (
      f, "SetProperty", NAME ("\x05", "small") "\x1a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Refused");
  services_fixture_assert_error (
      f, "SetProperty", NAME ("\x05", "large") "\x1a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "BadValue");
  services_fixture_assert_error (
      f, "SetProperty", NAME ("\x05", "small") "\x1a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "BadValue");
  services_fixture_assert_error (f, "SetProperty", NAME ("\x05", "small") "\x1a\x03\x0a\x01x", "BadValue");
  services_fixture_assert_error (f, "SetProperty", NAME ("\x05", "small"), "BadValue");
  services_fixture_assert_error (f, "SetProperty", NAME ("\x05", "label") "\x1a\x03\x0a\x01x", "ReadOnly");
  services_fixture_assert_error (f, "SetProperty", NAME ("\x05", "other") NATURAL ("\x07"), "UnknownProperty");
  services_fixture_assert_error (f, "SetProperty", "\x0a\x01x" NAME ("\x05", "small") NATURAL ("\x07"),
                                 "UnknownProperty");
  g_assert_cmpint (small_of (service), ==, 7);
}

static void
test_change_property (Fixture *f, gconstpointer data)
{
  Watch *watch = services_fixture_new_watch ();
  g_autoptr (DeyeBusService) service = services_fixture_new_service (watch);
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) none = G_VALUE_INIT;
  g_autoptr (GPtrArray) frames = NULL;

  g_value_set_int (g_value_init (&value, G_TYPE_INT), 11);
  deye_bus_service_change_property (service, "small", &value); /* no reader to notify yet */
  g_assert_cmpint (small_of (service), ==, 11);
  g_assert_true (deye_bus_client_add_service (f->client, service, NULL));
  services_fixture_connect_served (f);
  deye_bus_service_change_property (service, "small", &value);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
  g_value_set_int (&value, 12);
  deye_bus_service_change_property (service, "large", &value); /* an int that is not negative fits */
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  g_assert_false (deye_bus_service_read_property (service, "other", &none));
  /* After the end of the client, the service belongs to no client. */
  g_clear_object (&f->client);
  g_value_set_int (&value, 13);
  deye_bus_service_change_property (service, "small", &value);
  g_assert_cmpint (small_of (service), ==, 13);
}

static void
change_number (Fixture *f, DeyeBusService *service, gdouble number, guint expected)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GPtrArray) frames = NULL;

  g_value_set_double (g_value_init (&value, G_TYPE_DOUBLE), number);
  deye_bus_service_change_property (service, "ratio", &value);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, expected);
}

static void
test_no_number (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusService) service = services_fixture_connect_with_service (f, services_fixture_new_watch ());

  change_number (f, service, (gdouble) NAN, 1);
  change_number (f, service, (gdouble) NAN, 0);
  change_number (f, service, 5.0, 1);
  change_number (f, service, 5.0, 0);
}

static void
test_get_properties (Fixture *f, gconstpointer data)
{
  g_object_unref (services_fixture_connect_with_service (f, services_fixture_new_watch ()));

  g_autoptr (WireGuard) all
      = services_fixture_call_for (f, "GetProperties", "", &daemoneye__eventbus__v1__properties__descriptor);
  g_autoptr (WireGuard) one = services_fixture_call_for (f, "GetProperties", NAME ("\x05", "label"),
                                                         &daemoneye__eventbus__v1__properties__descriptor);
  g_autoptr (WireGuard) none
      = services_fixture_call_for (f, "GetProperties", "\x0a\x01x", &daemoneye__eventbus__v1__properties__descriptor);

  g_assert_cmpuint (((const Properties *) wire_guard_message (all))->n_values, ==, 5);
  g_assert_cmpuint (((const Properties *) wire_guard_message (one))->n_values, ==, 1);
  g_assert_cmpstr (((const Properties *) wire_guard_message (one))->values[0]->value->text, ==, "none");
  g_assert_cmpuint (((const Properties *) wire_guard_message (none))->n_values, ==, 0);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/services/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("no-number", test_no_number);
  ADD ("M23-set-property", test_set_property);
  ADD ("M23-change-property", test_change_property);
  ADD ("M23-get-properties", test_get_properties);
  return g_test_run ();
}

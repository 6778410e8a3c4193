/* SPDX-License-Identifier: Apache-2.0 */
#include "restart-fixture.h"

void
restart_fixture_agent_start (RestartFixture *f)
{
  const char *argv[] = { bus_fixture_program ("TEST_AGENT"),  "--address", f->address, "--ready-fd", "1", "--module",
                         bus_fixture_program ("TEST_MODULE"), NULL };

  f->agent = test_process_spawn (argv, -1, NULL);
  test_process_expect_line (f->agent, "");
}

void
restart_fixture_agent_kill (RestartFixture *f)
{
  test_process_kill (f->agent);
  test_process_end (f->agent);
  g_clear_pointer (&f->agent, test_process_free);
}

static gboolean
on_outage_over (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

void
restart_fixture_agent_restart (RestartFixture *f, guint outage_ms)
{
  GSource *timer = g_timeout_source_new (outage_ms);
  gboolean over = FALSE;

  restart_fixture_agent_kill (f);
  g_source_set_callback (timer, on_outage_over, &over, NULL);
  g_source_attach (timer, f->context);
  while (!over)
    g_main_context_iteration (f->context, TRUE);
  g_source_unref (timer);
  restart_fixture_agent_start (f);
}

void
restart_fixture_set_up (RestartFixture *f, gconstpointer data)
{
  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->dir = test_dir_new ();
  f->address = g_build_filename (f->dir, "bus", "eventbus.sock", NULL);
  f->clients = g_ptr_array_new ();
}

static void
client_end (RestartClient *c)
{
  g_assert_true (deye_bus_client_close (c->client, NULL, NULL));
  g_clear_object (&c->client);
}

void
restart_fixture_tear_down (RestartFixture *f, gconstpointer data)
{
  for (guint i = 0; i < f->clients->len; i++)
    client_end (f->clients->pdata[i]);
  if (f->asker != NULL)
    deye_bus_client_close (f->asker, NULL, NULL);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_clear_object (&f->asker);
  g_ptr_array_set_free_func (f->clients, g_free);
  g_clear_pointer (&f->clients, g_ptr_array_unref);
  if (f->agent != NULL)
    {
      test_process_ask_to_stop (f->agent);
      g_assert_cmpint (test_process_end (f->agent), ==, 0);
      g_clear_pointer (&f->agent, test_process_free);
    }
  g_clear_pointer (&f->dir, test_dir_remove);
  g_clear_pointer (&f->address, g_free);
  g_main_context_pop_thread_default (f->context);
  g_clear_pointer (&f->context, g_main_context_unref);
  test_watchdog_stop ();
}

static void
on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  RestartClient *c = data;

  DeyeBusClientState state = deye_bus_client_get_state (client);

  /* Several changes of the state may be dispatched together, after the last one. */
  c->ready += state == DEYE_BUS_CLIENT_STATE_READY && c->last != state ? 1 : 0;
  c->last = state;
}

static void
on_interrupted (DeyeBusClient *client, const GError *why, gpointer data)
{
  ((RestartClient *) data)->interrupted++;
}

static void
on_epoch (DeyeBusClient *client, gpointer data)
{
  ((RestartClient *) data)->epochs++;
}

static void
on_closed (DeyeBusClient *client, const GError *why, gpointer data)
{
  ((RestartClient *) data)->closed++;
}

guint64
restart_fixture_message_round (DeyeBusMessage *message)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);
  guint64 round = 0;

  memcpy (&round, g_bytes_get_data (payload, NULL), MIN (sizeof round, g_bytes_get_size (payload)));
  return round;
}

void
restart_fixture_on_all (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  RestartClient *c = data;

  if (restart_fixture_message_round (message) == c->f->round)
    c->all++;
  else
    c->other++;
}

static void
on_shared (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  RestartClient *c = data;

  if (restart_fixture_message_round (message) == c->f->round)
    c->shared++;
  else
    c->other++;
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  deye_bus_client_respond (((RestartClient *) data)->client, message, NULL, NULL, NULL);
}

static void
on_method (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  deye_bus_client_respond (client, request, NULL, NULL, NULL);
}

static DeyeBusService *
client_service (void)
{
  DeyeBusService *service = deye_bus_service_new ("test.Restart", NULL);

  deye_bus_service_add_method (service, "Answer", NULL, NULL, NULL, on_method, NULL, NULL);
  return service;
}

RestartClient *
restart_fixture_client_new (RestartFixture *f)
{
  RestartClient *c = g_new0 (RestartClient, 1);
  g_autoptr (DeyeBusService) service = client_service ();
  g_autofree char *id = NULL;

  c->f = f;
  c->number = f->clients->len;
  id = g_strdup_printf ("client-%u", c->number);
  c->client = deye_bus_client_new (f->address, id, "procmond");
  g_assert_true (deye_bus_client_add_service (c->client, service, NULL));
  g_signal_connect (c->client, "notify::state", G_CALLBACK (on_state), c);
  g_signal_connect (c->client, "interrupted", G_CALLBACK (on_interrupted), c);
  g_signal_connect (c->client, "epoch-changed", G_CALLBACK (on_epoch), c);
  g_signal_connect (c->client, "closed", G_CALLBACK (on_closed), c);
  g_ptr_array_add (f->clients, c);
  return c;
}

void
restart_fixture_client_subscribe (RestartClient *c)
{
  g_autofree char *group = g_strdup_printf ("group-%u", c->number % N_GROUPS);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) all
      = deye_bus_client_subscribe (c->client, TOPIC, NULL, restart_fixture_on_all, c, NULL, NULL, &error);
  g_autoptr (DeyeBusSubscription) shared = NULL;
  g_autoptr (DeyeBusSubscription) serving = NULL;

  g_assert_no_error (error);
  shared = deye_bus_client_subscribe (c->client, "events.#", group, on_shared, c, NULL, NULL, &error);
  g_assert_no_error (error);
  serving = deye_bus_client_serve (c->client, SERVED, NULL, on_request, c, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (all);
  g_assert_nonnull (shared);
  g_assert_nonnull (serving);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl.h"

#include "ctl-wait.h"

#include "deye-bus-pack.h"
#include "platform-process.h"
#include "wire-descriptors.h"

#include <glib/gi18n.h>

#define PAUSE_US           300000
#define TIMEOUT_DEFAULT_US (30 * G_TIME_SPAN_SECOND)

void
ctl_init (Ctl *ctl)
{
  WireSpan own = wire_descriptors ();
  g_autoptr (GBytes) set = g_bytes_new_static (own.data, own.len);

  *ctl = (Ctl){ .types = ctl_types_new (), .deadline_us = G_MAXINT64 };
  if (!ctl_types_add_set (ctl->types, set, NULL))
    g_assert_not_reached ();
}

void
ctl_clear (Ctl *ctl)
{
  ctl->ending = TRUE;
  if (ctl->client != NULL)
    deye_bus_client_close (ctl->client, NULL, NULL);
  while (ctl->asking > 0) /* requests end with the connection; wait for their callbacks */
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&ctl->client);
  g_clear_pointer (&ctl->described, g_ptr_array_unref);
  g_clear_pointer (&ctl->types, ctl_types_free);
  ctl_options_clear (&ctl->options);
}

/* --- time --- */

static gint64
ctl_timeout_us (const Ctl *ctl)
{
  gdouble timeout_s = ctl->options.timeout_s;

  return timeout_s > 0 ? (gint64) (timeout_s * (gdouble) G_TIME_SPAN_SECOND) : TIMEOUT_DEFAULT_US;
}

void
ctl_start_clock (Ctl *ctl)
{
  ctl->deadline_us = g_get_monotonic_time () + ctl_timeout_us (ctl);
}

void
ctl_stop_clock (Ctl *ctl)
{
  ctl->deadline_us = G_MAXINT64;
}

gint64
ctl_time_left_us (const Ctl *ctl)
{
  return CLAMP (ctl->deadline_us - g_get_monotonic_time (), 1, ctl_timeout_us (ctl));
}

/* --- the connection --- */

/* Connects with @id. It contains the process number, so a process in another PID namespace may already use it. */
static gboolean
ctl_try_connect (Ctl *ctl, const char *id, gboolean patiently, GError **error)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_tool (ctl->options.address, id);
  g_auto (CtlWait) wait = { 0 };
  g_autoptr (GError) local = NULL;
  g_autofree char *address = NULL;

  deye_bus_client_set_reconnect (client, patiently);
  ctl_wait_init (&wait, ctl_time_left_us (ctl));
  deye_bus_client_connect_async (client, wait.cancellable, ctl_wait_on_ready, &wait);
  if (deye_bus_client_connect_finish (client, ctl_wait_result (&wait), &local))
    {
      ctl->client = g_steal_pointer (&client);
      return TRUE;
    }
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_object_get (client, "address", &address, NULL);
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT, _ ("The broker at %s does not answer"), address);
      return FALSE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
ctl_connect (Ctl *ctl, GError **error)
{
  g_autofree char *id = g_strdup_printf ("deyebusctl-%d", (int) platform_process_id ());
  g_autoptr (GError) local = NULL;

  if (ctl->client != NULL || ctl_try_connect (ctl, id, FALSE, &local))
    return TRUE;
  if (g_error_matches (local, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID))
    {
      g_autofree char *other = g_strdup_printf ("%s-%08x", id, g_random_int ());

      return ctl_try_connect (ctl, other, FALSE, error);
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Uses a random id: a client that tries for ever would also wait for an id that another client has. */
gboolean
ctl_connect_patiently (Ctl *ctl, GError **error)
{
  g_autofree char *id = g_strdup_printf ("deyebusctl-%d-%08x", (int) platform_process_id (), g_random_int ());

  return ctl->client != NULL || ctl_try_connect (ctl, id, TRUE, error);
}

gboolean
ctl_is_connected (const Ctl *ctl)
{
  return ctl->client != NULL && deye_bus_client_get_state (ctl->client) == DEYE_BUS_CLIENT_STATE_READY;
}

/* --- requests --- */

DeyeBusOptions *
ctl_call_options (const Ctl *ctl)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_timeout (options, ctl_time_left_us (ctl));
  return options;
}

DeyeBusOptions *
ctl_message_options (const Ctl *ctl)
{
  const CtlOptions *given = &ctl->options;
  DeyeBusOptions *options = ctl_call_options (ctl);

  deye_bus_options_set_correlation_id (options, given->correlation_id);
  deye_bus_options_set_parent_id (options, given->parent_id);
  deye_bus_options_set_root_id (options, given->root_id);
  deye_bus_options_set_stage (options, given->stage);
  deye_bus_options_set_traceparent (options, given->traceparent);
  for (char **tag = given->tags; tag != NULL && *tag != NULL; tag++)
    {
      g_autofree char *key = g_strndup (*tag, strcspn (*tag, "="));

      deye_bus_options_add_tag (options, key, *tag + strlen (key) + 1);
    }
  return options;
}

/* The broker answers a limited number of introspection requests per second. A request above the limit is repeated while
 * there is time. */
static DeyeBusMessage *
ctl_ask_patiently (Ctl *ctl, const char *topic, GBytes *payload, DeyeBusOptions *options, GError **error)
{
  for (;;)
    {
      g_autoptr (GError) local = NULL;
      DeyeBusMessage *reply = deye_bus_client_request (ctl->client, topic, payload, options, NULL, &local);

      if (reply != NULL)
        return reply;
      if (ctl_time_left_us (ctl) <= PAUSE_US || !g_error_matches (local, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT)
          || strstr (local->message, "introspect_") == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
      g_usleep (PAUSE_US);
      deye_bus_options_set_timeout (options, ctl_time_left_us (ctl));
    }
}

WireGuard *
ctl_ask (Ctl *ctl,
         const char *topic,
         const char *target,
         const char *method,
         const ProtobufCMessage *request,
         const ProtobufCMessageDescriptor *reply_type,
         GError **error)
{
  g_autoptr (GBytes) payload = deye_bus_pack (request);
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  WireGuard *guard;

  if (!ctl_connect (ctl, error))
    return NULL;
  options = ctl_call_options (ctl);
  deye_bus_options_set_target (options, target);
  deye_bus_options_set_method (options, method);
  deye_bus_options_set_type_name (options, request->descriptor->name);
  reply = ctl_ask_patiently (ctl, topic, payload, options, error);
  if (reply == NULL)
    return NULL;
  guard = deye_bus_unpack (reply_type, reply);
  if (guard == NULL)
    ctl_fail (error, CTL_EXIT_FAILED, _ ("The reply of %s can't be read: it is not a %s"),
              deye_bus_message_get_sender (reply), reply_type->name);
  return guard;
}

WireGuard *
ctl_ask_peer (Ctl *ctl,
              const char *peer,
              const char *method,
              const ProtobufCMessage *request,
              const ProtobufCMessageDescriptor *reply_type,
              GError **error)
{
  g_autofree char *topic = g_strconcat ("control.collector.", peer, NULL);

  return ctl_ask (ctl, topic, peer, method, request, reply_type, error);
}

gboolean
ctl_is_own_id (const Ctl *ctl, const char *id)
{
  return g_str_equal (id, deye_bus_client_get_id (ctl->client));
}

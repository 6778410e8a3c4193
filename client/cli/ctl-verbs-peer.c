/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-catalog.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verb `peer`: shows the broker's data about one peer, and the description that the peer gives of itself. */

typedef Daemoneye__Eventbus__V1__PeerDescription Description;

static WireGuard *
peer_ask_info (Ctl *ctl, const char *peer)
{
  Daemoneye__Eventbus__V1__IntrospectRequest request;

  daemoneye__eventbus__v1__introspect_request__init (&request);
  return ctl_ask_peer (ctl, peer, "GetInfo", &request.base, &daemoneye__eventbus__v1__peer_description__descriptor,
                       NULL);
}

static const char *
peer_health_name (guint32 health)
{
  static const char *const names[] = { N_ ("unknown"), N_ ("healthy"), N_ ("degraded"), N_ ("unhealthy") };

  return _ (names[health < G_N_ELEMENTS (names) ? health : 0]);
}

static void
peer_show_known (Ctl *ctl, const CtlPeer *peer)
{
  g_autofree char *since = ctl_moment (peer->since_us, FALSE);
  g_autofree char *connected = ctl_duration (peer->connected_us);
  CtlOutput *output = &ctl->output;

  ctl_output_field (output, _ ("peer"), "%s", peer->id);
  ctl_output_field (output, _ ("role"), "%s%s%s", ctl_role_name (peer->role), *peer->type != '\0' ? ", " : "",
                    peer->type);
  ctl_output_field (output, _ ("process"), _ ("pid %u, uid %u"), peer->pid, peer->uid);
  ctl_output_field (output, _ ("version"), "%s", peer->software_version);
  ctl_output_field (output, _ ("connected"), _ ("since %s (%s)"), since, connected);
}

static void
peer_show_info (Ctl *ctl, const Description *info)
{
  g_autofree char *uptime = ctl_duration (info->uptime_us);
  g_autoptr (GString) services = g_string_new (NULL);
  CtlOutput *output = &ctl->output;

  for (size_t i = 0; i < info->n_services; i++)
    g_string_append_printf (services, "%s%s", i > 0 ? ", " : "", info->services[i]);
  ctl_output_field (output, _ ("program"), _ ("%s, up for %s"), info->program, uptime);
  ctl_output_field (output, _ ("health"), "%s%s%s", peer_health_name (info->health),
                    *info->health_detail != '\0' ? ": " : "", info->health_detail);
  ctl_output_field (output, _ ("services"), "%s", services->str);
}

static void
peer_show_subscriptions (Ctl *ctl, const CtlTree *subscriptions)
{
  for (guint i = 0; i < subscriptions->entries->len; i++)
    {
      const CtlSubscription *entry = g_ptr_array_index (subscriptions->entries, i);

      ctl_output_field (&ctl->output, i == 0 ? _ ("subscriptions") : "",
                        entry->serve ? _ ("%s (serves), %" PRIu64 " delivered, %" PRIu64 " missed")
                                     : _ ("%s, %" PRIu64 " delivered, %" PRIu64 " missed"),
                        entry->pattern, entry->delivered, entry->missed);
    }
}

static void
peer_show_json (Ctl *ctl, const CtlPeer *peer, const CtlTree *subscriptions, const Description *info)
{
  JsonObject *object = json_object_new ();
  JsonArray *list = json_array_new ();

  json_object_set_member (object, "peer", ctl_message_json (&peer->base));
  for (guint i = 0; i < subscriptions->entries->len; i++)
    json_array_add_element (list, ctl_message_json (g_ptr_array_index (subscriptions->entries, i)));
  json_object_set_array_member (object, "subscriptions", list);
  if (info != NULL)
    json_object_set_member (object, "info", ctl_message_json (&info->base));
  ctl_output_json_object (&ctl->output, object);
}

gboolean
ctl_verb_peer (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (CtlTree) peers = ctl_tree_read (ctl, CTL_SECTION_PEERS, args[0], error);
  g_autoptr (CtlTree) subscriptions = NULL;
  g_autoptr (WireGuard) info = NULL;
  const CtlPeer *peer;

  if (peers == NULL)
    return FALSE;
  if (peers->entries->len == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("%s is not connected: `deyebusctl peers` lists the connected peers"),
                     args[0]);
  peer = g_ptr_array_index (peers->entries, 0);
  subscriptions = ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, args[0], error);
  if (subscriptions == NULL)
    return FALSE;
  info = peer_ask_info (ctl, args[0]);
  if (ctl->output.json)
    {
      peer_show_json (ctl, peer, subscriptions, info != NULL ? wire_guard_message (info) : NULL);
      return TRUE;
    }
  peer_show_known (ctl, peer);
  if (info != NULL)
    peer_show_info (ctl, wire_guard_message (info));
  else
    ctl_output_field (&ctl->output, _ ("program"), "%s", _ ("the peer does not answer introspection requests"));
  peer_show_subscriptions (ctl, subscriptions);
  return TRUE;
}

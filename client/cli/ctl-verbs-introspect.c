/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-describe.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

/* The verb `introspect`: describes all peers, one peer or one topic, as a tree, JSON or D-Bus XML. */

static void
introspect_show_peer (Ctl *ctl, const char *title, const CtlServices *services, gboolean with_docs)
{
  if (ctl->output.json)
    {
      g_autoptr (JsonNode) node = services != NULL ? ctl_describe_json (services) : NULL;

      if (node != NULL)
        ctl_output_json (&ctl->output, node);
    }
  else if (!ctl->options.xml)
    ctl_describe_tree (ctl, title, services, with_docs);
  else if (services != NULL)
    ctl_describe_xml (ctl, services);
}

static gboolean
introspect_peer (Ctl *ctl, const char *peer, GError **error)
{
  const CtlServices *services = ctl_catalog_peer (ctl, peer, error);

  if (services == NULL)
    return FALSE;
  introspect_show_peer (ctl, peer, services, TRUE);
  return TRUE;
}

static char *
introspect_title_of (const CtlPeer *peer)
{
  g_autofree char *title = g_strdup_printf (_ ("%s  %s%s%s, pid %u"), peer->id, ctl_role_name (peer->role),
                                            *peer->type != '\0' ? " " : "", peer->type, peer->pid);

  return terminal_text_safe (title);
}

static gboolean
introspect_all (Ctl *ctl, GError **error)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, error);

  if (tree == NULL)
    return FALSE;
  if (ctl->options.xml)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--xml describes one peer: deyebusctl introspect PEER --xml"));
  ctl_described_ask_all (ctl, tree);
  introspect_show_peer (ctl, CTL_BUS_ID, ctl_catalog_try (ctl, CTL_BUS_ID), FALSE);
  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (tree->entries, i);
      g_autofree char *title = introspect_title_of (peer);

      if (!ctl_is_own_id (ctl, peer->id))
        introspect_show_peer (ctl, title, ctl_catalog_try (ctl, peer->id), FALSE);
    }
  return TRUE;
}

/* --- a topic --- */

/* Peers that subscribe to a topic, serve it or describe it. */
typedef struct
{
  JsonArray *subscribers;
  JsonArray *servers;
  JsonArray *declared;
} TopicView;

static void
topic_view_add_subscriptions (TopicView *view, const CtlTree *tree, const char *topic)
{
  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlSubscription *subscription = g_ptr_array_index (tree->entries, i);

      if (ctl_pattern_matches (subscription->pattern, topic))
        json_array_add_element (subscription->serve ? view->servers : view->subscribers,
                                ctl_message_json (&subscription->base));
    }
}

static void
topic_view_add_declaration (TopicView *view,
                            const char *peer,
                            const char *service,
                            const char *kind,
                            const ProtobufCMessage *what)
{
  JsonNode *node = ctl_message_json (what);
  JsonObject *object = json_node_get_object (node);

  json_object_set_string_member (object, "peer", peer);
  json_object_set_string_member (object, "service", service);
  json_object_set_string_member (object, "kind", kind);
  json_array_add_element (view->declared, node);
}

static void
topic_view_add_services (TopicView *view, const CtlServices *services, const char *topic)
{
  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    {
      const CtlService *service = services->services[i];

      for (size_t k = 0; k < service->n_methods; k++)
        if (g_str_equal (service->methods[k]->topic, topic))
          topic_view_add_declaration (view, services->id, service->name, "method", &service->methods[k]->base);
      for (size_t k = 0; k < service->n_events; k++)
        if (ctl_pattern_matches (service->events[k]->topic, topic))
          topic_view_add_declaration (view, services->id, service->name, "event", &service->events[k]->base);
    }
}

static void
topic_view_show_list (Ctl *ctl, const char *label, JsonArray *list)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *entry = json_array_get_object_element (list, i);

      ctl_output_field (&ctl->output, i == 0 ? label : "", "%s  %s", json_object_get_string_member (entry, "peer"),
                        json_object_get_string_member (entry, "pattern"));
    }
}

static void
topic_view_show_declared (Ctl *ctl, JsonArray *list)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *entry = json_array_get_object_element (list, i);
      gboolean is_event = json_object_has_member (entry, "type_name");

      ctl_output_field (&ctl->output, i == 0 ? _ ("described") : "",
                        is_event ? _ ("%s: event %s.%s  %s") : _ ("%s: method %s.%s  %s"),
                        json_object_get_string_member (entry, "peer"), json_object_get_string_member (entry, "service"),
                        json_object_get_string_member (entry, "name"),
                        json_object_get_string_member (entry, is_event ? "type_name" : "request_type"));
      ctl_output_field (&ctl->output, "", "%s", json_object_get_string_member (entry, "doc"));
    }
}

static gboolean
topic_view_show (Ctl *ctl, const char *topic, const TopicView *view, GError **error)
{
  JsonObject *object;

  if (json_array_get_length (view->subscribers) + json_array_get_length (view->servers)
          + json_array_get_length (view->declared)
      == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No peer subscribes to %s, serves it or describes it"), topic);
  if (!ctl->output.json)
    {
      ctl_output_field (&ctl->output, _ ("topic"), "%s", topic);
      topic_view_show_declared (ctl, view->declared);
      topic_view_show_list (ctl, _ ("served by"), view->servers);
      topic_view_show_list (ctl, _ ("subscribed by"), view->subscribers);
      return TRUE;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "topic", topic);
  json_object_set_array_member (object, "described", json_array_ref (view->declared));
  json_object_set_array_member (object, "servers", json_array_ref (view->servers));
  json_object_set_array_member (object, "subscribers", json_array_ref (view->subscribers));
  ctl_output_json_object (&ctl->output, object);
  return TRUE;
}

static gboolean
introspect_topic (Ctl *ctl, const char *topic, GError **error)
{
  g_autoptr (CtlTree) peers = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, error);
  g_autoptr (CtlTree) subscriptions
      = peers != NULL ? ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, NULL, error) : NULL;
  g_autoptr (JsonArray) subscribers = json_array_new ();
  g_autoptr (JsonArray) servers = json_array_new ();
  g_autoptr (JsonArray) declared = json_array_new ();
  TopicView view = { subscribers, servers, declared };

  if (subscriptions == NULL)
    return FALSE;
  ctl_described_ask_all (ctl, peers);
  topic_view_add_subscriptions (&view, subscriptions, topic);
  topic_view_add_services (&view, ctl_catalog_try (ctl, CTL_BUS_ID), topic);
  for (guint i = 0; i < peers->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (peers->entries, i);

      if (!ctl_is_own_id (ctl, peer->id))
        topic_view_add_services (&view, ctl_catalog_try (ctl, peer->id), topic);
    }
  return topic_view_show (ctl, topic, &view, error);
}

gboolean
ctl_verb_introspect (Ctl *ctl, char **args, GError **error)
{
  if (args[0] == NULL)
    return introspect_all (ctl, error);
  /* An id is a single segment; a topic has several. */
  if (strchr (args[0], '.') == NULL)
    return introspect_peer (ctl, args[0], error);
  if (ctl->options.xml)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--xml describes one peer: deyebusctl introspect PEER --xml"));
  return introspect_topic (ctl, args[0], error);
}

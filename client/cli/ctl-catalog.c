/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-catalog.h"

#include "ctl-json.h"

#include <glib/gi18n.h>

/* --- peers --- */

const CtlServices *
ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error)
{
  const CtlDescription *description = ctl_described_get (ctl, peer, TRUE);

  if (description->error != NULL && error != NULL)
    *error = g_error_copy (description->error);
  return ctl_description_services (description);
}

const CtlServices *
ctl_catalog_try (Ctl *ctl, const char *peer)
{
  return ctl_description_services (ctl_described_get (ctl, peer, FALSE));
}

/* --- methods --- */

/* TRUE: @name is @prefix, a dot and @method. */
static gboolean
catalog_is_joined (const char *name, const char *prefix, const char *method)
{
  gsize len = strlen (prefix);

  return strncmp (name, prefix, len) == 0 && name[len] == '.' && g_str_equal (name + len + 1, method);
}

static const char *
catalog_last_segment (const char *topic)
{
  const char *dot = strrchr (topic, '.');

  return dot != NULL ? dot + 1 : topic;
}

static gboolean
catalog_is_method_name (const CtlService *service, const CtlMethod *method, const char *name)
{
  return g_str_equal (method->name, name) || catalog_is_joined (name, service->name, method->name)
         || (*method->topic != '\0'
             && (catalog_is_joined (name, method->topic, method->name)
                 || catalog_is_joined (name, catalog_last_segment (method->topic), method->name)));
}

const CtlMethod *
ctl_catalog_find_method (const CtlServices *services, const char *name, gboolean *is_ambiguous)
{
  const CtlMethod *found = NULL;

  *is_ambiguous = FALSE;
  for (size_t i = 0; i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      {
        const CtlMethod *method = services->services[i]->methods[k];

        if (!catalog_is_method_name (services->services[i], method, name))
          continue;
        if (found == NULL)
          found = method;
        else if (!g_str_equal (method->topic, found->topic))
          *is_ambiguous = TRUE;
      }
  return *is_ambiguous ? NULL : found;
}

char *
ctl_catalog_method_name (const CtlServices *services, const CtlMethod *method)
{
  gboolean is_ambiguous;

  if (ctl_catalog_find_method (services, method->name, &is_ambiguous) != NULL)
    return g_strdup (method->name);
  return g_strdup_printf ("%s.%s", catalog_last_segment (method->topic), method->name);
}

gboolean
ctl_catalog_is_by_name (const CtlServices *services, const CtlMethod *method)
{
  guint n = 0;

  if (*method->topic == '\0')
    return TRUE;
  if (g_str_equal (services->id, CTL_BUS_ID))
    return !g_str_equal (catalog_last_segment (method->topic), method->name);
  for (size_t i = 0; i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      n += g_str_equal (services->services[i]->methods[k]->topic, method->topic) ? 1 : 0;
  return n > 1;
}

static const CtlMethod *
catalog_find_topic (const CtlServices *services, const char *topic)
{
  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      if (g_str_equal (services->services[i]->methods[k]->topic, topic))
        return services->services[i]->methods[k];
  return NULL;
}

gboolean
ctl_pattern_matches (const char *pattern, const char *topic)
{
  g_auto (GStrv) wanted = g_strsplit (pattern, ".", -1);
  g_auto (GStrv) segments = g_strsplit (topic, ".", -1);
  guint i = 0;

  for (; wanted[i] != NULL; i++)
    {
      if (g_str_equal (wanted[i], "#"))
        return TRUE;
      if (segments[i] == NULL || (!g_str_equal (wanted[i], "+") && !g_str_equal (wanted[i], segments[i])))
        return FALSE;
    }
  return segments[i] == NULL;
}

gboolean
ctl_catalog_find_server (Ctl *ctl, const char *topic, char **peer, const CtlMethod **method, GError **error)
{
  g_autoptr (CtlTree) tree = NULL;

  *peer = NULL;
  *method = NULL;
  if (g_str_has_prefix (topic, "control.bus."))
    {
      *peer = g_strdup (CTL_BUS_ID);
      *method = catalog_find_topic (ctl_catalog_try (ctl, CTL_BUS_ID), topic);
      return TRUE;
    }
  tree = ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, NULL, error);
  if (tree == NULL)
    return FALSE;
  for (guint i = 0; i < tree->entries->len && *method == NULL; i++)
    {
      const CtlSubscription *subscription = g_ptr_array_index (tree->entries, i);

      if (!subscription->serve || !g_str_equal (subscription->pattern, topic))
        continue;
      g_free (*peer);
      *peer = g_strdup (subscription->peer);
      *method = catalog_find_topic (ctl_catalog_try (ctl, subscription->peer), topic);
    }
  if (*peer != NULL)
    return TRUE;
  return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No peer serves %s: `deyebusctl subs` lists what is served"), topic);
}

/* --- types --- */

static const ProtobufCMessageDescriptor *
catalog_type_of_peer (Ctl *ctl, const char *type_name, const char *peer)
{
  const CtlDescription *description = ctl_described_get (ctl, peer, FALSE);

  return description->types != NULL ? ctl_types_find (description->types, type_name) : NULL;
}

/* TRUE: bytes of one type have the same meaning in the other. Types of sub-messages are compared only by name. */
static gboolean
catalog_is_same_type (const ProtobufCMessageDescriptor *a, const ProtobufCMessageDescriptor *b)
{
  if (a->n_fields != b->n_fields)
    return FALSE;
  for (guint i = 0; i < a->n_fields; i++)
    if (a->fields[i].id != b->fields[i].id || a->fields[i].type != b->fields[i].type
        || a->fields[i].label != b->fields[i].label || !g_str_equal (a->fields[i].name, b->fields[i].name))
      return FALSE;
  return TRUE;
}

static CtlTree *
catalog_ask_all_peers (Ctl *ctl, GError **error)
{
  CtlTree *tree = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, error);

  if (tree != NULL)
    ctl_described_ask_all (ctl, tree);
  return tree;
}

static const ProtobufCMessageDescriptor *
catalog_type_of_any_peer (Ctl *ctl, const char *type_name, GError **error)
{
  g_autoptr (CtlTree) tree = catalog_ask_all_peers (ctl, error);
  const ProtobufCMessageDescriptor *found = NULL;

  for (guint i = 0; tree != NULL && i < tree->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (tree->entries, i);
      const ProtobufCMessageDescriptor *type
          = ctl_is_own_id (ctl, peer->id) ? NULL : catalog_type_of_peer (ctl, type_name, peer->id);

      if (type != NULL && found != NULL && !catalog_is_same_type (type, found))
        {
          ctl_fail (error, CTL_EXIT_FAILED, _ ("Several peers describe the type %s differently"), type_name);
          return NULL;
        }
      found = type != NULL ? type : found;
    }
  return found;
}

const ProtobufCMessageDescriptor *
ctl_catalog_type (Ctl *ctl, const char *type_name, const char *peer, GError **error)
{
  const ProtobufCMessageDescriptor *type = ctl_types_find (ctl->types, type_name);
  GError *local = NULL;

  if (type == NULL && peer != NULL)
    type = catalog_type_of_peer (ctl, type_name, peer);
  else if (type == NULL)
    type = catalog_type_of_any_peer (ctl, type_name, &local);
  if (type == NULL && local == NULL)
    ctl_fail (&local, CTL_EXIT_NOTHING, _ ("No peer describes the type %s: use --raw to send the payload as it is"),
              type_name);
  if (local != NULL)
    g_propagate_error (error, local);
  return type;
}

/* --- events --- */

/* TRUE: one of the first two segments is a wildcard. A description with such a pattern is not used; otherwise one peer could
 * describe every topic. */
static gboolean
catalog_is_wide_pattern (const char *pattern)
{
  g_auto (GStrv) segments = g_strsplit (pattern, ".", 3);

  for (guint i = 0; i < 2 && segments[i] != NULL; i++)
    if (strchr ("+#", segments[i][0]) != NULL)
      return TRUE;
  return FALSE;
}

typedef struct
{
  const char *peer;
  const CtlEvent *event;
  gboolean exact; /* the description names the topic itself, not a pattern */
  gboolean differ;
} Claim;

static void
claim_consider (Claim *claim, const char *peer, const CtlEvent *event, const char *topic)
{
  gboolean exact = g_str_equal (event->topic, topic);

  if (*event->type_name == '\0' || catalog_is_wide_pattern (event->topic) || !ctl_pattern_matches (event->topic, topic)
      || (claim->exact && !exact))
    return;
  claim->differ = claim->event != NULL && exact == claim->exact
                  && (claim->differ || !g_str_equal (claim->event->type_name, event->type_name));
  if (claim->event == NULL || exact != claim->exact)
    *claim = (Claim){ peer, event, exact, FALSE };
}

static void
claim_consider_all (Claim *claim, const CtlServices *services, const char *peer, const char *topic)
{
  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_events; k++)
      claim_consider (claim, peer, services->services[i]->events[k], topic);
}

const ProtobufCMessageDescriptor *
ctl_catalog_find_event_type (Ctl *ctl, const char *topic, GError **error)
{
  g_autoptr (CtlTree) tree = catalog_ask_all_peers (ctl, error);
  Claim claim = { NULL, NULL, FALSE, FALSE };

  if (tree == NULL)
    return NULL;
  claim_consider_all (&claim, ctl_catalog_try (ctl, CTL_BUS_ID), CTL_BUS_ID, topic);
  for (guint i = 0; i < tree->entries->len; i++)
    {
      const CtlPeer *peer = g_ptr_array_index (tree->entries, i);

      if (!ctl_is_own_id (ctl, peer->id))
        claim_consider_all (&claim, ctl_catalog_try (ctl, peer->id), peer->id, topic);
    }
  if (claim.event == NULL)
    return NULL;
  if (!claim.differ)
    return ctl_catalog_type (ctl, claim.event->type_name, claim.peer, error);
  ctl_fail (error, CTL_EXIT_USAGE, _ ("Several peers describe %s differently: give --type NAME"), topic);
  return NULL;
}

/* --- payloads --- */

gboolean
ctl_catalog_is_foreign (Ctl *ctl, DeyeBusMessage *message)
{
  const char *type_name = deye_bus_message_get_type_name (message);

  return type_name != NULL && *type_name != '\0' && ctl_types_find (ctl->types, type_name) == NULL
         && !ctl_is_own_id (ctl, deye_bus_message_get_sender (message));
}

JsonNode *
ctl_catalog_decode (Ctl *ctl, DeyeBusMessage *message)
{
  const char *type_name = deye_bus_message_get_type_name (message);
  const ProtobufCMessageDescriptor *type = NULL;
  g_autoptr (GBytes) payload = NULL;

  if (ctl_catalog_is_foreign (ctl, message))
    type = catalog_type_of_peer (ctl, type_name, deye_bus_message_get_sender (message));
  else if (type_name != NULL)
    type = ctl_types_find (ctl->types, type_name);
  if (type == NULL)
    return NULL;
  payload = deye_bus_message_dup_payload (message);
  return ctl_json_from_payload (type, payload, NULL);
}

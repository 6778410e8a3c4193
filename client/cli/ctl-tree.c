/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-tree.h"

#include "ctl-json.h"
#include "ctl-pages.h"

#include <glib/gi18n.h>

typedef Daemoneye__Eventbus__V1__BusIntrospectReply Page;

static void
tree_append (GPtrArray *entries, gpointer list, size_t n)
{
  gpointer *items = list;

  for (size_t i = 0; i < n; i++)
    g_ptr_array_add (entries, items[i]);
}

static void
tree_take_page (CtlTree *tree, CtlSection section, const Page *page)
{
  switch (section)
    {
    case CTL_SECTION_PEERS:
      tree_append (tree->entries, page->peers, page->n_peers);
      break;
    case CTL_SECTION_SUBSCRIPTIONS:
      tree_append (tree->entries, page->subscriptions, page->n_subscriptions);
      break;
    case CTL_SECTION_GROUPS:
      tree_append (tree->entries, page->groups, page->n_groups);
      break;
    case CTL_SECTION_TOPICS:
      tree_append (tree->entries, page->topics, page->n_topics);
      break;
    case CTL_SECTION_RETAINED:
      tree_append (tree->entries, page->retained, page->n_retained);
      break;
    }
  tree->topics_unseen = page->topics_unseen;
}

CtlTree *
ctl_tree_read (Ctl *ctl, CtlSection section, const char *peer, GError **error)
{
  g_autoptr (CtlTree) tree = g_new0 (CtlTree, 1);
  CtlPages pages = { 0 };

  tree->entries = g_ptr_array_new ();
  tree->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  tree->blocks = g_ptr_array_new_with_free_func (g_free);
  do
    {
      Daemoneye__Eventbus__V1__BusIntrospectRequest request;
      WireGuard *guard;
      const Page *page;

      daemoneye__eventbus__v1__bus_introspect_request__init (&request);
      request.section = section;
      request.after = (char *) (pages.after != NULL ? pages.after : "");
      request.peer = (char *) (peer != NULL ? peer : "");
      guard = ctl_ask (ctl, "control.bus.introspect", NULL, NULL, &request.base,
                       &daemoneye__eventbus__v1__bus_introspect_reply__descriptor, error);
      if (guard == NULL)
        return NULL;
      g_ptr_array_add (tree->pages, guard);
      page = wire_guard_message (guard);
      tree_take_page (tree, section, page);
      if (!ctl_pages_take (&pages, page->epoch, page->next, error))
        return NULL;
    }
  while (pages.after != NULL);
  return g_steal_pointer (&tree);
}

void
ctl_tree_free (CtlTree *tree)
{
  g_clear_pointer (&tree->entries, g_ptr_array_unref);
  g_clear_pointer (&tree->pages, g_ptr_array_unref);
  g_clear_pointer (&tree->blocks, g_ptr_array_unref);
  g_free (tree);
}

JsonNode *
ctl_message_json (const ProtobufCMessage *message)
{
  JsonNode *node = ctl_json_from_message (message, NULL);

  return node != NULL ? node : json_node_init_null (json_node_alloc ()); /* the tool's own messages are not too deep */
}

void
ctl_message_print (Ctl *ctl, const ProtobufCMessage *message)
{
  g_autoptr (JsonNode) node = ctl_message_json (message);

  ctl_output_json (&ctl->output, node);
}

const char *
ctl_role_name (guint32 role)
{
  static const char *const names[] = { NULL, N_ ("collector"), N_ ("tool"), N_ ("agent") };

  return role > 0 && role < G_N_ELEMENTS (names) ? _ (names[role]) : "?";
}

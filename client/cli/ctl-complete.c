/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-complete.h"

#include "ctl-catalog.h"
#include "ctl-tasks.h"

#define PATIENCE_S 1.0

/* The program does not offer its own id and topics, because it has ended before the user can use them. */

static void
complete_peers (Ctl *ctl, const char *peer)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, NULL);

  ctl_output_line (&ctl->output, "%s", CTL_BUS_ID);
  for (guint i = 0; tree != NULL && i < tree->entries->len; i++)
    {
      const CtlPeer *one = g_ptr_array_index (tree->entries, i);

      if (!ctl_is_own_id (ctl, one->id))
        ctl_output_line (&ctl->output, "%s", one->id);
    }
}

/* TRUE: the name is a plain word, or a pattern. Other names are not printed, because peers choose names and a shell reads the
 * output. */
static gboolean
complete_is_plain_word (const char *name)
{
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr ("_.-+#", *at) == NULL)
      return FALSE;
  return *name != '\0' && *name != '-' && *name != '#';
}

/* @printed: a set of the texts that were printed. */
static void
complete_once (Ctl *ctl, GHashTable *printed, char *text)
{
  if (g_hash_table_add (printed, text) && complete_is_plain_word (text))
    ctl_output_line (&ctl->output, "%s", text);
}

static void
complete_methods (Ctl *ctl, const char *peer)
{
  const CtlServices *services = peer != NULL ? ctl_catalog_try (ctl, peer) : NULL;

  for (size_t i = 0; services != NULL && i < services->n_services; i++)
    for (size_t k = 0; k < services->services[i]->n_methods; k++)
      {
        g_autofree char *name = ctl_catalog_method_name (services, services->services[i]->methods[k]);

        if (complete_is_plain_word (name))
          ctl_output_line (&ctl->output, "%s", name);
      }
}

static void
complete_topics (Ctl *ctl, const char *peer)
{
  g_autoptr (CtlTree) seen = ctl_tree_read (ctl, CTL_SECTION_TOPICS, NULL, NULL);
  g_autoptr (CtlTree) subscribed = ctl_tree_read (ctl, CTL_SECTION_SUBSCRIPTIONS, NULL, NULL);
  g_autoptr (GHashTable) printed = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; seen != NULL && i < seen->entries->len; i++)
    complete_once (ctl, printed, ((const CtlTopic *) g_ptr_array_index (seen->entries, i))->topic);
  for (guint i = 0; subscribed != NULL && i < subscribed->entries->len; i++)
    {
      const CtlSubscription *one = g_ptr_array_index (subscribed->entries, i);

      if (!ctl_is_own_id (ctl, one->peer))
        complete_once (ctl, printed, one->pattern);
    }
}

static void
complete_tasks (Ctl *ctl, const char *peer)
{
  CtlTasksRequest request;
  g_autoptr (CtlList) list = NULL;

  daemoneye__eventbus__v1__task_list_request__init (&request);
  list = ctl_tasks_list (ctl, &request, NULL);
  for (guint i = 0; list != NULL && i < list->entries->len; i++)
    {
      const CtlTask *task = g_ptr_array_index (list->entries, i);

      if (complete_is_plain_word (task->id))
        ctl_output_line (&ctl->output, "%s", task->id);
    }
}

/* The broker lists an operation when it has had a task or a setting; before that only the collectors name it. */
static void
complete_operations (Ctl *ctl, const char *peer)
{
  CtlCollectorsRequest request;
  g_autoptr (CtlList) list = ctl_operations_list (ctl, NULL);
  g_autoptr (CtlList) collectors = NULL;
  g_autoptr (GHashTable) printed = g_hash_table_new (g_str_hash, g_str_equal);

  daemoneye__eventbus__v1__collectors_request__init (&request);
  collectors = ctl_collectors_list (ctl, &request, NULL);
  for (guint i = 0; list != NULL && i < list->entries->len; i++)
    complete_once (ctl, printed, ((const CtlOperation *) g_ptr_array_index (list->entries, i))->operation);
  for (guint i = 0; collectors != NULL && i < collectors->entries->len; i++)
    {
      const CtlCollector *one = g_ptr_array_index (collectors->entries, i);

      for (size_t k = 0; k < one->n_operations; k++)
        complete_once (ctl, printed, one->operations[k]->name);
    }
}

gboolean
ctl_complete (Ctl *ctl, char **args, GError **error)
{
  static const struct
  {
    const char *what;
    void (*complete) (Ctl *ctl, const char *peer);
  } rows[] = { { "peers", complete_peers },
               { "methods", complete_methods },
               { "topics", complete_topics },
               { "tasks", complete_tasks },
               { "operations", complete_operations } };

  ctl->options.timeout_s = PATIENCE_S; /* for the whole verb, including the connection */
  ctl_start_clock (ctl);
  if (!ctl_connect (ctl, NULL))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].what, args[0]))
      rows[i].complete (ctl, args[1]);
  return TRUE;
}

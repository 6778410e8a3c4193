/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-complete.h"

#include "ctl-catalog.h"
#include "ctl-tasks.h"

#define PATIENCE_S 1.0

static void
complete_peers (Ctl *ctl, const char *peer)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_PEERS, NULL, NULL);

  ctl_output_line (&ctl->output, "%s", CTL_BUS_ID);
  for (guint i = 0; tree != NULL && i < tree->entries->len; i++)
    ctl_output_line (&ctl->output, "%s", ((const CtlPeer *) g_ptr_array_index (tree->entries, i))->id);
}

/* TRUE: the name is a plain word. Other names are not printed, because peers choose names and a shell reads the output. */
static gboolean
complete_is_plain_word (const char *name)
{
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr ("_.-", *at) == NULL)
      return FALSE;
  return *name != '\0' && *name != '-';
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

  for (guint i = 0; seen != NULL && i < seen->entries->len; i++)
    ctl_output_line (&ctl->output, "%s", ((const CtlTopic *) g_ptr_array_index (seen->entries, i))->topic);
  for (guint i = 0; subscribed != NULL && i < subscribed->entries->len; i++)
    ctl_output_line (&ctl->output, "%s",
                     ((const CtlSubscription *) g_ptr_array_index (subscribed->entries, i))->pattern);
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

static void
complete_operations (Ctl *ctl, const char *peer)
{
  g_autoptr (CtlList) list = ctl_operations_list (ctl, NULL);

  for (guint i = 0; list != NULL && i < list->entries->len; i++)
    {
      const CtlOperation *operation = g_ptr_array_index (list->entries, i);

      if (complete_is_plain_word (operation->operation))
        ctl_output_line (&ctl->output, "%s", operation->operation);
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

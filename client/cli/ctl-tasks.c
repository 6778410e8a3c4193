/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-tasks.h"

#include "ctl-pages.h"
#include "ctl-tree.h"

#include <glib/gi18n.h>

#define TASK_TOPIC       "control.bus.task"
#define COLLECTORS_TOPIC "control.bus.collectors"
#define HEALTH_TOPIC     "control.bus.health"
#define PAGE_PAUSE_US    (100 * G_TIME_SPAN_MILLISECOND)

/* --- lists --- */

static CtlList *
list_new (void)
{
  CtlList *list = g_new0 (CtlList, 1);

  list->entries = g_ptr_array_new ();
  list->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  return list;
}

void
ctl_list_free (CtlList *list)
{
  g_ptr_array_unref (list->entries);
  g_ptr_array_unref (list->pages);
  g_free (list);
}

void
ctl_list_print (Ctl *ctl, const CtlList *list)
{
  for (guint i = 0; i < list->entries->len; i++)
    ctl_message_print (ctl, g_ptr_array_index (list->entries, i));
}

/* One kind of list. Each kind has a separate message type for its pages, with the next cursor and the entries in other fields. */
typedef struct
{
  const char *topic;
  const char *method;
  const ProtobufCMessageDescriptor *page_type;
  const char *(*take) (CtlList *list, gconstpointer page); /* returns the cursor of the next page */
} ListKind;

static void
list_append (CtlList *list, gpointer entries, size_t n)
{
  for (size_t i = 0; i < n; i++)
    g_ptr_array_add (list->entries, ((gpointer *) entries)[i]);
}

/* The broker limits the number of pages per second. A LIMIT error on a later page is this limit, so the page is requested again
 * later. */
static gboolean
list_waits (Ctl *ctl, const CtlPages *pages, GError **error)
{
  if (pages->n == 0 || !g_error_matches (*error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT)
      || ctl_time_left_us (ctl) <= PAGE_PAUSE_US)
    return FALSE;
  g_clear_error (error);
  g_usleep (PAGE_PAUSE_US);
  return TRUE;
}

static WireGuard *
list_ask (Ctl *ctl, const ListKind *kind, const ProtobufCMessage *request, const CtlPages *pages, GError **error)
{
  GError *local = NULL;
  WireGuard *guard;

  do
    guard = ctl_ask (ctl, kind->topic, NULL, kind->method, request, kind->page_type, &local);
  while (guard == NULL && list_waits (ctl, pages, &local));
  if (guard == NULL)
    g_propagate_error (error, local);
  return guard;
}

/* @cursor: in @request. */
static CtlList *
list_read (Ctl *ctl, const ListKind *kind, const ProtobufCMessage *request, char **cursor, GError **error)
{
  g_autoptr (CtlList) list = list_new ();
  CtlPages pages = { 0 };

  do
    {
      WireGuard *guard;

      *cursor = (char *) (pages.after != NULL ? pages.after : "");
      guard = list_ask (ctl, kind, request, &pages, error);
      if (guard == NULL)
        return NULL;
      g_ptr_array_add (list->pages, guard);
      if (!ctl_pages_take (&pages, 0, kind->take (list, wire_guard_message (guard)), error))
        return NULL;
    }
  while (pages.after != NULL);
  return g_steal_pointer (&list);
}

static const char *
list_take_tasks (CtlList *list, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__TaskListReply *page = data;

  list_append (list, page->tasks, page->n_tasks);
  return page->next_cursor;
}

CtlList *
ctl_tasks_list (Ctl *ctl, CtlTasksRequest *request, GError **error)
{
  static const ListKind kind
      = { TASK_TOPIC, "List", &daemoneye__eventbus__v1__task_list_reply__descriptor, list_take_tasks };

  return list_read (ctl, &kind, &request->base, &request->cursor, error);
}

static const char *
list_take_collectors (CtlList *list, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__CollectorsReply *page = data;

  list_append (list, page->collectors, page->n_collectors);
  return page->next_cursor;
}

CtlList *
ctl_collectors_list (Ctl *ctl, CtlCollectorsRequest *request, GError **error)
{
  static const ListKind kind
      = { COLLECTORS_TOPIC, "List", &daemoneye__eventbus__v1__collectors_reply__descriptor, list_take_collectors };

  return list_read (ctl, &kind, &request->base, &request->cursor, error);
}

static const char *
list_take_operations (CtlList *list, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__OperationsReply *page = data;

  list_append (list, page->operations, page->n_operations);
  return page->next_cursor;
}

CtlList *
ctl_operations_list (Ctl *ctl, GError **error)
{
  static const ListKind kind
      = { TASK_TOPIC, "Operations", &daemoneye__eventbus__v1__operations_reply__descriptor, list_take_operations };
  Daemoneye__Eventbus__V1__OperationsRequest request;

  daemoneye__eventbus__v1__operations_request__init (&request);
  return list_read (ctl, &kind, &request.base, &request.cursor, error);
}

static const char *
list_take_health (CtlList *list, gconstpointer data)
{
  const Daemoneye__Eventbus__V1__HealthListReply *page = data;

  list_append (list, page->peers, page->n_peers);
  return page->next_cursor;
}

CtlList *
ctl_health_list (Ctl *ctl, CtlHealthRequest *request, GError **error)
{
  static const ListKind kind
      = { HEALTH_TOPIC, "List", &daemoneye__eventbus__v1__health_list_reply__descriptor, list_take_health };

  return list_read (ctl, &kind, &request->base, &request->cursor, error);
}

/* --- one task --- */

/* Reports that there is no such task. The broker identifies a task by its account and its id, so the error names the account. */
static gboolean
task_fail_absent (Ctl *ctl, const char *id, GError **error)
{
  const char *account = ctl->options.account;

  if (account != NULL)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("The account %s has no task %s: `deyebusctl tasks` lists all tasks"),
                     account, id);
  return ctl_fail (error, CTL_EXIT_NOTHING,
                   _ ("Your account has no task %s: `deyebusctl tasks` lists all tasks with their accounts, and "
                      "--account NAME selects another account"),
                   id);
}

WireGuard *
ctl_task_ask (Ctl *ctl, const char *method, const char *id, GError **error)
{
  Daemoneye__Eventbus__V1__TaskRequestById request;
  g_autoptr (WireGuard) guard = NULL;
  GError *local = NULL;

  daemoneye__eventbus__v1__task_request_by_id__init (&request);
  request.id = (char *) id;
  if (ctl->options.account != NULL)
    request.account = ctl->options.account;
  guard = ctl_ask (ctl, TASK_TOPIC, NULL, method, &request.base, &daemoneye__eventbus__v1__task_reply__descriptor,
                   &local);
  if (guard != NULL && ctl_task_of (guard) != NULL)
    return g_steal_pointer (&guard);
  if (local == NULL || g_error_matches (local, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT))
    {
      g_clear_error (&local);
      task_fail_absent (ctl, id, error);
      return NULL;
    }
  g_propagate_error (error, local);
  return NULL;
}

const CtlTask *
ctl_task_of (const WireGuard *guard)
{
  return ((const Daemoneye__Eventbus__V1__TaskReply *) wire_guard_message (guard))->task;
}

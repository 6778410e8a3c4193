/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-stats.h"

#include "ctl-pages.h"
#include "ctl-table.h"
#include "ctl-tree.h"
#include "ctl-units.h"
#include "wire-status.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* --- reading --- */

#define PAGE_ROWS 1000u /* the most that the broker takes */

static CtlStatsList *
stats_list_new (void)
{
  CtlStatsList *list = g_new0 (CtlStatsList, 1);

  daemoneye__eventbus__v1__stats_reply__init (&list->all);
  list->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free);
  list->peers = g_ptr_array_new ();
  list->subscriptions = g_ptr_array_new ();
  list->groups = g_ptr_array_new ();
  list->domains = g_ptr_array_new ();
  return list;
}

void
ctl_stats_list_free (CtlStatsList *list)
{
  g_ptr_array_unref (list->peers);
  g_ptr_array_unref (list->subscriptions);
  g_ptr_array_unref (list->groups);
  g_ptr_array_unref (list->domains);
  g_ptr_array_unref (list->pages);
  g_free (list);
}

static void
stats_append (GPtrArray *rows, gpointer more, size_t n)
{
  for (size_t i = 0; i < n; i++)
    g_ptr_array_add (rows, ((gpointer *) more)[i]);
}

static void
stats_list_take (CtlStatsList *list, const CtlStats *page)
{
  if (list->all.totals == NULL)
    list->all.totals = page->totals;
  list->all.truncated |= page->truncated;
  stats_append (list->peers, page->peers, page->n_peers);
  stats_append (list->subscriptions, page->subscriptions, page->n_subscriptions);
  stats_append (list->groups, page->groups, page->n_groups);
  stats_append (list->domains, page->domains, page->n_domains);
}

/* The subscription that is behind longest first. */
static gint
stats_by_behind (gconstpointer a, gconstpointer b)
{
  const CtlQueueStats *first = *(const CtlQueueStats *const *) a;
  const CtlQueueStats *second = *(const CtlQueueStats *const *) b;
  gint by_peer = strcmp (first->peer, second->peer);

  if (first->behind_us != second->behind_us)
    return first->behind_us > second->behind_us ? -1 : 1;
  if (by_peer != 0)
    return by_peer;
  return (first->subscription > second->subscription) - (first->subscription < second->subscription);
}

/* The totals are those of the first page: if the number of rows differs, rows were added or removed later. */
static gboolean
stats_list_has_changed (const CtlStatsList *list, const CtlStatsRequest *request)
{
  const Daemoneye__Eventbus__V1__BusTotals *totals = list->all.totals;

  return (request->peer[0] == '\0' && list->peers->len != totals->peers)
         || (request->peer[0] == '\0' && request->subscriptions && !request->slow
             && list->subscriptions->len != totals->subscriptions)
         || (request->groups && list->groups->len != totals->groups);
}

static void
stats_list_end (CtlStatsList *list, const CtlStatsRequest *request)
{
  CtlStats *all = &list->all;

  g_ptr_array_sort (list->subscriptions, stats_by_behind);
  all->peers = (CtlPeerStats **) list->peers->pdata;
  all->n_peers = list->peers->len;
  all->subscriptions = (CtlQueueStats **) list->subscriptions->pdata;
  all->n_subscriptions = list->subscriptions->len;
  all->groups = (Daemoneye__Eventbus__V1__GroupStats **) list->groups->pdata;
  all->n_groups = list->groups->len;
  all->domains = (Daemoneye__Eventbus__V1__DomainStats **) list->domains->pdata;
  all->n_domains = list->domains->len;
  list->changed = list->pages->len > 1 && !all->truncated && stats_list_has_changed (list, request);
}

/* An older broker refuses the fields for pages. Without these fields it sends one reply, and no cursor. */
static WireGuard *
stats_ask_page (Ctl *ctl, CtlStatsRequest *request, GError **error)
{
  const ProtobufCMessageDescriptor *type = &daemoneye__eventbus__v1__stats_reply__descriptor;
  g_autoptr (GError) local = NULL;
  WireGuard *guard = ctl_ask (ctl, "control.bus.stats", NULL, NULL, &request->base, type, &local);

  if (guard == NULL && request->after[0] == '\0' && g_error_matches (local, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED))
    {
      request->limit = 0;
      return ctl_ask (ctl, "control.bus.stats", NULL, NULL, &request->base, type, error);
    }
  if (guard == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return guard;
}

static gboolean
stats_list_read (CtlStatsList *list, Ctl *ctl, const CtlStatsRequest *what, GError **error)
{
  CtlStatsRequest request = *what;
  CtlPages pages = { 0 };

  request.limit = PAGE_ROWS;
  do
    {
      WireGuard *guard;
      const CtlStats *page;

      request.after = (char *) (pages.after != NULL ? pages.after : "");
      guard = stats_ask_page (ctl, &request, error);
      if (guard == NULL)
        return FALSE;
      g_ptr_array_add (list->pages, guard);
      page = wire_guard_message (guard);
      stats_list_take (list, page);
      if (!ctl_pages_take (&pages, page->epoch, page->next, error))
        return FALSE;
    }
  while (pages.after != NULL);
  if (list->all.totals == NULL)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The reply of the broker has no totals"));
  return TRUE;
}

CtlStatsList *
ctl_stats_ask (Ctl *ctl, const CtlStatsRequest *request, GError **error)
{
  g_autoptr (CtlStatsList) list = stats_list_new ();

  if (!stats_list_read (list, ctl, request, error))
    return NULL;
  stats_list_end (list, request);
  if (request->peer[0] != '\0' && list->all.n_peers == 0)
    {
      ctl_fail (error, CTL_EXIT_NOTHING, _ ("No peer %s is connected: `deyebusctl peers` lists the connected peers"),
                request->peer);
      return NULL;
    }
  return g_steal_pointer (&list);
}

/* --- names --- */

/* Words of the command line, so they are not translated. Index: DeyeBusPolicy. A group that only serves has no
 * policy. */
static const char *const policies[] = { "", "block", "drop-oldest", "drop-newest", "error", "conflate" };

char *
ctl_policy_name (guint32 policy)
{
  return policy < G_N_ELEMENTS (policies) ? g_strdup (policies[policy]) : g_strdup_printf ("%u", policy);
}

/* Index: DeyeBusStrategy. */
static const char *const strategies[] = { "", "round-robin", "least-loaded", "random", "first-available" };

const char *
ctl_strategy_name (guint32 strategy)
{
  return strategy < G_N_ELEMENTS (strategies) ? strategies[strategy] : "?";
}

gboolean
ctl_policy_find (const char *name, DeyeBusPolicy *policy, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = DEYE_BUS_POLICY_BLOCK; i < G_N_ELEMENTS (policies); i++)
    {
      if (g_str_equal (policies[i], name))
        {
          *policy = (DeyeBusPolicy) i;
          return TRUE;
        }
      g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", policies[i]);
    }
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Unknown policy %s; the policies are: %s"), name, known->str);
}

void
ctl_queue_add_cells (CtlTable *table, const CtlQueueStats *queue)
{
  g_autofree char *policy = ctl_policy_name (queue->policy);
  g_autofree char *queued_bytes = ctl_bytes (queue->queued_bytes);
  g_autofree char *bound_bytes = ctl_bytes (queue->queue_bytes);

  ctl_table_cell (table, "%s", queue->peer);
  if (*queue->group != '\0')
    ctl_table_cell (table, _ ("%s (group %s)"), queue->pattern, queue->group);
  else
    ctl_table_cell (table, "%s", queue->pattern);
  ctl_table_cell (table, queue->demoted ? _ ("%s (demoted)") : "%s", policy);
  ctl_table_cell (table, "%" PRIu64 "/%" PRIu64, queue->queued_messages, queue->queue_messages);
  ctl_table_cell (table, "%s/%s", queued_bytes, bound_bytes);
}

/* --- reasons of missed messages --- */

static const struct
{
  WireStatus reason;
  const char *name;
  const char *sentence;
} reasons[] = {
  { WIRE_STATUS_SLOW_CONSUMER, N_ ("queue full"), N_ ("messages arrived faster than they were read") },
  { WIRE_STATUS_EXPIRED, N_ ("expired"), N_ ("the messages had waited for too long") },
  { WIRE_STATUS_WOULD_BLOCK, N_ ("refused"), N_ ("the queue was full, and the publisher was notified") },
  { WIRE_STATUS_NO_MEMORY, N_ ("no memory"), N_ ("the broker was out of memory") },
  { WIRE_STATUS_LIMIT, N_ ("limit"), N_ ("a limit of the broker was reached") },
  { WIRE_STATUS_NOT_SUBSCRIBED, N_ ("subscription ended"), N_ ("the subscription ended while the messages waited") },
  { WIRE_STATUS_UNKNOWN, N_ ("not sent"), N_ ("the publisher could not send the messages, and reported it later") },
};

/* The index of @reason. G_N_ELEMENTS (reasons): this version does not know the reason. */
static guint
stats_find_reason (guint32 reason)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (reasons) && reasons[i].reason != reason)
    i++;
  return i;
}

char *
ctl_missed_text (CtlMissed *const *missed, size_t n)
{
  GString *text = g_string_new (NULL);

  for (size_t i = 0; i < n; i++)
    {
      guint at = stats_find_reason (missed[i]->reason);

      g_string_append (text, i > 0 ? ", " : "");
      if (at < G_N_ELEMENTS (reasons))
        g_string_append (text, _ (reasons[at].name));
      else
        g_string_append_printf (text, _ ("reason %u"), missed[i]->reason);
      g_string_append_printf (text, " %" PRIu64, missed[i]->count);
    }
  return g_string_free (text, FALSE);
}

const char *
ctl_missed_sentence (guint32 reason)
{
  guint at = stats_find_reason (reason);

  return at < G_N_ELEMENTS (reasons) ? _ (reasons[at].sentence)
                                     : _ ("the broker gives a reason that this version does not know");
}

/* --- output --- */

static void
stats_name_reasons (JsonArray *missed)
{
  for (guint i = 0; i < json_array_get_length (missed); i++)
    {
      JsonObject *one = json_array_get_object_element (missed, i);

      json_object_set_string_member (one, "reason_name",
                                     wire_status_name ((guint32) json_object_get_int_member (one, "reason")));
    }
}

JsonObject *
ctl_stats_json (const ProtobufCMessage *row, const char *kind)
{
  g_autoptr (JsonNode) node = ctl_message_json (row);
  JsonObject *members = json_node_get_object (node);
  g_autoptr (GList) names = json_object_get_members (members);
  JsonObject *object = json_object_new ();

  if (kind != NULL)
    json_object_set_string_member (object, "kind", kind);
  for (GList *link = names; link != NULL; link = link->next)
    json_object_set_member (object, link->data, json_object_dup_member (members, link->data));
  if (json_object_has_member (object, "policy")
      && json_object_get_int_member (object, "policy") != DEYE_BUS_POLICY_DEFAULT)
    {
      g_autofree char *name = ctl_policy_name ((guint32) json_object_get_int_member (object, "policy"));

      json_object_set_string_member (object, "policy_name", name);
    }
  if (json_object_has_member (object, "missed_by"))
    stats_name_reasons (json_object_get_array_member (object, "missed_by"));
  return object;
}

void
ctl_stats_warn (const CtlStatsList *list)
{
  if (list->all.truncated)
    g_printerr ("%s\n", _ ("deyebusctl: not everything fits into one reply of the broker: ask for one PEER"));
  if (list->changed)
    g_printerr ("%s\n", _ ("deyebusctl: peers or subscriptions were added or removed while the broker listed them; all "
                           "others are listed"));
}

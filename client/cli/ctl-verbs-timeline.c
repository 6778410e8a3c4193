/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "control.pb-c.h"
#include "ctl-table.h"
#include "ctl-tree.h"
#include "ctl-units.h"
#include "wire-status.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `timeline`: the messages of one root and their outcomes, as a tree by parent or as JSON objects.
 *
 * The broker lists the messages in the order in which it handled them. A message is shown below its parent, which is the first
 * accepted message whose correlation id is the parent id. A peer may name any parent, even a later message or a circle, so the
 * tree must not lose a message or show it twice: each message is shown exactly once.
 */

typedef Daemoneye__Eventbus__V1__TimelineItem TimelineItem;
typedef Daemoneye__Eventbus__V1__TimelineReply TimelineReply;
typedef Daemoneye__Eventbus__V1__TimelineRequest TimelineRequest;

#define INDENT_MAX 32u /* levels that are shown indented */

typedef struct
{
  const TimelineItem *item;
  GArray *children; /* guint: indexes of nodes, in order; NULL: none */
  gboolean is_shown;
} TimelineNode;

typedef struct
{
  GPtrArray *pages; /* WireGuard */
  GArray *nodes;    /* TimelineNode, by number */
  const char *root_id;
  guint64 lost;
} Timeline;

static void
timeline_node_clear (gpointer data)
{
  g_clear_pointer (&((TimelineNode *) data)->children, g_array_unref);
}

static void
timeline_init (Timeline *self)
{
  *self = (Timeline){ .pages = g_ptr_array_new_with_free_func ((GDestroyNotify) wire_guard_free),
                      .nodes = g_array_new (FALSE, TRUE, sizeof (TimelineNode)) };
  g_array_set_clear_func (self->nodes, timeline_node_clear);
}

static void
timeline_clear (Timeline *self)
{
  g_clear_pointer (&self->nodes, g_array_unref);
  g_clear_pointer (&self->pages, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Timeline, timeline_clear)

static TimelineNode *
timeline_node (const Timeline *self, guint at)
{
  return &g_array_index (self->nodes, TimelineNode, at);
}

/* --- pages --- */

static gboolean
timeline_take_page (Timeline *self, const TimelineReply *page, guint64 after, GError **error)
{
  const TimelineReply *first = wire_guard_message (g_ptr_array_index (self->pages, 0));

  if (page->epoch != first->epoch)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The broker restarted before it had answered: try again"));
  if (page->next != 0 && page->next <= after)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The broker repeats a part of its reply: report it as a bug"));
  self->root_id = page->root_id;
  self->lost = page->lost;
  for (size_t i = 0; i < page->n_items; i++)
    {
      const TimelineNode node = { .item = page->items[i] };

      g_array_append_val (self->nodes, node);
    }
  return TRUE;
}

static gboolean
timeline_read (Timeline *self, Ctl *ctl, const char *id, GError **error)
{
  TimelineRequest request = DAEMONEYE__EVENTBUS__V1__TIMELINE_REQUEST__INIT;

  request.id = (char *) (gsize) id;
  do
    {
      WireGuard *guard = ctl_ask (ctl, "control.bus.timeline", NULL, NULL, &request.base,
                                  &daemoneye__eventbus__v1__timeline_reply__descriptor, error);
      const TimelineReply *page;

      if (guard == NULL)
        return FALSE;
      g_ptr_array_add (self->pages, guard);
      page = wire_guard_message (guard);
      if (!timeline_take_page (self, page, request.after, error))
        return FALSE;
      request.after = page->next;
    }
  while (request.after != 0);
  return TRUE;
}

/* --- the tree --- */

/* Correlation id -> index + 1 of the first accepted message that has it. */
static GHashTable *
timeline_index_names (const Timeline *self)
{
  GHashTable *names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->nodes->len; i++)
    {
      const TimelineItem *item = timeline_node (self, i)->item;

      if (*item->correlation_id != '\0' && item->accept_seq > 0 && !g_hash_table_contains (names, item->correlation_id))
        g_hash_table_insert (names, item->correlation_id, GUINT_TO_POINTER (i + 1));
    }
  return names;
}

/* Adds each message to the children of its parent, or to @tops if it has no parent. */
static void
timeline_link (const Timeline *self, GArray *tops)
{
  g_autoptr (GHashTable) names = timeline_index_names (self);

  for (guint i = 0; i < self->nodes->len; i++)
    {
      guint place = GPOINTER_TO_UINT (g_hash_table_lookup (names, timeline_node (self, i)->item->parent_id));
      TimelineNode *parent = place > 0 && place - 1 != i ? timeline_node (self, place - 1) : NULL;

      if (parent == NULL)
        g_array_append_val (tops, i);
      else
        {
          if (parent->children == NULL)
            parent->children = g_array_new (FALSE, FALSE, sizeof (guint));
          g_array_append_val (parent->children, i);
        }
    }
}

static const char *
timeline_kind_name (guint kind)
{
  switch (kind)
    {
    case DAEMONEYE__EVENTBUS__V1__MESSAGE_KIND__MESSAGE_KIND_PUBLISH:
      return _ ("publish");
    case DAEMONEYE__EVENTBUS__V1__MESSAGE_KIND__MESSAGE_KIND_REQUEST:
      return _ ("request");
    case DAEMONEYE__EVENTBUS__V1__MESSAGE_KIND__MESSAGE_KIND_REPLY:
      return _ ("reply");
    default:
      return "?";
    }
}

static void
timeline_add_outcome (CtlTable *table, const TimelineItem *item)
{
  if (item->accept_seq == 0)
    ctl_table_cell (table, "%s", wire_status_name (item->status));
  else if (item->refused > 0)
    ctl_table_cell (table, _ ("%u of %u queued, %u refused"), item->queued, item->matched, item->refused);
  else
    ctl_table_cell (table, _ ("%u of %u queued"), item->queued, item->matched);
}

static void
timeline_add_row (CtlTable *table, const TimelineItem *item, guint level)
{
  g_autofree char *moment = ctl_moment (item->time_us, TRUE);

  ctl_table_cell (table, "%s", moment);
  ctl_table_cell (table, "%*s%s%s%s", (int) MIN (level, INDENT_MAX) * 2, "", timeline_kind_name (item->kind),
                  *item->topic != '\0' ? " " : "", item->topic);
  ctl_table_cell (table, "%s", item->sender);
  ctl_table_cell (table, "%s", item->correlation_id);
  ctl_table_cell (table, "%s", item->stage);
  ctl_table_cell (table, "%u", item->depth);
  ctl_table_cell (table, "%" PRIu64, item->payload_bytes);
  timeline_add_outcome (table, item);
}

typedef struct
{
  guint at;
  guint level;
} TimelineStep;

static void
timeline_push_all (GArray *steps, const GArray *nodes, guint level)
{
  for (guint i = nodes != NULL ? nodes->len : 0; i > 0; i--)
    {
      const TimelineStep step = { g_array_index (nodes, guint, i - 1), level };

      g_array_append_val (steps, step);
    }
}

/* Prints the messages and those that they caused, depth first. */
static void
timeline_walk (const Timeline *self, GArray *steps, CtlTable *table)
{
  while (steps->len > 0)
    {
      TimelineStep step = g_array_index (steps, TimelineStep, steps->len - 1);
      TimelineNode *node = timeline_node (self, step.at);

      g_array_set_size (steps, steps->len - 1);
      if (node->is_shown)
        continue;
      node->is_shown = TRUE;
      timeline_add_row (table, node->item, step.level);
      timeline_push_all (steps, node->children, step.level + 1);
    }
}

static void
timeline_show_tree (const Timeline *self, Ctl *ctl)
{
  static const CtlColumn columns[] = {
    { N_ ("TIME"), CTL_COLUMN_LEFT },   { N_ ("MESSAGE"), CTL_COLUMN_SHRINKS }, { N_ ("SENDER"), CTL_COLUMN_SHRINKS },
    { N_ ("ID"), CTL_COLUMN_SHRINKS },  { N_ ("STAGE"), CTL_COLUMN_SHRINKS },   { N_ ("DEPTH"), CTL_COLUMN_RIGHT },
    { N_ ("BYTES"), CTL_COLUMN_RIGHT }, { N_ ("OUTCOME"), CTL_COLUMN_LEFT },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));
  g_autoptr (GArray) tops = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (TimelineStep));

  timeline_link (self, tops);
  timeline_push_all (steps, tops, 0);
  timeline_walk (self, steps, table);
  /* Messages that are in a circle of parents are not below a top. */
  for (guint i = 0; i < self->nodes->len; i++)
    {
      const TimelineStep step = { i, 0 };

      g_array_append_val (steps, step);
      timeline_walk (self, steps, table);
    }
  ctl_table_show (table, &ctl->output);
}

static void
timeline_show_objects (const Timeline *self, Ctl *ctl)
{
  for (guint i = 0; i < self->nodes->len; i++)
    {
      const TimelineItem *item = timeline_node (self, i)->item;
      g_autoptr (JsonNode) node = ctl_message_json (&item->base);

      if (JSON_NODE_HOLDS_OBJECT (node))
        json_object_set_string_member (json_node_get_object (node), "root_id", self->root_id);
      ctl_output_json (&ctl->output, node);
    }
}

gboolean
ctl_verb_timeline (Ctl *ctl, char **args, GError **error)
{
  g_auto (Timeline) timeline;

  timeline_init (&timeline);
  if (!timeline_read (&timeline, ctl, args[0], error))
    return FALSE;
  if (ctl->output.json)
    timeline_show_objects (&timeline, ctl);
  else
    timeline_show_tree (&timeline, ctl);
  if (timeline.lost > 0)
    g_printerr (_ ("deyebusctl: %" PRIu64 " older messages of this chain are not kept any more\n"), timeline.lost);
  return TRUE;
}

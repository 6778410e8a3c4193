/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-losses.h"

#include <string.h>

/* "events.process.#" of "events.process.lifecycle"; a shorter topic stays as it is. Transfer full. */
static char *
losses_pattern_of (const char *topic)
{
  const char *first = strchr (topic, '.');
  const char *second = first != NULL ? strchr (first + 1, '.') : NULL;

  return second != NULL ? g_strdup_printf ("%.*s.#", (int) (second - topic), topic) : g_strdup (topic);
}

/* Takes @topic. */
static void
losses_count (DeyeBusLosses *losses, char *topic, guint64 count)
{
  guint64 *known = g_hash_table_lookup (losses->by_topic, topic);

  if (known == NULL)
    {
      g_hash_table_insert (losses->by_topic, topic, g_memdup2 (&count, sizeof count));
      return;
    }
  *known += count;
  g_free (topic);
}

void
deye_bus_losses_add (DeyeBusLosses *losses, const char *topic, guint64 count)
{
  guint n;
  char *key;

  if (losses->by_topic == NULL)
    losses->by_topic = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  n = g_hash_table_size (losses->by_topic);
  key = n < DEYE_BUS_LOSSES_TOPICS || g_hash_table_contains (losses->by_topic, topic) ? g_strdup (topic)
                                                                                      : losses_pattern_of (topic);
  if (n < DEYE_BUS_LOSSES_TOPICS + DEYE_BUS_LOSSES_PATTERNS || g_hash_table_contains (losses->by_topic, key))
    losses_count (losses, key, count);
  else
    g_free (key);
}

void
deye_bus_losses_clear (DeyeBusLosses *losses)
{
  g_clear_pointer (&losses->by_topic, g_hash_table_unref);
}

static void
loss_free (gpointer data)
{
  DeyeBusLoss *loss = data;

  g_free (loss->topic);
  g_free (loss);
}

static gint
loss_compare (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

GPtrArray *
deye_bus_losses_take (DeyeBusLosses *losses, guint max)
{
  GPtrArray *taken = g_ptr_array_new_with_free_func (loss_free);
  g_autoptr (GList) topics = NULL;

  if (losses->by_topic == NULL)
    return taken;
  topics = g_list_sort (g_hash_table_get_keys (losses->by_topic), loss_compare);
  for (GList *link = topics; link != NULL && taken->len < max; link = link->next)
    {
      DeyeBusLoss *loss = g_new (DeyeBusLoss, 1);

      loss->count = *(guint64 *) g_hash_table_lookup (losses->by_topic, link->data);
      loss->topic = g_strdup (link->data);
      g_hash_table_remove (losses->by_topic, link->data);
      g_ptr_array_add (taken, loss);
    }
  if (g_hash_table_size (losses->by_topic) == 0)
    deye_bus_losses_clear (losses);
  return taken;
}

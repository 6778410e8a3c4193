/* SPDX-License-Identifier: Apache-2.0 */
#include "net-reading.h"

#include "net-watch.h"

#define PROC "/proc"

static const struct
{
  NetProtocol protocol;
  NetFamily family;
} reading_lists[] = {
  { NET_TCP, NET_IPV4 }, { NET_TCP, NET_IPV6 }, { NET_UDP, NET_IPV4 }, { NET_UDP, NET_IPV6 }, { NET_UNIX, NET_LOCAL },
};

struct NetReading
{
  NetRange range;
  NetKernel *kernel;
  NetTable *table;
  guint list;         /* the next one of reading_lists */
  gboolean is_asked;  /* the list was requested */
  guint listed;       /* number of lists that the kernel did not refuse */
  NetOwnerScan *scan; /* NULL: not yet, or without owners */
  gboolean is_over;
  gboolean is_failed;
  GError *failure; /* may also be that of a refused list */
};

NetReading *
net_reading_new (const NetRange *range, GError **error)
{
  NetKernel *kernel = net_kernel_open (error);
  NetReading *reading;

  if (kernel == NULL)
    return NULL;
  reading = g_new0 (NetReading, 1);
  reading->range = *range;
  reading->kernel = kernel;
  reading->table = net_table_new (range->limit, range->before);
  reading->table->namespace_inode = net_kernel_namespace ();
  return reading;
}

void
net_reading_free (NetReading *reading)
{
  if (reading == NULL)
    return;
  net_kernel_close (reading->kernel);
  g_clear_pointer (&reading->scan, net_owner_scan_free);
  g_clear_pointer (&reading->table, net_table_free);
  g_clear_error (&reading->failure);
  g_free (reading);
}

/* Notes that the kernel refuses a list. Any other error ends the reading. */
static void
reading_fail_list (NetReading *reading, GError *error)
{
  gboolean is_refused = g_error_matches (error, NET_KERNEL_ERROR, NET_KERNEL_ERROR_REFUSED);

  g_clear_error (&reading->failure);
  reading->failure = error;
  reading->is_failed = !is_refused;
  reading->is_over = !is_refused;
  reading->table->refused |= is_refused ? 1u << reading_lists[reading->list].protocol : 0;
  reading->is_asked = FALSE;
  reading->list++;
}

/* Reads one part of the current list. */
static void
reading_take_part (NetReading *reading)
{
  const NetRange *range = &reading->range;
  const NetSink sink = { reading->table, range->before, range->wants, range->data };
  GError *error = NULL;
  gboolean more = FALSE;

  if (!reading->is_asked)
    net_kernel_ask (reading->kernel, reading_lists[reading->list].protocol, reading_lists[reading->list].family,
                    range->states, &error);
  if (error == NULL)
    net_kernel_take (reading->kernel, &sink, &more, &error);
  if (error != NULL)
    {
      reading_fail_list (reading, error);
      return;
    }
  reading->is_asked = more;
  if (more)
    return;
  reading->listed++;
  reading->list++;
}

/* The lists are complete: searches the owners that are not known. */
static void
reading_begin_owners (NetReading *reading)
{
  guint unasked;

  reading->is_over = TRUE;
  net_table_seal (reading->table);
  if (reading->listed == 0 || reading->range.without_owners)
    return;
  unasked = net_watch_keep_owners (reading->range.before, reading->table);
  if (unasked == 0)
    return;
  reading->scan = net_owner_scan_new (PROC, reading->table);
  reading->is_over = FALSE;
}

static void
reading_step_once (NetReading *reading)
{
  while (reading->list < G_N_ELEMENTS (reading_lists)
         && (reading->range.protocols & 1u << reading_lists[reading->list].protocol) == 0)
    reading->list++;
  if (reading->list < G_N_ELEMENTS (reading_lists))
    reading_take_part (reading);
  else if (reading->scan == NULL)
    reading_begin_owners (reading);
  else if (!net_owner_scan_step (reading->scan, 1))
    {
      net_owner_scan_end (reading->scan);
      reading->is_over = TRUE;
    }
}

gboolean
net_reading_step (NetReading *reading, guint n, guint *done, guint *total)
{
  for (; n > 0 && !reading->is_over; n--)
    reading_step_once (reading);
  *done = reading->list;
  *total = 0;
  if (reading->scan != NULL)
    {
      *done += net_owner_scan_count (reading->scan, total);
      *total += (guint) G_N_ELEMENTS (reading_lists);
    }
  return !reading->is_over;
}

NetTable *
net_reading_end (NetReading *reading, GError **error)
{
  if (!reading->is_failed && reading->listed > 0)
    return g_steal_pointer (&reading->table);
  g_propagate_error (error, g_steal_pointer (&reading->failure));
  return NULL;
}

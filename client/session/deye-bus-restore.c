/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-restore.h"

void
deye_bus_restore_begin (DeyeBusRestore *restore, const GPtrArray *channels, DeyeBusPending *whole)
{
  g_assert (restore->whole == NULL);

  for (guint i = 0; i < channels->len; i++)
    deye_bus_restore_add (restore, channels->pdata[i]);
  restore->whole = deye_bus_pending_ref (whole);
}

void
deye_bus_restore_clear (DeyeBusRestore *restore)
{
  g_queue_clear_full (&restore->left, (GDestroyNotify) deye_bus_channel_unref);
  g_clear_pointer (&restore->asked, g_ptr_array_unref);
  g_clear_pointer (&restore->whole, deye_bus_pending_unref);
}

void
deye_bus_restore_add (DeyeBusRestore *restore, DeyeBusChannel *channel)
{
  if (channel->request != NULL)
    g_queue_push_tail (&restore->left, deye_bus_channel_ref (channel));
}

DeyeBusChannel *
deye_bus_restore_take (DeyeBusRestore *restore)
{
  DeyeBusChannel *channel;

  while ((channel = g_queue_pop_head (&restore->left)) != NULL && (channel->cut || channel->request == NULL))
    deye_bus_channel_unref (channel);
  return channel;
}

void
deye_bus_restore_ask (DeyeBusRestore *restore, DeyeBusPending *pending)
{
  if (restore->asked == NULL)
    restore->asked = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_pending_unref);
  g_ptr_array_add (restore->asked, deye_bus_pending_ref (pending));
}

/* The broker answers in the order of the requests, so the last request usually ends last: checking from the end stops early, and
 * requests that have ended are removed, so that no request is checked twice after its end. */
gboolean
deye_bus_restore_is_over (DeyeBusRestore *restore)
{
  if (restore->left.length > 0)
    return FALSE;
  while (restore->asked != NULL && restore->asked->len > 0)
    {
      const DeyeBusPending *last = restore->asked->pdata[restore->asked->len - 1];

      if (!last->done)
        return FALSE;
      g_ptr_array_remove_index (restore->asked, restore->asked->len - 1);
    }
  return TRUE;
}

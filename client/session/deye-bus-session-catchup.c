/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-catchup.h"

#include "session/deye-bus-session-data.h"

static gboolean
catchup_is_awaited (const DeyeBusChannel *channel)
{
  return channel->catching_up && !channel->cut && deye_bus_window_is_open (&channel->window);
}

static GPtrArray *
catchup_list_awaited (const DeyeBusSession *session)
{
  g_autoptr (GPtrArray) channels = deye_bus_channel_table_list (&session->channels);
  GPtrArray *awaited = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_channel_unref);

  for (guint i = 0; i < channels->len; i++)
    if (catchup_is_awaited (channels->pdata[i]))
      g_ptr_array_add (awaited, deye_bus_channel_ref (channels->pdata[i]));
  return awaited;
}

static void
catchup_end (DeyeBusSession *session)
{
  g_autoptr (DeyeBusPending) whole = g_steal_pointer (&session->catchup.whole);

  deye_bus_session_forget_retained (session);
  deye_bus_pending_table_finish (&session->pending, whole, NULL);
}

gboolean
deye_bus_session_await_retained (DeyeBusSession *session, DeyeBusPending *whole)
{
  g_autoptr (GPtrArray) awaited = catchup_list_awaited (session);

  if (awaited->len == 0)
    return FALSE;
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, whole, session->last_id);
  whole->sent = TRUE;
  session->catchup.whole = deye_bus_pending_ref (whole);
  session->catchup.awaited = g_steal_pointer (&awaited);
  return TRUE;
}

void
deye_bus_session_advance_retained (DeyeBusSession *session)
{
  GPtrArray *awaited = session->catchup.awaited;

  if (awaited == NULL)
    return;
  while (awaited->len > 0 && !catchup_is_awaited (awaited->pdata[awaited->len - 1]))
    g_ptr_array_remove_index (awaited, awaited->len - 1);
  if (awaited->len == 0)
    catchup_end (session);
}

gboolean
deye_bus_session_end_overdue_retained (DeyeBusSession *session, const DeyeBusPending *pending)
{
  if (session->catchup.whole != pending)
    return FALSE;
  catchup_end (session);
  return TRUE;
}

void
deye_bus_session_forget_retained (DeyeBusSession *session)
{
  g_clear_pointer (&session->catchup.whole, deye_bus_pending_unref);
  g_clear_pointer (&session->catchup.awaited, g_ptr_array_unref);
}

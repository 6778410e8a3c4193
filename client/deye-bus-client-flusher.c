/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-flusher.h"

/*
 * The client's use of its flusher: gives it the bytes that calls have left in the out-buffer, and takes them back.
 *
 * The bytes are given when a call ends. The out-buffer takes them back (DeyeBusOutbuf.reclaim) before its front is read or
 * changed; functions that only add bytes do not take them back.
 *
 * Invariant: @given is the buffer whose bytes the flusher has, or NULL. While it is not NULL, the buffer is not freed and the
 * socket is not closed.
 */

/* The bytes were taken back, and @written of them have been written; -1: the broker reads no more. */
static void
client_note_written (DeyeBusClient *self, gssize written)
{
  DeyeBusOutbuf *out = g_steal_pointer (&self->given);

  if (out == NULL)
    return;
  out->reclaim = NULL;
  self->write_dead = self->write_dead || written < 0;
  if (written <= 0)
    return;
  deye_bus_outbuf_sent (out, (gsize) written);
  self->bytes_out += (guint64) written;
}

void
deye_bus_client_take_back (DeyeBusClient *self)
{
  if (self->given == NULL)
    return;
  /* A forked child does not have the thread of the flusher, which may have held the lock at the fork. */
  if (deye_bus_client_is_forked (self))
    {
      client_note_written (self, 0);
      return;
    }
  client_note_written (self, deye_bus_flusher_begin (self->flusher));
  deye_bus_flusher_end (self->flusher, DEYE_BUS_SOCKET_NONE, NULL);
}

static void
client_on_reclaim (gpointer client)
{
  deye_bus_client_take_back (client);
}

void
deye_bus_client_hand_over (DeyeBusClient *self)
{
  DeyeBusOutbuf *out;
  gboolean gives;

  if (self->flusher == NULL || self->socket == DEYE_BUS_SOCKET_NONE || self->write_dead)
    return;
  out = deye_bus_session_out (self->session);
  if (deye_bus_outbuf_bytes (out) == 0 || (self->given == out && deye_bus_flusher_extend (self->flusher, out)))
    return;
  client_note_written (self, deye_bus_flusher_begin (self->flusher));
  gives = !self->write_dead && deye_bus_outbuf_bytes (out) > 0;
  deye_bus_flusher_end (self->flusher, self->socket, gives ? out : NULL);
  if (!gives)
    return;
  out->reclaim = client_on_reclaim;
  out->reclaim_data = self;
  self->given = out;
}

void
deye_bus_client_end_flusher (DeyeBusClient *self)
{
  DeyeBusFlusher *flusher = g_steal_pointer (&self->flusher);

  if (flusher != NULL && !deye_bus_client_is_forked (self))
    deye_bus_flusher_free (flusher);
}

/* --- the property --- */

static gboolean
client_switch_flusher (DeyeBusClient *self, gboolean flusher)
{
  if (!flusher)
    {
      deye_bus_client_take_back (self);
      deye_bus_client_end_flusher (self);
      return TRUE;
    }
  self->flusher = deye_bus_flusher_new ();
  return self->flusher != NULL;
}

gboolean
deye_bus_client_set_flusher (DeyeBusClient *self, gboolean flusher)
{
  gboolean changes, ok = TRUE;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  if (!deye_bus_client_enter (self, NULL))
    return FALSE;
  changes = !!flusher != (self->flusher != NULL);
  if (changes)
    ok = client_switch_flusher (self, flusher);
  deye_bus_client_leave (self);
  if (changes && ok)
    g_object_notify (G_OBJECT (self), "flusher");
  return ok;
}

gboolean
deye_bus_client_get_flusher (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return self->flusher != NULL;
}

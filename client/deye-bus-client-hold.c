/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"

#include "deye-bus-client-hold.h"

/*
 * Held clients: many small messages are written with one system call.
 *
 * Each public call ends with deye_bus_client_leave(), which writes the out-buffer unless the client is held and fewer than
 * DEYE_BUS_HELD_MAX bytes were added since the last write. A call that waits writes first. The source of the client also writes
 * in each iteration of its context. So a held message is written in the next iteration of the program's main loop at the
 * latest.
 *
 * The thread that holds a client owns its context (see deye_bus_client_enter()), so each call in between only compares two
 * numbers.
 *
 * Invariant: holding only changes when bytes are written.
 */

void
deye_bus_client_hold (DeyeBusClient *self)
{
  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  if (!deye_bus_client_enter (self, NULL))
    return;
  self->holds++;
  deye_bus_client_leave (self);
}

void
deye_bus_client_release (DeyeBusClient *self)
{
  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  if (!deye_bus_client_enter (self, NULL))
    return;
  if (self->holds > 0)
    self->holds--;
  deye_bus_client_leave (self);
}

gboolean
deye_bus_client_is_held (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return self->holds > 0;
}

void
deye_bus_client_set_coalesce (DeyeBusClient *self, gboolean coalesce)
{
  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));

  if (self->coalesce == !!coalesce || !deye_bus_client_enter (self, NULL))
    return;
  self->coalesce = !!coalesce;
  deye_bus_client_leave (self);
  g_object_notify (G_OBJECT (self), "coalesce");
}

gboolean
deye_bus_client_get_coalesce (DeyeBusClient *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);

  return self->coalesce;
}

/* Returns the number of published messages; if it is less than @n_payloads, @error is set. */
static gsize
hold_publish_each (DeyeBusClient *self,
                   const char *topic,
                   GBytes **payloads,
                   gsize n_payloads,
                   DeyeBusOptions *options,
                   GCancellable *cancellable,
                   GError **error)
{
  gsize n = 0;

  while (n < n_payloads && deye_bus_client_publish (self, topic, payloads[n], options, NULL, cancellable, error))
    n++;
  return n;
}

/* The same for messages without an acknowledgement, without the checks that deye_bus_client_publish() makes for each message. */
static gsize
hold_publish_unasked (DeyeBusClient *self,
                      const char *topic,
                      GBytes **payloads,
                      gsize n_payloads,
                      DeyeBusOptions *options,
                      GCancellable *cancellable,
                      GError **error)
{
  gsize n = 0;

  while (n < n_payloads && deye_bus_client_send_unasked (self, topic, payloads[n], options, cancellable, error))
    {
      deye_bus_client_write_due (self);
      n++;
    }
  return n;
}

gboolean
deye_bus_client_publish_many (DeyeBusClient *self,
                              const char *topic,
                              GBytes **payloads,
                              gsize n_payloads,
                              DeyeBusOptions *options,
                              gsize *n_published,
                              GCancellable *cancellable,
                              GError **error)
{
  gsize n = 0;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (payloads != NULL || n_payloads == 0, FALSE);

  if (n_payloads > 0 && deye_bus_client_enter (self, error))
    {
      self->holds++;
      n = (deye_bus_options_must_be_acked (options) ? hold_publish_each : hold_publish_unasked) (
          self, topic, payloads, n_payloads, options, cancellable, error);
      self->holds--;
      deye_bus_client_leave (self);
    }
  if (n_published != NULL)
    *n_published = n;
  return n == n_payloads;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-pending.h"

#include "deye-bus-error-private.h"
#include "wire-block.h"

#include <glib/gi18n-lib.h>

#define KEPT_MAX 128u /* about 32 KiB */

/* --- the pool --- */

struct DeyeBusPendingPool
{
  guint refs; /* one for the client, and one for each call that was taken */
  guint n_kept;
  DeyeBusPending *kept; /* linked by next_of_id */
};

DeyeBusPendingPool *
deye_bus_pending_pool_new (void)
{
  DeyeBusPendingPool *pool = g_new0 (DeyeBusPendingPool, 1);

  pool->refs = 1;
  return pool;
}

void
deye_bus_pending_pool_unref (DeyeBusPendingPool *pool)
{
  if (--pool->refs > 0)
    return;
  while (pool->kept != NULL)
    {
      DeyeBusPending *pending = pool->kept;

      pool->kept = pending->next_of_id;
      g_free (pending);
    }
  g_free (pool);
}

static DeyeBusPending *
pending_pool_pop (DeyeBusPendingPool *pool)
{
  DeyeBusPending *pending = pool->kept;

  if (pending == NULL)
    return g_new0 (DeyeBusPending, 1);
  pool->kept = pending->next_of_id;
  pool->n_kept--;
  memset (pending, 0, sizeof *pending);
  return pending;
}

/* With AddressSanitizer the pool keeps no structs, like wire-block, so that the use of a call after its end is found. */
static void
pending_pool_push (DeyeBusPendingPool *pool, DeyeBusPending *pending)
{
  if (!WIRE_BLOCK_KEEPS || pool->n_kept >= KEPT_MAX)
    g_free (pending);
  else
    {
      pending->next_of_id = pool->kept;
      pool->kept = pending;
      pool->n_kept++;
    }
  deye_bus_pending_pool_unref (pool);
}

/* --- one call --- */

DeyeBusPending *
deye_bus_pending_take (DeyeBusPendingPool *pool, DeyeBusPendingKind kind, gint64 deadline_us)
{
  DeyeBusPending *pending = pending_pool_pop (pool);

  pool->refs++;
  pending->pool = pool;
  pending->refs = 1;
  pending->kind = kind;
  pending->deadline_us = deadline_us;
  return pending;
}

DeyeBusPending *
deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us)
{
  DeyeBusPending *pending = g_new0 (DeyeBusPending, 1);

  pending->refs = 1;
  pending->kind = kind;
  pending->deadline_us = deadline_us;
  return pending;
}

DeyeBusPending *
deye_bus_pending_ref (DeyeBusPending *pending)
{
  pending->refs++;
  return pending;
}

static void
standing_free (DeyeBusStanding *standing)
{
  g_bytes_unref (standing->payload);
  g_free (standing);
}

void
deye_bus_pending_set_standing (DeyeBusPending *pending, const DeyeBusStanding *standing)
{
  g_assert (pending->standing == NULL);

  pending->standing = g_memdup2 (standing, sizeof *standing);
  g_bytes_ref (standing->payload);
}

void
deye_bus_pending_unref (DeyeBusPending *pending)
{
  if (--pending->refs > 0)
    return;
  g_clear_error (&pending->error);
  g_clear_pointer (&pending->reply, deye_bus_message_unref);
  g_clear_pointer (&pending->channel, deye_bus_channel_unref);
  g_clear_pointer (&pending->stream, deye_bus_stream_unref);
  g_clear_pointer (&pending->standing, standing_free);
  g_clear_pointer (&pending->frame, deye_bus_kept_frame_free);
  g_assert (pending->cancelled == NULL);
  if (pending->pool != NULL)
    pending_pool_push (pending->pool, pending);
  else
    g_free (pending);
}

GError *
deye_bus_pending_error_overdue (const DeyeBusPending *pending)
{
  if (pending->kind == DEYE_BUS_PENDING_HELLO)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("The broker did not answer the handshake in time"));
  if (pending->standing != NULL)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("No answer within the timeout"));
  if (!pending->sent && !pending->sent_before && pending->frame != NULL && pending->waits == NULL)
    return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s",
                               _ ("Not sent: the client was not ready within the timeout"));
  if (!pending->sent && !pending->sent_before)
    return deye_bus_error_new (DEYE_BUS_ERROR_WOULD_BLOCK, "%s",
                               _ ("No credit from the broker within the timeout: receivers are slow; try again later"));
  if (pending->kind == DEYE_BUS_PENDING_REPLY || pending->kind == DEYE_BUS_PENDING_ANSWERS)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("No answer within the timeout"));
  return deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN, "%s",
                             _ ("No report within the timeout: the message may or may not have arrived"));
}

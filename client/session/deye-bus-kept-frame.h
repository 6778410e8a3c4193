/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"

/*
 * A kept frame: a publish or request that is sent later, or sent again, on another connection.
 *
 * It has everything of the frame but its id and the stamp of its first station, which belong to a connection. Its times count
 * on: what is left of the time to live and of the deadline is sent. The frame sends nothing and reads no clock.
 *
 * Invariant: fields and payload do not change.
 */

typedef struct
{
  guint8 kind;
  guint8 flags;
  WireClass credit_class;
  guint64 number;  /* its id when it was made: a later call has a greater one */
  gint64 since_us; /* its times count from then; 0: not yet */
  char *topic;
  GBytes *payload; /* nullable */
  gsize len;
  guint8 fields[]; /* without the payload */
} DeyeBusKeptFrame;

/* Refers to the payload, copies the rest. */
DeyeBusKeptFrame *deye_bus_kept_frame_new (const DeyeBusEncodedCall *encoded, gint64 since_us);
/* Copies @len bytes, one publish or request of this client, with its header. */
DeyeBusKeptFrame *deye_bus_kept_frame_new_for_bytes (const guint8 *bytes, gsize len, gint64 since_us);
void deye_bus_kept_frame_free (DeyeBusKeptFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusKeptFrame, deye_bus_kept_frame_free)

/* Encodes it under a new @id, for a frame that is sent at @now_us. @encoded is valid as long as @frame is. FALSE: its time to
 * live has expired. */
gboolean
deye_bus_kept_frame_encode (const DeyeBusKeptFrame *frame, guint64 id, gint64 now_us, DeyeBusEncodedCall *encoded);

gboolean deye_bus_kept_frame_has_expired (const DeyeBusKeptFrame *frame, gint64 now_us);

/* Its cost: fields and payload. */
gsize deye_bus_kept_frame_bytes (const DeyeBusKeptFrame *frame);

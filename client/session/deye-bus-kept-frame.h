/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-call.h"

/*
 * A kept frame: a publish or request that is sent later, or again, on another connection.
 *
 * It contains the whole frame except its id and the stamp of its first station, which belong to one connection. The time to
 * live and the deadline keep running: the frame is sent with the time that is left of them. This module sends nothing and reads
 * no clock.
 *
 * Invariant: fields and payload do not change.
 */

typedef struct
{
  guint8 kind;
  guint8 flags;
  gboolean own; /* as in DeyeBusCall */
  WireClass credit_class;
  guint64 number;  /* its id when it was made; later calls have greater ids */
  gint64 since_us; /* when its time to live and deadline began to run; 0: they do not run yet */
  char *topic;
  GBytes *payload; /* nullable */
  gsize len;
  guint8 fields[]; /* without the payload */
} DeyeBusKeptFrame;

/* Refers to the payload and copies the fields. */
DeyeBusKeptFrame *deye_bus_kept_frame_new (const DeyeBusEncodedCall *encoded, gint64 since_us);
/* Copies @len bytes, one publish or request of this client, with its header. */
DeyeBusKeptFrame *deye_bus_kept_frame_new_for_bytes (const guint8 *bytes, gsize len, gint64 since_us);
void deye_bus_kept_frame_free (DeyeBusKeptFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusKeptFrame, deye_bus_kept_frame_free)

/* Encodes the frame with a new @id and the times that are left at @now_us. @encoded is valid as long as @frame is. FALSE: the time
 * to live has expired. */
gboolean
deye_bus_kept_frame_encode (const DeyeBusKeptFrame *frame, guint64 id, gint64 now_us, DeyeBusEncodedCall *encoded);

gboolean deye_bus_kept_frame_has_expired (const DeyeBusKeptFrame *frame, gint64 now_us);

/* The bytes that count against the limits: fields and payload. */
gsize deye_bus_kept_frame_bytes (const DeyeBusKeptFrame *frame);

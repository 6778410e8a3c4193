/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "wire-credit.h"
#include "wire-hot.h"
#include "wire-publish.h"

/*
 * The values of a frame of one of the two usual forms: a plain PUBLISH, or the CREDIT of a subscription.
 *
 * Nearly all frames of clients have one of these forms. Each of them is read once: by bus-ahead, some frames before it is handled,
 * if it loads ahead for this read; otherwise by bus-dispatch.
 *
 * Invariant: the values are those of the bytes of the body, which do not change before the end of the input call. No right, limit
 * or credit was checked, and nothing was counted.
 */

typedef struct
{
  const guint8 *body; /* body of the frame; NULL: the frame was not read, or has another form */
  guint8 kind;
  gboolean is_hashed;
  guint64 hash; /* of the topic */
  union
  {
    WirePublish publish;
    WireCredit credit;
  };
} BusPreread;

static inline void
bus_preread_forget (BusPreread *preread)
{
  preread->body = NULL;
  preread->is_hashed = FALSE;
}

/* FALSE: the frame has another form. */
WIRE_HOT static inline gboolean
bus_preread_frame (BusPreread *preread, guint8 kind, WireSpan body)
{
  gboolean is_usual = FALSE;

  if (kind == WIRE_KIND_PUBLISH)
    is_usual = wire_publish_read (body, &preread->publish);
  else if (kind == WIRE_KIND_CREDIT)
    is_usual = wire_credit_read (body, &preread->credit);
  preread->kind = kind;
  preread->body = is_usual ? body.data : NULL;
  preread->is_hashed = FALSE;
  return is_usual;
}

static inline guint64
bus_preread_hash (BusPreread *preread, guint64 seed)
{
  preread->hash = bus_hash (seed, preread->publish.topic);
  preread->is_hashed = TRUE;
  return preread->hash;
}

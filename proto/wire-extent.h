/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The message Extent, read in place: how much of the asked data a result contains. Broker and client read it inside of other
 * messages, and each of them decides what the values mean.
 *
 * Invariant: the values are those of the bytes. A field that is absent is zero, or an empty span.
 */

typedef struct
{
  guint64 rows;
  guint64 is_truncated;
  guint64 limit;
  guint64 from_time_us;
  guint64 to_time_us;
  guint64 gaps;
  guint64 share_permille;
  guint64 age_us;
  WireSpan configuration; /* points into the message */
  guint64 is_uncounted;
} WireExtent;

/* @packed: an Extent that wire_guard_scan() has accepted */
void wire_extent_read (WireSpan packed, WireExtent *extent);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "deye-bus-extent.h"
#include "wire-span.h"

/*
 * The extent of a result: which part of the requested data its payload covers.
 *
 * The handler of a work sets the fields while it runs; the extent does not change after the work has ended. A share is at most
 * 1,000 permille, and the configuration is valid UTF-8 of at most 64 bytes, even if a peer has sent larger values.
 */

struct _DeyeBusExtent
{
  gatomicrefcount refs;
  gboolean is_counted; /* @rows is set */
  guint64 rows;
  gboolean is_truncated;
  guint64 limit;
  guint64 from_time_us;
  guint64 to_time_us; /* both times are 0 if they are not set */
  guint gaps;
  guint share_permille; /* 0: not set */
  guint64 age_us;
  char *configuration; /* NULL: not set */
};

DeyeBusExtent *deye_bus_extent_new (void);
/* @packed: an Extent that wire_guard_scan() has accepted. NULL: its pointer is NULL. */
DeyeBusExtent *deye_bus_extent_read (WireSpan packed);
/* @message refers to texts of @extent. */
void deye_bus_extent_fill (const DeyeBusExtent *extent, Daemoneye__Eventbus__V1__Extent *message);

void deye_bus_extent_set_share (DeyeBusExtent *extent, guint permille);
/* @revision: (nullable) */
void deye_bus_extent_set_configuration (DeyeBusExtent *extent, const char *revision);

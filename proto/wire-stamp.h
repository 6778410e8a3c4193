/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The broker's stamp: the fields that it writes in front of a client's untouched bytes.
 *
 * What is the same for every receiver (sender, order, time) is encoded once per message; what differs (subscriptions,
 * route, deadline, the id answered) is written for each. The bytes are plain Envelope fields, read like any others by
 * wire_envelope_read(); this room only writes them, faster than the table could.
 */

#define WIRE_STAMP_COMMON_MAX               96u /* a sender is one segment of at most 64 bytes */
#define WIRE_STAMP_OWN_MAX(n_subscriptions) (64u + 5u * (n_subscriptions))

/* Fields 32-34. @out has WIRE_STAMP_COMMON_MAX bytes; returns how many were written. */
gsize wire_stamp_common (guint8 *out, WireSpan sender, guint64 accept_seq, guint64 accept_time_us);

/* Fields 35-38; zero: absent. */
typedef struct
{
  const guint32 *subscriptions;
  gsize n_subscriptions;
  guint64 route_id;
  guint64 remaining_us;
  guint64 answers;
} WireStampOwn;

/* @out has WIRE_STAMP_OWN_MAX bytes; returns how many were written. */
gsize wire_stamp_own (guint8 *out, const WireStampOwn *own);

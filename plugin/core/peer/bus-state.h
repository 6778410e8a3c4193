/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-note.h"
#include "queue/bus-flow-state.h"
#include "wire-envelope.h"
#include "wire-topic.h"

/*
 * The state of a broker, as the peer layer and the layers above see it.
 *
 * BusCore holds the settings, the time of the input that is being handled, and what the peer layer needs. Each layer
 * above that keeps state has a struct of its own (BusRoutes, BusWork, BusBudget), which only that layer and those above it can
 * look into. bus-core makes all of them and frees them.
 */

struct BusCore
{
  /* bus-core: settings and identity */
  BusLimits limits;
  WireTopicLimits topic_limits;
  guint32 *tool_accounts;
  gsize n_tool_accounts;
  guint64 epoch;
  guint64 seed;
  gint64 wall_us;
  gint64 started_us;
  char *software_version;
  char *name;             /* GRefString "bus": the sender of the broker's own messages */
  gboolean closes_failed; /* connections whose health is FAILED */
  gboolean is_stopping;

  gint64 now_us;         /* of the input call that is being handled */
  WireEnvelope envelope; /* bus-dispatch: of the frame that is being handled */
  BusQuota quota;
  BusSegmentPool segments;
  BusFlowShared flows;
  BusDeadlineSet deadlines;
  BusNoteRing notes;
  GQueue creditors;                        /* BusLedger with credit to announce */
  BusAllowance allowances[WIRE_N_CLASSES]; /* that each peer begins with */

  /* bus-account, bus-shed */
  GHashTable *accounts; /* number -> BusAccount */
  guint64 shed_round;
  gboolean is_soft;
  gint64 soft_next_us;
  BusTimer soft_timer;

  /* bus-peer */
  GQueue peers;            /* all, in order of connecting */
  guint64 last_serial;     /* of the peer that connected last */
  GHashTable *peers_by_id; /* BusKey of the peer -> BusPeer */
  GQueue strangers;        /* that have sent no HELLO, in order of connecting */
  GQueue writable;
  GQueue closing;
  GQueue dying;              /* closed, not flushed */
  guint64 delivered_by_gone; /* of peers that are freed */
  guint64 missed_by_gone;
  guint64 denied;
  guint64 malformed;
  guint64 ignored; /* events that the state of a connection ignores */
  GQueue waits;    /* bus-wait: calls that wait for peers, or watch them */
  guint n_later;   /* bus-later: calls of the broker that are answered later */

  /* The layers above. */
  struct BusRoutes *routes;
  struct BusBudget *budget;
  struct BusWork *work;
};

/* Sets up everything that the peer layer and those below it keep. The layers above set up their own state. */
void bus_state_init (BusCore *core, const BusLimits *limits, guint64 seed, gint64 now_us);

/* Every peer must have been freed, and nothing may be charged any more (asserts). */
void bus_state_clear (BusCore *core);

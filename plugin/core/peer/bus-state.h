/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-note.h"
#include "queue/bus-flow-state.h"
#include "wire-envelope.h"
#include "wire-topic.h"

/*
 * The state of a broker. BusCore contains the settings, the time of the input call that is being handled, and the state of the
 * peer layer and the layers below it.
 *
 * Each layer above that has state has a struct of its own (BusRoutes, BusWork, BusBudget), which is opaque here: only that layer
 * and those above it can access its members. bus-core makes and frees all of them.
 *
 * Invariant: the core has no global variables, so a process can have several brokers, and the same input gives the same output.
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
  gboolean closes_failed; /* connections whose health is FAILED are closed */
  gboolean is_stopping;

  gint64 now_us;         /* of the input call that is being handled */
  WireEnvelope envelope; /* bus-dispatch: of the frame that is being handled */
  BusQuota quota;
  BusSegmentPool segments;
  BusFlowShared flows;
  BusDeadlineSet deadlines;
  BusNoteRing notes;
  BusCreditors creditors;
  BusAllowance allowances[WIRE_N_CLASSES]; /* with which each peer begins */

  /* bus-account, bus-shed */
  GHashTable *accounts; /* number -> BusAccount */
  guint64 shed_round;
  gboolean is_soft;
  gint64 soft_next_us;
  BusTimer soft_timer;

  /* bus-peer */
  GQueue peers;            /* all, in the order in which they connected */
  guint64 last_serial;     /* serial of the peer that connected last */
  GHashTable *peers_by_id; /* BusKey of the peer -> BusPeer */
  GQueue strangers;        /* peers that have sent no HELLO, in the order in which they connected */
  GQueue writable;
  GQueue closing;
  GQueue unflushed;          /* peers that are closed and not flushed yet */
  guint64 delivered_by_gone; /* sum over peers that were freed */
  guint64 missed_by_gone;
  guint64 denied;
  guint64 malformed;
  guint64 ignored; /* number of events that the state of a connection has ignored */
  GQueue waits;    /* bus-wait: calls that wait for peers, or watch them */
  guint n_later;   /* bus-later: calls of the broker that are answered later */

  /* The layers above. */
  struct BusRoutes *routes;
  struct BusBudget *budget;
  struct BusWork *work;
};

/* Initializes the state of the peer layer and of those below it. The layers above initialize their own state. */
void bus_state_init (BusCore *core, const BusLimits *limits, guint64 seed, gint64 now_us);

/* Frees that state. Asserts that every peer has been freed and that nothing is charged. */
void bus_state_clear (BusCore *core);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message-pool.h"
#include "session/deye-bus-channel-table.h"
#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-pending-table.h"
#include "session/deye-bus-restore.h"
#include "session/deye-bus-retained.h"
#include "session/deye-bus-route.h"
#include "session/deye-bus-send-queue.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stash.h"
#include "wire-publish.h"

/* The progress of session-republish. */
typedef struct
{
  DeyeBusPending *whole; /* ends with the last answer; NULL: no republish is in progress */
  guint asked;           /* values without an answer */
} DeyeBusRepublish;

/* The progress of session-catchup. */
typedef struct
{
  DeyeBusPending *whole; /* ends when nothing is awaited any more; NULL: there is no wait */
  GPtrArray *awaited;    /* of DeyeBusChannel, references; NULL as @whole */
} DeyeBusCatchup;

/* Kept by session-plain: class and encoded field of the topic of the last plain publish. */
typedef struct
{
  WirePublishTopic field;
  guint64 features; /* of the connection, on which the class depends as well */
  WireClass credit_class;
} DeyeBusPlainTopic;

/* The session's fields, for the deye-bus-session-*.c files only. */

struct DeyeBusSession
{
  DeyeBusSessionState state;
  guint64 origin; /* distinguishes what came on this connection from what came on an earlier one */
  GError *reason;
  guint32 reason_status; /* wire status behind @reason; 0: the broker gave none */
  gint64 retry_us;       /* the broker asked to stay away for so long; 0: it did not */
  gboolean keeps;        /* another connection follows this one: its end leaves the channels as they are */
  gboolean kept;         /* ended, and its channels wait for the next connection */
  gboolean was_ready;    /* this connection had its WELCOME */
  gboolean held;         /* calls of the user wait until release() */
  GError *broker_said;   /* an ERROR about the connection, which the broker is about to close */
  guint64 offered;       /* features, in HELLO */
  DeyeBusWelcome welcome;
  DeyeBusCounts counts;
  DeyeBusEvents *events; /* the client's */

  WireFrameReader reader;
  DeyeBusMessagePool spare; /* blocks of messages that were handled */
  DeyeBusOutbuf out;
  guint64 trim_added;      /* bytes that were ever added to @out, when tick() found its spare chunks */
  gint64 trim_us;          /* ... which are freed then unless more is added; 0: it found none */
  gboolean out_dead;       /* nothing can be written any more */
  DeyeBusOutCount dropped; /* messages that were dropped before they were written */
  DeyeBusStash *stash;     /* the client's; NULL: none */
  guint64 unasked_sent;    /* publishes that nobody waits for, in the out-buffer or written */
  guint64 unasked_proved;  /* of these, the broker has handled so many, at least */
  guint64 unasked_kept;    /* ... and so many were not written, and wait for the next connection */
  guint64 uncertain;       /* ended: so many may or may not have arrived */

  guint64 last_id;
  guint64 newest_message; /* the greatest number of a message that was sent */
  DeyeBusPendingTable pending;
  DeyeBusSendQueue send_queue;
  DeyeBusPlainTopic plain;
  GQueue flushes; /* of SessionFlush */

  DeyeBusChannelTable channels;
  gboolean owes_credit; /* something was handled, and its credit waits for a quarter of the window */
  gint64 rest_us;       /* ... or for this moment; 0: no tick() since */
  GPtrArray *
      owing; /* of DeyeBusChannel, references: prompt ones that handled a message and may not have returned its credit */
  gint64 early_us;      /* when a dispatch last returned it early */
  gboolean early_waits; /* a prompt channel has handled a message since then */
  guint owing_messages; /* handled under the policy Block since it was last empty */
  guint64 owing_bytes;
  gint64 prompt_us; /* when it would next be emptied if that was done evenly */
  gint64 now_us;    /* of the last tick() */
  DeyeBusRouteTable routes;
  guint64 undelivered; /* answers to requests that gave a task, for which no DELIVERED came */
  DeyeBusRestore restore;
  DeyeBusRetainedStore retained;
  DeyeBusRepublish republish;
  DeyeBusCatchup catchup;
};

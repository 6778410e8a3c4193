/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-message-pool.h"
#include "session/deye-bus-channel-table.h"
#include "session/deye-bus-outbuf.h"
#include "session/deye-bus-own-frames.h"
#include "session/deye-bus-pending-table.h"
#include "session/deye-bus-restore.h"
#include "session/deye-bus-retained.h"
#include "session/deye-bus-route.h"
#include "session/deye-bus-send-queue.h"
#include "session/deye-bus-session-types.h"
#include "session/deye-bus-stash.h"
#include "wire-publish.h"

/* The progress of publishing retained messages again (session-republish). */
typedef struct
{
  DeyeBusPending *whole; /* ends with the last answer; NULL: no republish is in progress */
  guint asked;           /* values without an answer */
} DeyeBusRepublish;

/* The progress of the wait for retained messages (session-catchup). */
typedef struct
{
  DeyeBusPending *whole; /* ends with the wait; NULL: there is no wait */
  GPtrArray *awaited;    /* of DeyeBusChannel, references; NULL: there is no wait */
} DeyeBusCatchup;

/* The topic of the last plain publish, encoded, with its credit class (session-plain). */
typedef struct
{
  WirePublishTopic field;
  guint64 features; /* of the connection for which the class was computed */
  WireClass credit_class;
} DeyeBusPlainTopic;

/* The session's fields, for the deye-bus-session-*.c files only. */

struct DeyeBusSession
{
  DeyeBusSessionState state;
  guint64 origin; /* distinguishes messages of this connection from those of an earlier one */
  GError *reason;
  guint32 reason_status; /* wire status behind @reason; 0: the broker gave none */
  gint64 retry_us;       /* the broker asked for this delay before the next attempt; 0: it did not ask */
  gboolean keeps;        /* another connection follows this one: its end leaves the channels as they are */
  gboolean kept;         /* ended, and its channels wait for the next connection */
  gboolean was_ready;    /* WELCOME has arrived on this connection */
  gboolean held;         /* calls of the user wait until release() */
  GError *broker_error;  /* an ERROR about the connection, which the broker is about to close */
  guint64 offered;       /* features, in HELLO */
  DeyeBusWelcome welcome;
  DeyeBusCounts counts;
  DeyeBusEvents *events; /* the client's */

  WireFrameReader reader;
  DeyeBusMessagePool spare; /* blocks of messages that were handled */
  DeyeBusOutbuf out;
  DeyeBusOwnFrames own; /* in @out */
  DeyeBusOwnCredit own_credit;
  guint64 trim_added;      /* total of bytes added to @out when tick() found spare chunks */
  gint64 trim_us;          /* the chunks are freed at this time if nothing was added since; 0: there are none */
  gboolean out_dead;       /* nothing can be written any more */
  DeyeBusOutCount dropped; /* messages that were dropped before they were written */
  DeyeBusStash *stash;     /* the client's; NULL: none */
  guint64 unasked_sent;    /* publishes of the program without an acknowledgement that were added to @out */
  guint64 unasked_proved;  /* of these, the number that the broker has handled for certain */
  guint64 unasked_kept;    /* of these, the number that was not written: it waits for the next connection */
  guint64 uncertain;       /* of these, after the end: the number that may or may not have arrived */

  guint64 last_id;
  guint64 newest_message; /* the greatest number of a message that was sent */
  DeyeBusPendingTable pending;
  DeyeBusSendQueue send_queue;
  DeyeBusPlainTopic plain;
  GQueue flushes; /* of SessionFlush */

  DeyeBusChannelTable channels;
  gboolean owes_credit; /* messages were handled whose credit is less than a quarter of the window */
  gint64 rest_us;       /* it is returned at this time; 0: there was no tick() since */
  GPtrArray
      *owing; /* of DeyeBusChannel, entered: prompt channels that have handled messages and may owe credit for them */
  gint64 early_us;      /* time of the last return_early() that returned credit */
  gboolean early_waits; /* a prompt channel has handled a message since then */
  guint owing_messages; /* handled under the policy Block since @owing was last empty */
  guint64 owing_bytes;
  gint64 prompt_us; /* of the leaky bucket: time of the next CREDIT if they were sent at an even rate */
  gint64 now_us;    /* of the last tick() */
  DeyeBusRouteTable routes;
  guint64 undelivered; /* answers to requests that gave a task, for which no DELIVERED has arrived */
  DeyeBusRestore restore;
  DeyeBusRetainedStore retained;
  DeyeBusRepublish republish;
  DeyeBusCatchup catchup;
};

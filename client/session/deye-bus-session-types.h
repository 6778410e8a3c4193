/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Types that the files of the session and its users share: states, both sides of the handshake, counters. */

typedef struct DeyeBusSession DeyeBusSession;

typedef enum
{
  DEYE_BUS_SESSION_HELLO, /* HELLO is sent, WELCOME has not come */
  DEYE_BUS_SESSION_READY,
  DEYE_BUS_SESSION_ENDED, /* nothing comes in or is added any more; what the out-buffer holds may still be written */
} DeyeBusSessionState;

typedef struct
{
  const char *id;
  const char *type; /* nullable */
  guint32 role;
  guint64 incarnation;
  const char *software_version;
  guint64 connection;   /* number of the connection among those of the client */
  guint64 last_message; /* the number that the client gave to a message last; 0: none */
  guint64 features;     /* that the client can use */
} DeyeBusHello;

typedef struct
{
  guint64 epoch;
  guint64 largest_payload;
  guint64 features; /* that both sides know, of wire-feature */
  guint32 role;
  char *software_version;
} DeyeBusWelcome;

typedef struct
{
  guint64 published; /* directs and broadcasts, too */
  guint64 requested;
  guint64 answered;
  guint64 received; /* messages and requests */
  guint64 missed;   /* reported by GAP */
} DeyeBusCounts;

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Types that the files of the session and its users share: states, the two sides of the handshake, counters. */

typedef struct DeyeBusSession DeyeBusSession;

typedef enum
{
  DEYE_BUS_SESSION_HELLO, /* HELLO is sent, WELCOME has not come */
  DEYE_BUS_SESSION_READY,
  DEYE_BUS_SESSION_ENDED, /* no frame is read or added any more; bytes in the out-buffer may still be written */
} DeyeBusSessionState;

typedef struct
{
  const char *id;
  const char *type; /* nullable */
  guint32 role;
  guint64 incarnation;
  const char *software_version;
  guint64 connection;   /* number of this connection, counted by the client */
  guint64 last_message; /* the last number that the client gave to a message; 0: none */
  guint64 features;     /* features that the client can use */
} DeyeBusHello;

typedef struct
{
  guint64 epoch;
  guint64 largest_payload;
  guint64 features; /* features that both sides know, bits of wire-feature */
  guint32 role;
  char *software_version;
} DeyeBusWelcome;

typedef struct
{
  guint64 published; /* includes directs and broadcasts */
  guint64 requested;
  guint64 answered;
  guint64 received; /* messages and requests */
  guint64 missed;   /* reported by GAP */
} DeyeBusCounts;

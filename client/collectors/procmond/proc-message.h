/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The messages of Linux' process connector: a process was created, executed another program, was renamed, or ended.
 *
 * This module only parses the bytes of a datagram. A datagram may contain several netlink messages; those of other senders or
 * kinds are skipped. Numbers have the byte order of the machine.
 *
 * Threads cause messages, too: pid is the number of the thread, and process the number of its process. Both are equal for the
 * first thread of a process.
 *
 * Invariant: no byte beyond the datagram is read, even if the lengths in its messages are wrong, and every call advances by at
 * least the header of one message.
 */

typedef enum
{
  PROC_MESSAGE_NONE, /* a confirmation: see token and error */
  PROC_MESSAGE_FORK,
  PROC_MESSAGE_EXEC,
  PROC_MESSAGE_COMM, /* the process has changed its name */
  PROC_MESSAGE_EXIT,
} ProcMessageKind;

typedef struct
{
  ProcMessageKind kind;
  guint32 pid;
  guint32 process;
  guint32 parent;  /* FORK: process that created it */
  guint32 status;  /* EXIT: as wait() reports it */
  guint64 time_ns; /* of the clock CLOCK_MONOTONIC */
  guint32 token;   /* NONE: the token of the confirmed request */
  guint32 error;   /* NONE: errno; 0: success */
} ProcMessage;

typedef enum
{
  PROC_MESSAGES_END,
  PROC_MESSAGES_ONE,
  PROC_MESSAGES_MALFORMED, /* the rest of the datagram can't be read */
} ProcMessagesResult;

/* Reads the next message of the @len bytes at *@at, and advances *@at. @message: set if the result is PROC_MESSAGES_ONE. */
ProcMessagesResult proc_messages_next (const guint8 *bytes, gsize len, gsize *at, ProcMessage *message);

/* Writes the request to report processes. The kernel confirms it with the token. */
#define PROC_REQUEST_BYTES 40u
void proc_messages_write_request (guint8 bytes[PROC_REQUEST_BYTES], guint32 token);

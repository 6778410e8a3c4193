/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "client-fixture.h"

/*
 * A subscription of the fixture's client whose messages and gaps are recorded as one line of text, in order, so that a test
 * compares them with one string.
 */

typedef struct
{
  ClientFixture *f;
  DeyeBusSubscription *subscription;
  GString *got; /* payloads and gaps, each followed by a blank; several logs may share it */
  guint destroyed;
  void (*act) (gpointer log, const char *payload); /* called in the callback */
  guint64 credit;                                  /* credit that act() received */
} ClientLog;

/* Callbacks for a call that subscribes. @data: the log. */
void client_log_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data);
void client_log_destroyed (gpointer data);

/* Subscribes to `events.#` with a window of 100 messages. @id: the id of the answer to the next call. @pull: TRUE: without a
 * callback. @got: (nullable): a string to share. */
void
client_log_subscribe (ClientFixture *f, ClientLog *log, guint64 id, DeyeBusPolicy policy, gboolean pull, GString *got);
/* The same, but connects first and reads the request. */
void client_log_start (ClientFixture *f, ClientLog *log, DeyeBusPolicy policy, gboolean pull);
/* Closes the client. */
void client_log_finish (ClientLog *log);

/* Scripts a frame of the broker. */
void client_log_deliver (const ClientLog *log, const char *payload);
void client_log_gap (const ClientLog *log, guint64 from, guint64 to);

/* Takes the next message, with a synchronous call. There must be one. */
void client_log_take_one (const ClientLog *log);

void client_log_pause (const ClientLog *log);
void client_log_resume (const ClientLog *log);
/* Makes a synchronous request. @id: the id of its answer. */
void client_log_ask (const ClientLog *log, guint64 id);

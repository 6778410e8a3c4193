/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"

/*
 * What tests of pressure say again and again: fill a queue, let the receiver catch up, and read what became of each
 * message as one line of text.
 *
 * A story is all that came for a subscription since core_mark(), in order: accept sequences counted from there, and gaps as
 * "[from-to:count reason]" with the reasons full, refused, expired, no-memory and limit. So "1 2 [3-5:3 full] 6" says
 * which messages were lost, why, and where the loss was told. Nothing here knows what should happen.
 */

/* The next message accepted is 1 in every story, what was before is in none. */
void core_mark (Core *core);
/* Bytes that the broker holds. */
guint64 core_memory (const Core *core);

char *client_story (Client *client, guint32 subscription);
#define assert_story(client, subscription, want)                                                                       \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *story_ = client_story (client, subscription);                                                     \
    g_assert_cmpstr (story_, ==, want);                                                                                \
  }                                                                                                                    \
  G_STMT_END

/* ACKs, which are taken out: "matched/queued/refused" each, with "!" behind it when its status was WOULD_BLOCK. */
char *client_acks (Client *client);
#define assert_acks(client, want)                                                                                      \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *acks_ = client_acks (client);                                                                     \
    g_assert_cmpstr (acks_, ==, want);                                                                                 \
  }                                                                                                                    \
  G_STMT_END

/* Publishes @n messages of @size to one topic and wants an ACK for each; gives the id of the last. */
guint64 client_publish_many (Client *client, const char *topic, guint n, gsize size);
/* Publishes one small message to events.process.X for each letter X. */
void client_publish_letters (Client *client, const char *letters);
guint64 client_publish_ttl (Client *client, const char *topic, guint64 ttl_us, gsize size);

/* Returns credit for the next @n messages that came for the subscription (each of @size), or for all. */
void client_return (Client *client, guint32 subscription, guint n, gsize size);
void client_return_all (Client *client, guint32 subscription);
/* Reads and returns credit until nothing more comes. */
void client_catch_up (Client *client, guint32 subscription);

/* How many were dropped by it. One that is stopped can't read the answer: 0. */
guint64 client_adjust (Client *client,
                       guint32 subscription,
                       guint policy,
                       guint64 queue_messages,
                       guint64 queue_bytes,
                       WireStatus want);
void client_unsubscribe (Client *client, guint32 subscription);

/* Publish credit that was told since the last call, of one class: how often, and the last totals (0: never). */
typedef struct
{
  guint times;
  guint64 messages;
  guint64 bytes;
} Told;
Told client_credit_told (Client *client, guint credit_class);

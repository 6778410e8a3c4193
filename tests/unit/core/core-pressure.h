/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"

/*
 * Steps that tests of pressure share: fill a queue, let the receiver catch up, and read the outcome of each message as one
 * line of text.
 *
 * The text of the deliveries lists everything that a subscription received since core_mark(), in order: accept sequences counted
 * from there, and gaps as "[from-to:count reason]" with the reasons full, refused, expired, no-memory and limit. So
 * "1 2 [3-5:3 full] 6" shows which messages were lost, the reason, and the place of the gap. This module does not know the
 * expected outcome.
 */

/* The next accepted message is 1 in the texts of the deliveries; earlier messages are left out. */
void core_mark (Core *core);
/* Bytes that the broker holds. */
guint64 core_memory (const Core *core);

char *client_deliveries (Client *client, guint32 subscription);
#define assert_deliveries(client, subscription, want)                                                                  \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *deliveries_ = client_deliveries (client, subscription);                                           \
    g_assert_cmpstr (deliveries_, ==, want);                                                                           \
  }                                                                                                                    \
  G_STMT_END

/* Takes the ACKs, and returns "matched/queued/refused" for each, followed by "!" if its status is WOULD_BLOCK. */
char *client_acks (Client *client);
#define assert_acks(client, want)                                                                                      \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *acks_ = client_acks (client);                                                                     \
    g_assert_cmpstr (acks_, ==, want);                                                                                 \
  }                                                                                                                    \
  G_STMT_END

/* Publishes @n messages of @size to one topic and requests an ACK for each; returns the id of the last one. */
guint64 client_publish_many (Client *client, const char *topic, guint n, gsize size);
/* Publishes one small message to events.process.X for each letter X. */
void client_publish_letters (Client *client, const char *letters);
guint64 client_publish_ttl (Client *client, const char *topic, guint64 ttl_us, gsize size);

/* Returns credit for the next @n received messages of the subscription (each of @size), or for all. */
void client_return (Client *client, guint32 subscription, guint n, gsize size);
void client_return_all (Client *client, guint32 subscription);
/* Reads and returns credit until no more frames arrive. */
void client_catch_up (Client *client, guint32 subscription);

/* Returns the number of messages that the change dropped; 0 for a stopped client, which can't read the answer. */
guint64 client_adjust (Client *client,
                       guint32 subscription,
                       guint policy,
                       guint64 queue_messages,
                       guint64 queue_bytes,
                       WireStatus want);
void client_unsubscribe (Client *client, guint32 subscription);

/* The announcements of publish credit of one class since the last call: their number, and the last totals (0: none). */
typedef struct
{
  guint times;
  guint64 messages;
  guint64 bytes;
} CreditTotals;
CreditTotals client_take_credit (Client *client, guint credit_class);

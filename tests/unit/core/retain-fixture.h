/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"

/*
 * Retained messages: publishing by clients, and delivery to later subscribers. Accounts may retain 4 messages and 8 KiB.
 */

#define TOPIC "health.disk"
#define OTHER "health.cpu"

void retain_set_up (Core *core, gconstpointer data);

/* Returns the id of the frame, which may be refused. */
guint64 client_send_retained (Client *client, const char *topic, const char *text, guint32 delivery, gint64 ttl_us);
/* The same; asserts that it is not refused. */
void client_retain (Client *client, const char *topic, const char *text);
void client_publish_text (Client *client, const char *topic, const char *text);
/* Subscribes, and takes no frame from the queue. */
void client_subscribe_stopped (Client *client, guint32 subscription, const char *pattern);

/* Returns TRUE if a DELIVER marks the end of the retained messages of a subscription. */
gboolean got_is_end (const Got *got);
/* Takes all deliveries, and returns them as text: the payload, with "*" after a retained one, and "." for the end of the
 * retained ones. */
char *client_take_all (Client *client);

#define assert_got(client, expected)                                                                                   \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *all = client_take_all (client);                                                                 \
                                                                                                                       \
      g_assert_cmpstr (all, ==, expected);                                                                             \
    }                                                                                                                  \
  while (0)

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The replies of a collector to calls and requests. A reply that can't be delivered, because the requester has disconnected or
 * its deadline has passed, is logged and dropped.
 */

/* @options: (nullable). */
void collector_reply (DeyeBusClient *client, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options);
void collector_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail);

/* Returns the largest size of a list, in bytes, in a reply or in the result of a task that also contains @rest other bytes. */
gsize collector_reply_room (DeyeBusClient *client, gsize rest);

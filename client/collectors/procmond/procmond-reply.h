/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * procmond's replies to calls and requests. A reply that can't be delivered, because the requester has disconnected or its
 * deadline has passed, is logged and dropped.
 */

/* @options: (nullable). */
void procmond_reply (DeyeBusClient *client, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options);

void procmond_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail);

#define PROCMOND_NO_PROCESSES "the processes can't be listed now: try again"
/* Replies that. */
void procmond_reply_no_processes (DeyeBusClient *client, DeyeBusMessage *request);

/* The bytes that a table of processes may have in a reply, or in the result of a task, with @rest other bytes. */
gsize procmond_reply_room (DeyeBusClient *client, gsize rest);

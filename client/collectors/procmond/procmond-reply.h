/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * procmond's replies to calls and tasks. A reply that can't be delivered, because the requester has disconnected or its
 * deadline has passed, is logged and dropped.
 */

/* @options: (nullable). */
void procmond_reply (DeyeBusClient *client, DeyeBusMessage *request, GBytes *payload, DeyeBusOptions *options);

void procmond_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail);

/* Replies that processes can't be listed now. */
void procmond_reply_no_processes (DeyeBusClient *client, DeyeBusMessage *request);

/* The bytes that a table of processes may have in a reply with @rest other bytes. */
gsize procmond_reply_room (DeyeBusClient *client, gsize rest);

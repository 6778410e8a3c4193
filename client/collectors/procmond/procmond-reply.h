/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * procmond's replies to calls and tasks. A reply that can't be delivered, because the requester has disconnected or its
 * deadline has passed, is logged and dropped.
 */

/* @options: (nullable). A payload above the broker's limit becomes the error ResultTooLarge with @too_large as its
 * detail. */
void procmond_reply (DeyeBusClient *client,
                     DeyeBusMessage *request,
                     GBytes *payload,
                     DeyeBusOptions *options,
                     const char *too_large);

void procmond_reply_error (DeyeBusClient *client, DeyeBusMessage *request, const char *name, const char *detail);

/* Replies that processes can't be listed now. */
void procmond_reply_no_processes (DeyeBusClient *client, DeyeBusMessage *request);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The slow subscriber of the demonstration. It is a separate process, which the agent starts from its own program and suspends.
 *
 * It subscribes with a queue far smaller than the number of messages, counts the received and the missed ones, and
 * publishes a report to results.procmond: once when it has subscribed, and once when the last message has arrived. It does
 * not notice that it is suspended.
 */

#define JOB_SUBSCRIBER_ID          "slow-1"
#define JOB_SUBSCRIBER_TOPIC       "events.process.demo"
#define JOB_SUBSCRIBER_REPORTS     "results.procmond"
#define JOB_SUBSCRIBER_CORRELATION "demo-slow"
#define JOB_SUBSCRIBER_WINDOW      16u /* messages that the broker may send ahead */
#define JOB_SUBSCRIBER_QUEUE       64u /* messages that may wait in the broker */

/* Runs until a stop request or the end of the connection. @last: number of the last message. */
gboolean job_subscriber_run (const char *address, guint64 last, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The slow subscriber of the demonstration: a process of its own, which the agent starts from its own program and stops
 * with SIGSTOP.
 *
 * It subscribes with a bound far below what comes, counts what it gets and what it is told to have missed, and reports
 * both on results.procmond: once when it has subscribed, and once when the last message has come. It does not know that it
 * is being stopped.
 */

#define JOB_SUBSCRIBER_ID          "slow-1"
#define JOB_SUBSCRIBER_TOPIC       "events.process.demo"
#define JOB_SUBSCRIBER_REPORTS     "results.procmond"
#define JOB_SUBSCRIBER_CORRELATION "demo-slow"
#define JOB_SUBSCRIBER_WINDOW      16u /* messages that may be on the way to it */
#define JOB_SUBSCRIBER_QUEUE       64u /* messages that may wait for it in the broker */

/* Until SIGTERM, or the end of the connection. @last: number of the last message. */
gboolean job_subscriber_run (const char *address, guint64 last, GError **error);

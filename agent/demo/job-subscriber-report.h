/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

#include <json-glib/json-glib.h>

/*
 * The report of the slow subscriber, as JSON: its numbers of received messages, and its gaps. The subscriber writes the report in
 * its process; the demonstration reads it in the agent.
 */

typedef struct
{
  guint64 received;
  guint64 missed;
  guint64 out_of_place;
  guint64 from;          /* of the first gap */
  guint64 to;            /* of the last gap */
  guint64 in_gaps;       /* sum of all gaps */
  gboolean only_dropped; /* every gap has the reason SLOW_CONSUMER */
} SubscriberReport;

/* Appends a gap as the subscription reported it. */
void job_subscriber_report_add_gap (JsonArray *gaps, guint64 from, guint64 to, guint64 count, guint reason);

/* @gaps: as job_subscriber_report_add_gap() made it. (transfer full) */
GBytes *job_subscriber_report_write (guint64 received, guint64 missed, guint64 out_of_place, JsonArray *gaps);

/* Reads the payload of @message. Returns the report as JSON, for the facts of a step; an empty object if it can't be read.
 * (transfer full) */
JsonObject *job_subscriber_report_read (DeyeBusMessage *message, SubscriberReport *report);

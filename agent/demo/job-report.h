/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * How the job tells what it did: a line for people, or a JSON object a line for programs.
 *
 * A step is begun, given facts, and ended with a verdict; it decides nothing. Colour and marks only where a terminal can
 * show them (NO_COLOR, the locale's character set).
 */

typedef struct
{
  gboolean json;
  gboolean colour;
  gboolean utf8;
  guint failed;
} JobReport;

void job_report_init (JobReport *report, gboolean json);

/* One line. @facts: (nullable) (transfer full): members of the JSON object besides step, ok and text. */
void job_report_step (JobReport *report, const char *step, gboolean ok, JsonObject *facts, const char *format, ...)
    G_GNUC_PRINTF (5, 6);
/* More lines to the step before, for people only. */
void job_report_detail (JobReport *report, const char *format, ...) G_GNUC_PRINTF (2, 3);

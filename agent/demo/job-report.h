/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <json-glib/json-glib.h>

/*
 * The output of the demonstration: one line per step for people, or one JSON object per line for programs.
 *
 * It prints and counts the results of the steps. Texts may contain data of peers and processes; this module escapes control
 * characters in them, so the steps need not. Colour and marks are used only if the terminal can show them (NO_COLOR, the
 * locale's character set).
 */

typedef struct
{
  gboolean json;
  gboolean colour;
  gboolean utf8;
  guint failed;
} JobReport;

void job_report_init (JobReport *report, gboolean json);

/* Prints the result of a step. @facts: (nullable) (transfer full): members of the JSON object besides step, ok and
 * text. */
void job_report_step (JobReport *report, const char *step, gboolean ok, JsonObject *facts, const char *format, ...)
    G_GNUC_PRINTF (5, 6);
/* Prints an object as a line of JSON. (transfer full) */
void job_report_object (JsonObject *object);
/* Prints a further line about the last step, for people only. */
void job_report_detail (JobReport *report, const char *format, ...) G_GNUC_PRINTF (2, 3);

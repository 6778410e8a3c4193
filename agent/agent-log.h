/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Log records of the agent: structured, in the domain of the bus, in English.
 *
 * A record describes the behaviour of another process, never a fault of the agent. So all records have the GLib level
 * G_LOG_LEVEL_MESSAGE, which is shown by default; with G_LOG_LEVEL_WARNING the end of a collector would abort an agent that runs
 * with fatal warnings. The syslog priority distinguishes the two levels.
 */

typedef enum
{
  AGENT_LOG_WARNING = 4, /* syslog numbers: an event that an operator should examine */
  AGENT_LOG_NOTICE = 5,  /* an event that an operator may search for later */
} AgentLogLevel;

typedef struct
{
  const char *key; /* "PEER", "PID"; NULL ends a list */
  const char *value;
} AgentLogField;

/* @fields: ends with a NULL key. */
void agent_log (AgentLogLevel level, const AgentLogField *fields, const char *format, ...) G_GNUC_PRINTF (3, 4);

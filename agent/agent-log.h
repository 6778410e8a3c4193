/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Log records of the agent: structured, in the domain of the bus, in English.
 *
 * A record reports what another process did, never a fault of the agent. So GLib gets all of them at G_LOG_LEVEL_MESSAGE, which
 * is shown by default; with G_LOG_LEVEL_WARNING the end of a collector would end an agent that runs with fatal warnings. The
 * syslog priority distinguishes the two levels.
 */

typedef enum
{
  AGENT_LOG_WARNING = 4, /* syslog numbers: something to examine */
  AGENT_LOG_NOTICE = 5,  /* what an operator wants to find afterwards */
} AgentLogLevel;

typedef struct
{
  const char *key; /* "PEER", "PID"; NULL ends a list */
  const char *value;
} AgentLogField;

/* @fields: ends with a NULL key. */
void agent_log (AgentLogLevel level, const AgentLogField *fields, const char *format, ...) G_GNUC_PRINTF (3, 4);

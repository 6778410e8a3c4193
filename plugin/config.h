/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "base/bus-strategy.h"

/*
 * The configuration of the broker, as read from a key file.
 *
 * [socket] address, group, uids, tool-uids; [limits] one key for each row of BUS_LIMITS_TABLE, named like the row with dashes;
 * [group NAME] strategy, in-flight, weights; [peers] health-failed-action.
 * A given file that can't be read is an error, and so is an invalid group, key or value; the message names file, group and key.
 * The broker never silently uses defaults instead. A limit that the file does not contain has its default value, adjusted as far
 * as the limits in the file require it. The file is read once and not watched.
 *
 * Invariant: a BusConfig that was loaded is complete, in range and free of contradictions.
 */

typedef struct
{
  BusLimits limits;
  char *address;      /* NULL: not configured */
  char *socket_group; /* NULL: only the owner can reach the address */
  guint32 *accounts;  /* accounts that may connect; default: the broker's own */
  gsize n_accounts;
  guint32 *tool_accounts; /* accounts that may connect as a tool; default: the broker's own */
  gsize n_tool_accounts;
  GArray *groups;         /* BusGroupRule */
  gboolean closes_failed; /* closes connections whose health is FAILED; default: only reports them */
} BusConfig;

#define BUS_CONFIG_ERROR (bus_config_error_quark ())
typedef enum
{
  BUS_CONFIG_ERROR_READ,  /* the file can't be read */
  BUS_CONFIG_ERROR_VALUE, /* unknown group or key, bad value, contradiction */
} BusConfigError;
GQuark bus_config_error_quark (void);

/* Returns the built-in defaults. */
BusConfig *bus_config_new (void);
/* @path: a key file; NULL: the built-in defaults. */
BusConfig *bus_config_load (const char *path, GError **error);
void bus_config_free (BusConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BusConfig, bus_config_free)

/* Returns the address to listen on: @host_address, else the configured one, else platform_broker_address(). NULL: there is none.
 * (transfer full) */
char *bus_config_resolve_address (const BusConfig *config, const char *host_address);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"

/*
 * The broker's configuration: a key file becomes plain structs.
 *
 * [socket] address, group, uids, tool-uids; [limits] one key for each row of BUS_LIMITS_TABLE, by its name with dashes.
 * Whatever is not understood is an error that names file, group and key: a configured file that can't be read never falls
 * back to defaults. It reads once and keeps nothing open.
 *
 * Invariant: a BusConfig that was loaded is complete, in range and free of contradictions.
 */

typedef struct
{
  BusLimits limits;
  char *address;      /* NULL: not configured */
  char *socket_group; /* NULL: only the owner */
  guint32 *uids;      /* who may connect; default: the broker's own */
  gsize n_uids;
  guint32 *tool_uids; /* who may say hello as a tool; default: the broker's own */
  gsize n_tool_uids;
} BusConfig;

#define BUS_CONFIG_ERROR (bus_config_error_quark ())
typedef enum
{
  BUS_CONFIG_ERROR_READ,  /* the file can't be read */
  BUS_CONFIG_ERROR_VALUE, /* unknown group or key, bad value, contradiction */
} BusConfigError;
GQuark bus_config_error_quark (void);

/* Built-in defaults. */
BusConfig *bus_config_new (void);
/* @path: a key file, or NULL: defaults. */
BusConfig *bus_config_load (const char *path, GError **error);
void bus_config_free (BusConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BusConfig, bus_config_free)

/* Where to listen: what the host says, else the configuration, else $DAEMONEYE_BROKER_SOCKET, else the system's default.
 * NULL when there is none (no XDG_RUNTIME_DIR). Transfer full. */
char *bus_config_resolve_address (const BusConfig *config, const char *host_address);

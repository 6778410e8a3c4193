/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error.h"
#include "wire-envelope.h"

/*
 * Makes a GError from a status of the broker, with one table of status, error code and message, and makes the errors of the
 * library itself.
 *
 * The message contains advice for the user. Details that the broker has sent are appended to it.
 */

/* @envelope: of an ERROR, an error REPLY or an ACK with a status. The message names limit, value and setting if
 * the broker sent them. */
GError *deye_bus_error_from_envelope (const WireEnvelope *envelope);

/* TRUE if @envelope is the ERROR that reports messages dropped because a receiver blocked for too long. */
gboolean deye_bus_error_is_block_over (const WireEnvelope *envelope);

/* @detail: (nullable) of a GOODBYE, in English. */
GError *deye_bus_error_from_goodbye (guint32 status, const char *detail);

/* The error of a limit that the library itself checks, with the same text as one from the broker. */
GError *deye_bus_error_new_limit (const char *what, guint64 limit, guint64 value, const char *setting);

/* The key of a setting in the broker's configuration: @setting, as messages name it, with dashes. (transfer full) */
char *deye_bus_error_setting_key (WireSpan setting);

/* An error of the library's domain. The caller translates @format. */
GError *deye_bus_error_new (DeyeBusError code, const char *format, ...) G_GNUC_PRINTF (2, 3);

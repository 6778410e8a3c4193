/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-error.h"
#include "wire-envelope.h"

/*
 * From what the broker says to a GError: one table of status, code and what to do about it.
 */

/* @envelope: of an ERROR, an error REPLY or an ACK with a status. Names limit, value and setting when they are told. */
GError *deye_bus_error_from_envelope (const WireEnvelope *envelope);

/* An ERROR that tells what was dropped since a block lasted too long. */
gboolean deye_bus_error_is_block_over (const WireEnvelope *envelope);

/* @detail: (nullable) of a GOODBYE, in English. */
GError *deye_bus_error_from_goodbye (guint32 status, const char *detail);

/* A limit that this side knows, in the same words. */
GError *deye_bus_error_new_limit (const char *what, guint64 limit, guint64 value, const char *setting);

/* A plain one of our domain. @format is translated by the caller. */
GError *deye_bus_error_new (DeyeBusError code, const char *format, ...) G_GNUC_PRINTF (2, 3);

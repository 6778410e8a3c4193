/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-error.h"
#include "ctl-options.h"
#include "ctl-output.h"
#include "ctl-types.h"
#include "deye-bus.h"
#include "wire-guard.h"

/*
 * The state of one run of deyebusctl, the command-line tool for people and scripts. A run executes one verb; ctl-verb-table.c has
 * the table of verbs, and each group of verbs has a file.
 *
 * A verb sends its requests through this module, which connects with the first request, and prints with ctl-output. A verb
 * that fails returns FALSE with an error; the error decides the exit code. A verb prints no output before it has the reply.
 */

typedef struct
{
  CtlOptions options;
  CtlOutput output;
  DeyeBusClient *client; /* NULL: not connected yet */
  GPtrArray *described;  /* of CtlDescription, in the order of asking; NULL: no peer was asked yet (ctl-described) */
  CtlTypes *types;       /* types of the library's own schemas */
  gint64 deadline_us;    /* of the present operation; G_MAXINT64: none */
  guint asking;          /* pending requests in the background */
  gboolean ending;       /* answers to requests in the background are ignored */
} Ctl;

void ctl_init (Ctl *ctl);
void ctl_clear (Ctl *ctl);

/* Starts the time of --timeout. It limits everything until the next start: connecting and all requests together. */
void ctl_start_clock (Ctl *ctl);
/* Ends the time limit of --timeout. Afterwards only single requests have a time limit. */
void ctl_stop_clock (Ctl *ctl);
/* Returns the time that is left of --timeout, at least 1. */
gint64 ctl_time_left_us (const Ctl *ctl);

gboolean ctl_connect (Ctl *ctl, GError **error);
/* Does the same as ctl_connect(), but waits for a broker, and the client connects again when the connection ends. */
gboolean ctl_connect_patiently (Ctl *ctl, GError **error);
gboolean ctl_is_connected (const Ctl *ctl);

/* Returns options whose timeout is the remaining time. (transfer full) */
DeyeBusOptions *ctl_call_options (const Ctl *ctl);

/* Does the same for a message of the user, and sets the fields that the command line gives. (transfer full) */
DeyeBusOptions *ctl_message_options (const Ctl *ctl);

/* Sends @request to @topic and reads the reply as @reply_type. @target, @method: (nullable). (transfer full) */
WireGuard *ctl_ask (Ctl *ctl,
                    const char *topic,
                    const char *target,
                    const char *method,
                    const ProtobufCMessage *request,
                    const ProtobufCMessageDescriptor *reply_type,
                    GError **error);

/* Does the same as ctl_ask(), for a standard method of the connected peer @peer. */
WireGuard *ctl_ask_peer (Ctl *ctl,
                         const char *peer,
                         const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *reply_type,
                         GError **error);

/* TRUE: @id is the id of this run on the bus. */
gboolean ctl_is_own_id (const Ctl *ctl, const char *id);

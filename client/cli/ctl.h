/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-error.h"
#include "ctl-options.h"
#include "ctl-output.h"
#include "ctl-types.h"
#include "deye-bus.h"
#include "wire-guard.h"

/*
 * The state of one run of deyebusctl, the command-line tool for people and scripts. A run executes one verb;
 * ctl-main.c has the table of verbs, and each group of verbs has a file.
 *
 * A verb sends requests through this module, which connects when the first one is sent, and prints with ctl-output. A
 * verb that fails returns FALSE with an error; the error decides the exit code. A verb prints nothing before it has
 * the reply.
 */

typedef struct
{
  CtlOptions options;
  CtlOutput output;
  DeyeBusClient *client; /* NULL: not connected yet */
  GPtrArray *described;  /* of CtlDescription, in the order of asking; NULL: no peer was asked yet (ctl-described) */
  CtlTypes *types;       /* types of the library's own schemas */
  gint64 deadline_us;    /* of what is being done; G_MAXINT64: none */
  guint asking;          /* pending requests in the background */
  gboolean ending;       /* their answers are ignored from now on */
} Ctl;

void ctl_init (Ctl *ctl);
void ctl_clear (Ctl *ctl);

/* The time that --timeout gives begins now. It bounds everything up to the next start: connecting, and all requests
 * together. */
void ctl_start_clock (Ctl *ctl);
/* From now on nothing is bounded but single requests. */
void ctl_stop_clock (Ctl *ctl);
/* At least 1. */
gint64 ctl_time_left_us (const Ctl *ctl);

gboolean ctl_connect (Ctl *ctl, GError **error);
/* The same, but waits for a broker, and the client connects again when the connection ends. */
gboolean ctl_connect_patiently (Ctl *ctl, GError **error);
gboolean ctl_is_connected (const Ctl *ctl);

/* Options with the time that is left as their timeout; (transfer full). */
DeyeBusOptions *ctl_call_options (const Ctl *ctl);

/* The same for a message of the user, with what the options say about it; (transfer full). */
DeyeBusOptions *ctl_message_options (const Ctl *ctl);

/* Sends @request to @topic and reads the reply as @reply_type. @target, @method: (nullable). (transfer full) */
WireGuard *ctl_ask (Ctl *ctl,
                    const char *topic,
                    const char *target,
                    const char *method,
                    const ProtobufCMessage *request,
                    const ProtobufCMessageDescriptor *reply_type,
                    GError **error);

/* As ctl_ask(), for a standard method of the connected peer @peer. */
WireGuard *ctl_ask_peer (Ctl *ctl,
                         const char *peer,
                         const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *reply_type,
                         GError **error);

/* TRUE if @id is the id of this run on the bus. */
gboolean ctl_is_own_id (const Ctl *ctl, const char *id);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/*
 * Received messages and gaps, as `subscribe` prints them: one line or JSON object each, with --raw the payload alone.
 *
 * A payload is decoded if its type is already known. No request is sent for it.
 */

/* Messages that a subscription missed. */
typedef struct
{
  guint64 missed;
  guint64 from; /* sequence of the first missed message */
  guint64 to;   /* sequence of the last missed message */
  guint reason;
} CtlGap;

void ctl_message_view_show (Ctl *ctl, DeyeBusMessage *message);

/* With --raw the gap is printed on standard error, because a JSON object on standard output would look like a payload. */
void ctl_message_view_show_gap (Ctl *ctl, const CtlGap *gap);

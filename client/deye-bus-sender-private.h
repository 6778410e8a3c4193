/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-sender.h"
#include "deye-bus-senders.h"

/* The fields of a sender, for its files. */

/* --- deye-bus-sender.c --- */

/* FALSE: the object was constructed by its type alone, or belongs to the parent process. */
gboolean deye_bus_sender_check_usable (DeyeBusSender *self, GError **error);

struct _DeyeBusSender
{
  GObject parent_instance;

  DeyeBusSenderQueue *queue; /* NULL: constructed by its type alone */
};

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-options.h"
#include "deye-bus.h"

/*
 * The life of a collector program on the bus: it starts a DeyeBusCollector, reports once that everything works, and runs until
 * a signal or the end of the connection for good.
 *
 * The program has joined when the broker has answered its registration. A broker without tasks refuses the registration; the
 * program does there what needs no tasks. It is ready when it says so after that, or at once if it has no function for it. The
 * first heartbeat, which reports the health, is sent when the program is ready.
 */

typedef struct
{
  const CollectorOptions *options; /* borrowed */
  DeyeBusCollector *collector;
  DeyeBusClient *client;             /* that of the collector */
  void (*on_joined) (gpointer data); /* (nullable): with each connection */
  void (*on_ready) (gpointer data);  /* (nullable): once */
  gpointer data;
  gboolean is_ready;
  GError *failure; /* the program can't do its work; NULL: it can */
} CollectorBus;

/* @options: borrowed. The functions can be set before collector_bus_run(). */
void collector_bus_init (CollectorBus *self, const CollectorOptions *options);
void collector_bus_clear (CollectorBus *self);

/* Everything works; further calls do nothing. */
void collector_bus_report_ready (CollectorBus *self);
/* The program ends with @failure, (transfer full). */
void collector_bus_fail (CollectorBus *self, GError *failure);

/* Until the collector has stopped. FALSE with DEYE_BUS_ERROR_UNSENT: it has worked, and something was not sent at its end. */
gboolean collector_bus_run (CollectorBus *self, GError **error);

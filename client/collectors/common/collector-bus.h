/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-options.h"
#include "deye-bus.h"

/*
 * Runs a collector program on the bus: starts a DeyeBusCollector, reports once that the program is ready, and runs until a signal
 * or until the connection has ended for good.
 *
 * The program has joined when the broker has answered its registration. A broker without the feature TASKS refuses the
 * registration; then the program works without tasks. After it has joined, the program is ready when it calls
 * collector_bus_report_ready(), or at once if on_joined is NULL. The first heartbeat, which reports the health, is sent when
 * the program is ready.
 */

typedef struct
{
  const CollectorOptions *options; /* borrowed */
  DeyeBusCollector *collector;
  DeyeBusClient *client;             /* that of the collector */
  void (*on_joined) (gpointer data); /* (nullable): called for each connection */
  void (*on_ready) (gpointer data);  /* (nullable): called once */
  gpointer data;
  gboolean is_ready;
  GError *failure; /* the reason why the program can't work; NULL: none */
} CollectorBus;

/* @options: borrowed. The functions can be set before collector_bus_run(). */
void collector_bus_init (CollectorBus *self, const CollectorOptions *options);
void collector_bus_clear (CollectorBus *self);

/* Reports that the program is ready. Further calls do nothing. */
void collector_bus_report_ready (CollectorBus *self);
/* Ends the program with @failure. (transfer full) */
void collector_bus_fail (CollectorBus *self, GError *failure);

/* Runs until the collector has stopped. FALSE with DEYE_BUS_ERROR_UNSENT: it has worked until its end, but some messages
 * were not sent at the end. */
gboolean collector_bus_run (CollectorBus *self, GError **error);

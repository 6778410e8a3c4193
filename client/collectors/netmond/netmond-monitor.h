/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"
#include "netmond-options.h"

/*
 * Watches the listeners and connections of TCP and UDP that belong to one shard, and publishes an event when one appears or
 * vanishes.
 *
 * It polls the kernel's list, and reads the kernel's notices about sockets that have ended. The owners of a socket are searched
 * when the socket appears. The list and the processes are read in small steps of the main loop. A poll that takes longer than
 * the interval delays the next one.
 *
 * The unit `reading` of the collector's health is degraded while sockets can't be listed, are too many, or may belong to
 * processes that can't be read. The unit `notices` is degraded while the kernel does not report the end of every socket.
 */

#define NETMOND_CONNECTIONS_TOPIC "events.network.connections"
#define NETMOND_EVENT_TYPE        "daemoneye.eventbus.v1.SocketEvent"

typedef struct NetmondMonitor NetmondMonitor;

/* @collector: borrowed. Reads the present sockets as the baseline, without events. */
NetmondMonitor *netmond_monitor_new (DeyeBusCollector *collector, const NetmondOptions *options);
void netmond_monitor_free (NetmondMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetmondMonitor, netmond_monitor_free)

/* Starts to publish events. */
void netmond_monitor_start (NetmondMonitor *self);
/* FALSE: the value is out of range, and the interval is unchanged. */
gboolean netmond_monitor_set_interval (NetmondMonitor *self, guint64 interval_ms);

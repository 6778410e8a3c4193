/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"
#include "netmond-options.h"

/*
 * Watches the listeners and connections of TCP and UDP, and publishes those that appear and vanish, with the sockets of one
 * shard.
 *
 * It polls the kernel's list, and takes the notices of the kernel about sockets that have ended. Owners are looked for when a
 * socket appears. The list and the processes are read in small steps of the main loop. A poll that takes longer than the
 * interval delays the next one.
 *
 * The unit reading of the collector's health is degraded while sockets can't be listed, are too many, or may belong to
 * processes that can't be read, and the unit notices while the kernel does not report the end of every socket.
 */

#define NETMOND_CONNECTIONS_TOPIC "events.network.connections"
#define NETMOND_EVENT_TYPE        "daemoneye.eventbus.v1.SocketEvent"

typedef struct NetmondMonitor NetmondMonitor;

/* @collector: borrowed. Reads the sockets that there are, which causes no events. */
NetmondMonitor *netmond_monitor_new (DeyeBusCollector *collector, const NetmondOptions *options);
void netmond_monitor_free (NetmondMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetmondMonitor, netmond_monitor_free)

/* Begins to publish. */
void netmond_monitor_start (NetmondMonitor *self);
/* FALSE: it is out of range, and nothing changes. */
gboolean netmond_monitor_set_interval (NetmondMonitor *self, guint64 interval_ms);

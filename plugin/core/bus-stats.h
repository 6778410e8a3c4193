/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-peer.h"

/*
 * control.bus.stats: the broker's sums and one entry per peer. Agent and tool see all peers, a collector itself. It
 * counts nothing on its own: every number is kept where it arises.
 */
void bus_stats_answer (BusPeer *asker, guint64 id, gint64 now_us);

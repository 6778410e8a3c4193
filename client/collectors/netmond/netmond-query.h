/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The questions that netmond answers: list_sockets with a SocketQuery, connections_of with a ConnectionsQuery, and
 * describe_process with the DescribeProcess that all kinds of collectors answer. The answer of each is a SocketTable.
 *
 * The sockets of a process are those that its file descriptors name. A process that has none, or that has ended, is nothing
 * to describe, while connections_of fails if it can't read the process that was meant.
 */

extern const CollectorQuestion netmond_query_list;
extern const CollectorQuestion netmond_query_connections;
extern const CollectorQuestion netmond_query_describe;

/* The data of the questions. */
typedef struct
{
  guint max_sockets;
} NetmondQueryData;

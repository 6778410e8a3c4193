/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-question.h"

/*
 * The questions that netmond answers: list_sockets with a SocketQuery, connections_of with a ConnectionsQuery, and
 * describe_process with DescribeProcess, which several types of collectors answer. The answer is always a SocketTable.
 *
 * The sockets of a process are those of its file descriptors. For a process that has no sockets or has ended, the answer of
 * describe_process is empty, while connections_of fails if it can't read the process.
 */

extern const CollectorQuestion netmond_query_list;
extern const CollectorQuestion netmond_query_connections;
extern const CollectorQuestion netmond_query_describe;

/* The data that the questions share. */
typedef struct
{
  guint max_sockets;
} NetmondQueryData;

/* SPDX-License-Identifier: Apache-2.0 */
#include "netmond-query.h"

#include "collection.pb-c.h"
#include "collector-shard.h"
#include "deye-bus-pack.h"
#include "net-pack.h"
#include "net-reading.h"
#include "network.pb-c.h"

#define PROC       "/proc"
#define TABLE_TYPE DEYE_BUS_TYPE_PREFIX "SocketTable"
#define ALL        (1u << NET_TCP | 1u << NET_UDP | 1u << NET_UNIX)

typedef Daemoneye__Eventbus__V1__SocketQuery SocketQuery;
typedef Daemoneye__Eventbus__V1__ConnectionsQuery ConnectionsQuery;
typedef Daemoneye__Eventbus__V1__DescribeProcess DescribeProcess;

#define NO_SOCKETS "the kernel does not list sockets; the health of netmond says why"

/* An answer that is not complete yet. */
typedef struct
{
  NetReading *reading; /* NULL: there is nothing to read */
  NetFilter filter;
  guint64 after; /* of the sockets of a process: only cookies above this one */
  guint limit;
  gsize room;
  GHashTable *inodes; /* (nullable): inodes of the sockets of the process */
  NetOwner owner;     /* with inodes: the process */
  gboolean is_hidden; /* the system does not permit reading the process */
  NetTable *table;    /* NULL: it is being read */
} SocketsAnswer;

static void
sockets_free (gpointer data)
{
  SocketsAnswer *answer = data;

  g_clear_pointer (&answer->reading, net_reading_free);
  g_clear_pointer (&answer->inodes, g_hash_table_unref);
  g_clear_pointer (&answer->table, net_table_free);
  g_free (answer);
}

static gboolean
sockets_wants (const NetSocket *socket, gconstpointer data)
{
  return net_filter_matches (data, socket);
}

/* NULL with @refusal: the kernel does not list sockets. */
static SocketsAnswer *
sockets_start (SocketsAnswer *answer,
               guint protocols,
               guint states,
               gboolean without_owners,
               const NetmondQueryData *limits,
               CollectorRefusal *refusal)
{
  g_autoptr (GError) error = NULL;
  const NetRange range = { .protocols = protocols,
                           .states = states,
                           .limit = limits->max_sockets,
                           .without_owners = without_owners,
                           .wants = sockets_wants,
                           .data = &answer->filter };

  answer->reading = net_reading_new (&range, &error);
  if (answer->reading != NULL)
    return answer;
  g_info ("%s", error->message);
  *refusal = (CollectorRefusal){ "NoSockets", NO_SOCKETS, TRUE };
  sockets_free (answer);
  return NULL;
}

/* --- list_sockets --- */

static gboolean
sockets_check_list (const SocketQuery *query, CollectorRefusal *refusal)
{
  if ((guint) query->protocol > NET_PROTOCOL_LAST)
    *refusal
        = (CollectorRefusal){ "BadProtocol", "protocol must be that of TCP, UDP or Unix sockets: 1, 2 or 3", FALSE };
  else if ((guint) query->state > NET_STATE_LAST)
    *refusal = (CollectorRefusal){ "BadState", "state must be a SocketState: 1 to 11", FALSE };
  else if (query->local_port > G_MAXUINT16)
    *refusal = (CollectorRefusal){ "BadPort", "local_port must be at most 65535", FALSE };
  else if (!collector_shard_is_valid (query->shard, query->shards))
    *refusal = (CollectorRefusal){ "BadShard", COLLECTOR_BAD_SHARD, FALSE };
  return refusal->name == NULL;
}

static gpointer
sockets_begin_list (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const SocketQuery *query = message;
  SocketsAnswer *answer;
  guint protocols, states;

  if (!sockets_check_list (query, refusal))
    return NULL;
  protocols = query->protocol == 0 ? 1u << NET_TCP | 1u << NET_UDP : 1u << query->protocol;
  states = query->state == 0 ? NET_ALL_STATES : 1u << query->state;
  answer = g_new0 (SocketsAnswer, 1);
  answer->limit = query->limit;
  answer->room = room;
  answer->filter = (NetFilter){ .state = (guint8) query->state,
                                .local_port = (guint16) query->local_port,
                                .shard = query->shard,
                                .shards = query->shards,
                                .after = query->cursor };
  return sockets_start (answer, protocols, states, query->without_owners, data, refusal);
}

/* --- the sockets of a process --- */

static NetInodesResult
sockets_read_process (SocketsAnswer *answer, guint32 pid, guint64 start_time)
{
  return net_owner_inodes (PROC, pid, start_time, &answer->owner, &answer->inodes);
}

static const CollectorRefusal unreadable_processes[] = {
  [NET_INODES_ABSENT]
  = { "NoSuchProcess", "netmond sees no process with this pid; it may have ended, or be hidden", FALSE },
  [NET_INODES_HIDDEN]
  = { "Unreadable",
      "netmond may not read the file descriptors of this process: run netmond as its user or as root, or with "
      "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
      FALSE },
  [NET_INODES_OTHER]
  = { "OtherProcess", "the process that was meant has ended: the one with this pid started at another time", FALSE },
};

static gpointer
sockets_begin_connections (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const ConnectionsQuery *query = message;
  SocketsAnswer *answer;
  NetInodesResult result;

  if (query->pid == 0)
    {
      *refusal = (CollectorRefusal){ "BadPid", "pid must be the number of a process, from 1", FALSE };
      return NULL;
    }
  answer = g_new0 (SocketsAnswer, 1);
  answer->limit = query->limit;
  answer->room = room;
  answer->after = query->cursor;
  result = sockets_read_process (answer, query->pid, query->start_time);
  if (result != NET_INODES_READ)
    {
      *refusal = unreadable_processes[result];
      sockets_free (answer);
      return NULL;
    }
  answer->filter.inodes = answer->inodes;
  return sockets_start (answer, ALL, NET_ALL_STATES, TRUE, data, refusal);
}

static gpointer
sockets_begin_describe (gconstpointer message, gsize room, CollectorRefusal *refusal, gpointer data)
{
  const DescribeProcess *query = message;
  SocketsAnswer *answer = g_new0 (SocketsAnswer, 1);
  NetInodesResult result = sockets_read_process (answer, query->pid, query->start_time);

  answer->room = room;
  answer->is_hidden = result == NET_INODES_HIDDEN;
  answer->filter.inodes = answer->inodes;
  if (result != NET_INODES_READ)
    return answer;
  return sockets_start (answer, ALL, NET_ALL_STATES, TRUE, data, refusal);
}

/* --- answers --- */

static gboolean
sockets_step (gpointer data, guint n, guint *done, guint *total)
{
  SocketsAnswer *answer = data;

  *done = *total = 1;
  return answer->reading != NULL && net_reading_step (answer->reading, n, done, total);
}

/* The requested process is listed as the owner of its sockets; other processes that share them are not searched. */
static void
sockets_set_owner (const SocketsAnswer *answer, NetTable *table)
{
  g_autoptr (NetOwners) owners = net_owners_new ();

  net_owners_add (owners, &answer->owner);
  for (guint i = 0; i < table->sockets->len; i++)
    net_socket_set_owners (&g_array_index (table->sockets, NetSocket, i), NET_OWNER_KNOWN, owners);
  table->processes = 1;
  table->other = g_hash_table_size (answer->inodes) - MIN (g_hash_table_size (answer->inodes), table->sockets->len);
}

static NetTable *
sockets_end (SocketsAnswer *answer, GError **error)
{
  NetTable *table;

  if (answer->reading != NULL)
    return net_reading_end (answer->reading, error);
  table = net_table_new (1, NULL);
  table->processes = table->unreadable = answer->is_hidden ? 1 : 0;
  return table;
}

/* Sets the part of a divided question, which replaces the shard of the query. */
static void
sockets_set_part (gpointer data, guint shard, guint shards)
{
  SocketsAnswer *answer = data;

  answer->filter.shard = shard;
  answer->filter.shards = shards;
}

/* The kernel may have refused the list while it was being read. */
static gboolean
sockets_check (gpointer data, CollectorRefusal *refusal)
{
  SocketsAnswer *answer = data;
  g_autoptr (GError) error = NULL;

  answer->table = sockets_end (answer, &error);
  if (answer->table != NULL)
    return TRUE;
  g_info ("%s", error->message);
  *refusal = (CollectorRefusal){ "NoSockets", NO_SOCKETS, TRUE };
  return FALSE;
}

static GBytes *
sockets_pack (gpointer data)
{
  SocketsAnswer *answer = data;
  NetTable *table = answer->table;

  if (answer->inodes != NULL)
    sockets_set_owner (answer, table);
  net_table_skip (table, answer->after);
  net_table_page (table, answer->limit, answer->room);
  return net_pack_table (table);
}

/* Reports the readable share of the processes. The sockets of a process that can't be read are missing. */
static void
sockets_set_extent (gpointer data, DeyeBusWork *work)
{
  const SocketsAnswer *answer = data;
  const NetTable *table = answer->table;

  deye_bus_work_set_rows (work, table->sockets->len);
  if (table->next != 0)
    deye_bus_work_set_truncated (work, table->sockets->len);
  else if (table->beyond > 0)
    deye_bus_work_set_truncated (work, table->limit);
  else if (answer->is_hidden)
    deye_bus_work_set_truncated (work, 0);
  if (table->processes > 0)
    deye_bus_work_set_share (work, MAX ((table->processes - table->unreadable) * 1000 / table->processes, 1));
}

const CollectorQuestion netmond_query_list = {
  .method = "ListSockets",
  .operation = "list_sockets",
  .text = "Returns the sockets of this machine: all, or those of a protocol, a state or a local port; see next_cursor.",
  .query_type = &daemoneye__eventbus__v1__socket_query__descriptor,
  .answer_type = TABLE_TYPE,
  .begin = sockets_begin_list,
  .set_part = sockets_set_part,
  .step = sockets_step,
  .check = sockets_check,
  .pack = sockets_pack,
  .set_extent = sockets_set_extent,
  .free = sockets_free,
};

const CollectorQuestion netmond_query_connections = {
  .method = "ConnectionsOf",
  .operation = "connections_of",
  .text = "Returns the sockets of one process.",
  .query_type = &daemoneye__eventbus__v1__connections_query__descriptor,
  .answer_type = TABLE_TYPE,
  .begin = sockets_begin_connections,
  .step = sockets_step,
  .check = sockets_check,
  .pack = sockets_pack,
  .set_extent = sockets_set_extent,
  .free = sockets_free,
};

const CollectorQuestion netmond_query_describe = {
  .operation = "describe_process",
  .query_type = &daemoneye__eventbus__v1__describe_process__descriptor,
  .answer_type = TABLE_TYPE,
  .begin = sockets_begin_describe,
  .step = sockets_step,
  .check = sockets_check,
  .pack = sockets_pack,
  .set_extent = sockets_set_extent,
  .free = sockets_free,
};

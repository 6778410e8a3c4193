/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-options.h"
#include "deye-bus-wake.h"

/*
 * The queues of all senders of a client. A sender lets any thread publish through the client.
 *
 * Any thread puts messages into a queue, under one lock that all queues of the client share. The thread of the client's context
 * takes them out: drain() takes the messages that were put since its last call, and sends them as far as there is credit. User
 * code is never called while the lock is held.
 *
 * Invariant: the descriptor of @wake is readable if and only if a message or flush was put since the last drain().
 */

typedef struct _DeyeBusClient DeyeBusClient; /* includes this header */
typedef struct DeyeBusSenders DeyeBusSenders;
typedef struct DeyeBusSenderFlush DeyeBusSenderFlush;

typedef struct DeyeBusSenderMessage DeyeBusSenderMessage;
struct DeyeBusSenderMessage
{
  DeyeBusSenderMessage *next;
  GBytes *payload;         /* nullable */
  DeyeBusOptions *options; /* nullable */
  gint64 since_us;         /* time of the call, if it has a time to live; else 0 */
  gsize cost;
  char topic[];
};

/* A list of messages, in order; without a lock of its own. */
typedef struct
{
  DeyeBusSenderMessage *first;
  DeyeBusSenderMessage *last;
} DeyeBusSenderList;

typedef struct
{
  gatomicrefcount refs;
  DeyeBusSenders *senders; /* owned */
  guint max_messages;
  gsize max_bytes;

  DeyeBusSenderList outgoing; /* the client's thread only: messages that were taken and not sent for lack of credit */

  /* Protected by the lock. */
  DeyeBusSenderList incoming;
  guint n; /* of both lists */
  gsize bytes;
  guint64 n_put;
  guint64 n_gone; /* sent or refused */
  guint64 refused;
  gboolean closed;
  gboolean listed; /* in a list of the senders, which holds a reference */
  GQueue flushes;  /* of DeyeBusSenderFlush, owned; not begun yet */
} DeyeBusSenderQueue;

struct DeyeBusSenders
{
  gatomicrefcount refs;
  guint forks; /* fork count of its process; see platform_fork_count() */
  GMainContext *context;
  GThread *thread; /* that made the first sender */

  /* The client's thread only. */
  DeyeBusClient *client; /* NULL: it is freed */
  GPollFD poll;
  gboolean polled;    /* the client's source has it */
  GPtrArray *stalled; /* DeyeBusSenderQueue, owned: queues that drain() has not emptied */

  GMutex lock;
  /* Protected by the lock. */
  DeyeBusWake wake;
  gint awake;       /* atomic as well: it is also read without the lock */
  GPtrArray *fresh; /* DeyeBusSenderQueue, owned: with messages or flushes, and not in @stalled */
  gint refusal;     /* DeyeBusError of put(); 0: messages are taken */
  guint64 largest_payload;
  guint64 left; /* number of messages that were left when the client was closed */
};

/* --- any thread --- */

DeyeBusSenders *deye_bus_senders_ref (DeyeBusSenders *self);
void deye_bus_senders_unref (DeyeBusSenders *self);
/* TRUE: the lock may be held by a thread that does not exist in this process. */
gboolean deye_bus_senders_is_forked (const DeyeBusSenders *self);

DeyeBusSenderQueue *deye_bus_sender_queue_new (DeyeBusSenders *senders, guint max_messages, gsize max_bytes);
DeyeBusSenderQueue *deye_bus_sender_queue_ref (DeyeBusSenderQueue *queue);
void deye_bus_sender_queue_unref (DeyeBusSenderQueue *queue);

/* Takes @message if it succeeds. */
gboolean deye_bus_sender_queue_put (DeyeBusSenderQueue *queue, DeyeBusSenderMessage *message, GError **error);
void deye_bus_sender_message_free (DeyeBusSenderMessage *message);
/* Lets @flush (transfer full) begin when all messages that were put before it are sent. It may end at once. */
void deye_bus_sender_queue_add_flush (DeyeBusSenderQueue *queue, DeyeBusSenderFlush *flush);

/* --- the client's thread --- */

/* The senders of @client; the first call makes them. NULL: failed. Borrowed. */
DeyeBusSenders *deye_bus_client_get_senders (DeyeBusClient *client, GError **error);
/* The client's state has changed. */
void deye_bus_senders_update (DeyeBusSenders *self);
/* Gives messages to the client's session, as far as there is credit. Calls no user code. */
void deye_bus_senders_drain (DeyeBusSenders *self);
/* Number of messages that are not sent. */
guint64 deye_bus_senders_count (DeyeBusSenders *self);
/* The client begins to close: gives all messages to the session, if it is ready. The remaining messages are counted and freed.
 * @disposing: no reference to the client may be taken. */
void deye_bus_senders_close (DeyeBusSenders *self, gboolean disposing);
/* The client does not connect again: frees all messages, and returns their number. */
guint64 deye_bus_senders_give_up (DeyeBusSenders *self);
/* The client is disposed, perhaps not for the first time: the functions above have no effect any more. */
void deye_bus_senders_detach (DeyeBusSenders *self);

/* Adds the descriptor to a source, or removes it. */
void deye_bus_senders_poll (DeyeBusSenders *self, GSource *source);
void deye_bus_senders_unpoll (DeyeBusSenders *self, GSource *source);

/* --- deye-bus-sender-flush.c --- */

/* The messages that were put before @flush are sent: flushes the client. @client: NULL: there is no client, and @flush fails. */
void deye_bus_sender_flush_begin (DeyeBusSenderFlush *flush, DeyeBusClient *client);
/* Ends @flush, if it has not ended; takes @error (nullable). */
void deye_bus_sender_flush_end (DeyeBusSenderFlush *flush, GError *error);
/* The number of the last message in the queue that @flush waits for. */
guint64 deye_bus_sender_flush_until (const DeyeBusSenderFlush *flush);
void deye_bus_sender_flush_set_until (DeyeBusSenderFlush *flush, guint64 n_put);
void deye_bus_sender_flush_unref (DeyeBusSenderFlush *flush);

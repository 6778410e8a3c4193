/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client.h"
#include "deye-bus-error-private.h"
#include "deye-bus-watch.h"
#include "session/deye-bus-connection.h"
#include "session/deye-bus-reconnect.h"
#include "session/deye-bus-session.h"
#include "session/deye-bus-stash.h"
#include "deye-bus-socket.h"
#include "platform-process.h"

/*
 * A client: one session, one socket and one GSource, in the context that was the thread default when the client was created.
 *
 * Its files share the fields below. For the connection: deye-bus-client.c is the object and its state, -connect.c is one attempt
 * to connect, -reconnect.c decides whether another attempt follows, -close.c closes the connection, -pump.c moves bytes and
 * waits, -flusher.c lets a thread write, -stash.c keeps publishes while there is no connection, -unsent.c reports messages that
 * were not sent. For calls: -dispatch.c calls user code, -task.c has the common part of asynchronous calls, -unheard.c has
 * asynchronous calls without a callback, and -hold.c lets calls write together. The public calls are in -connect-calls.c,
 * -calls.c, -request.c, -flush.c, -subscribe.c, -unsubscribe.c, -next.c, -wait.c, -respond.c, -last.c, -health.c and
 * -heartbeat.c. The answers to requests are in -methods.c, and the duties of every collector in -standard.c.
 *
 * Invariant: user code runs only in a dispatch of the context. A public call only appends events, and reads and writes bytes.
 */

/* The value of DEYE_BUS_HEALTH_HEALTHY, whose header includes the header of the client. */
#define DEYE_BUS_HEALTH_INITIAL 1

/* Bytes that calls may leave in the out-buffer, to be written together. */
#define DEYE_BUS_HELD_MAX (64u * 1024u)

typedef struct DeyeBusClientAttempt DeyeBusClientAttempt;

/* The hooks by which the client calls its collector. The owner is borrowed, and removes itself in its dispose. */
typedef struct
{
  /* A step of each connection, before the subscriptions are restored. Returns the call (transfer full); NULL: the step is not
   * needed. No user code may be called. */
  DeyeBusPending *(*begin_register) (gpointer owner);
  void (*end_register) (gpointer owner, DeyeBusPending *pending);
  /* With each heartbeat; the client is ready. */
  void (*beat) (gpointer owner);
  void (*task_news) (gpointer owner, const DeyeBusTaskNews *news);
  /* The client was disposed by g_object_run_dispose(): it emits no signal any more. */
  void (*disposed) (gpointer owner);
} DeyeBusCollectorHooks;

/* A request that sets or removes the last message; see client-last.c. */
typedef struct
{
  GBytes *request; /* packed; NULL: it removes the last message */
  guint64 number;  /* later requests have greater numbers */
} DeyeBusLastRequest;

struct _DeyeBusClient
{
  GObject parent_instance;

  char *id; /* NULL: constructed without one; never connected */
  char *type;
  char *address; /* as requested; NULL: default, or a given fd */
  DeyeBusRole wanted_role;
  guint forks;             /* fork count of its process when it was made: see platform_fork_count() */
  guint64 last_message_id; /* the last number that it gave to a message, over all connections */
  guint64 features;        /* features that it can use */
  guint64 incarnation;     /* random; the broker recognises this object by it when it connects again */

  GMainContext *context;
  gboolean is_for_default; /* @context is the global default one; a thread default of NULL means the same */
  GSource *source;
  GPollFD polls[DEYE_BUS_SOCKET_POLLS_MAX]; /* descriptors of the socket, in the source */
  guint n_polls;                            /* 0: no descriptor is in the source */
  GIOCondition watched;                     /* conditions that @polls wait for */
  _Atomic guint owner; /* the thread that owns @context for this client, as deye_bus_context_this_thread(); 0: none */
  guint entered;       /* calls of enter() without their leave() */
  guint dispatching;
  guint holds;        /* calls of hold() without a release() */
  guint64 write_mark; /* `added` of the out-buffer at the last write */
  gboolean coalesce;  /* the property */
  gint64 written_us;  /* time of the last write; kept when it coalesces */

  DeyeBusClientState state;
  DeyeBusSession *session; /* the last one; NULL before the first */
  guint64 n_sessions;      /* number of attempts to connect so far */
  guint64 epoch;           /* of the broker, at the last WELCOME; 0: there was none */

  gboolean wants_reconnect;
  DeyeBusClientAttempt *attempt; /* NULL: no attempt is in progress */
  DeyeBusReconnect schedule;
  DeyeBusWatch *watch;              /* of the socket's directory, while it is not connected; nullable */
  GPollFD watch_poll;               /* descriptor of @watch, for the source */
  gboolean watch_polled;            /* the source has @watch_poll */
  DeyeBusPending *connect_call;     /* waits until the client is ready; NULL: none does */
  gboolean connect_began_attempt;   /* @connect_call made the client connect */
  gboolean established;             /* it has been ready since connect() was called */
  gboolean is_closed_reported;      /* the signal "closed" has reported the end of the last connection */
  DeyeBusStash stash;               /* published while it was not connected */
  GBytes *last_message;             /* the packed request that sets it; NULL: there is no last message */
  guint64 last_asked;               /* number of the last request; see DeyeBusLastRequest */
  DeyeBusLastRequest last_accepted; /* of the call that succeeded last, unless the broker has refused it since then */
  DeyeBusLastRequest last_restored; /* that the present connection sent while it began */
  GPtrArray *reporting;             /* of DeyeBusLoss: the report that the broker has not answered; NULL: none */
  gint reported_code;               /* code of the error that was logged for the present outage; 0: none */

  DeyeBusEvents events;
  DeyeBusPendingPool *spare_calls;
  DeyeBusSocket socket;
  gintptr given_fd; /* of new_for_fd(), until connect takes it; -1: none */
  gboolean is_for_fd;
  gboolean write_dead;        /* the broker reads no more; bytes that it sent before may contain the reason */
  gint64 retry_us;            /* the broker's queue of new connections was full: next try; 0: none */
  gint64 linger_us;           /* closing: unsent messages are written until then; 0: not closing */
  GQueue closings;            /* of DeyeBusPending: close_async() that wait for the end */
  gboolean closed_connection; /* there was a connection when it was closed */
  gboolean close_unheard;     /* close_async() was called without a callback, and no other close waits */
  guint64 lost;               /* unsent messages; an event in the ring will report their loss */
  gboolean loss_reported;     /* close() has reported the loss instead */
  guint8 *buffer;
  guint calls_since_read; /* calls since the socket was read */

  const DeyeBusCollectorHooks *collector_hooks; /* NULL: it is not used by a collector */
  gpointer collector;

  struct DeyeBusTasks *tasks; /* NULL: it has submitted none */

  struct DeyeBusSenders *senders; /* NULL: it never had one */

  struct DeyeBusFlusher *flusher; /* the property; NULL: off */
  DeyeBusOutbuf *given;           /* the buffer whose bytes the flusher has; NULL: it has none */

  GPtrArray *services; /* of DeyeBusService */
  gint64 made_us;
  gint64 connected_us;
  guint64 bytes_in;
  guint64 bytes_out;
  guint64 requests_served; /* on control.collector.{id} */

  GSource *heartbeat;
  gint64 heartbeat_us;
  guint64 heartbeats;
  guint64 verified_changes; /* channel_changes() of the session when the broker was asked for its number */
  gboolean verifying;       /* the broker has not answered */
  guint64 health_reports;   /* number of reports on this connection */
  GMutex health_lock;       /* protects the fields below: any thread may set them */
  guint32 health;           /* DeyeBusHealth */
  char *health_detail;
  GPtrArray *health_units;    /* of DeyeBusUnit: units that are not healthy; replaced, never changed */
  GSource *health_source;     /* sends the report; NULL: there was nothing to report yet */
  gint64 health_next_us;      /* the next report is not sent before this time */
  gboolean health_is_stopped; /* the client is disposed */
};

enum
{
  DEYE_BUS_SIGNAL_CLOSED,
  DEYE_BUS_SIGNAL_ERROR,
  DEYE_BUS_SIGNAL_INTERRUPTED,
  DEYE_BUS_SIGNAL_EPOCH_CHANGED,
  DEYE_BUS_N_SIGNALS
};
extern guint deye_bus_client_signals[DEYE_BUS_N_SIGNALS] G_GNUC_INTERNAL;

/* --- client.c --- */

/* The only function that changes the state. */
void deye_bus_client_apply_event (DeyeBusClient *self, DeyeBusConnectionEvent event);
void deye_bus_client_notify_state (DeyeBusClient *self);
/* TRUE if there is a connection: CONNECTED or READY. */
static inline gboolean
deye_bus_client_is_connected (const DeyeBusClient *self)
{
  return self->state == DEYE_BUS_CLIENT_STATE_CONNECTED || self->state == DEYE_BUS_CLIENT_STATE_READY;
}
/* TRUE in a child of the process that made the client. */
static inline gboolean
deye_bus_client_is_forked (const DeyeBusClient *self)
{
  return self->forks != platform_fork_recount ();
}
/* The address that the client connects to; NULL: it has a given handle, or this user has no default address. Transfer full. */
char *deye_bus_client_dup_address (DeyeBusClient *self);

/* Begins a public call that uses the connection: checks the process and acquires the context, unless the calling thread already
 * owns it for this client, as in a dispatch, in another call, or while it holds the client. TRUE: call leave() at the end. */
gboolean deye_bus_client_enter (DeyeBusClient *self, GError **error);
/* Writes unsent bytes that are due now. */
void deye_bus_client_write_due (DeyeBusClient *self);
/* Ends a public call: writes unsent bytes that are due now, and exits. In a dispatch bytes are written at its end, and in a held
 * client at the release. */
void deye_bus_client_leave (DeyeBusClient *self);
/* Ends enter() without a write. Releases the context, unless an outer call or a hold needs it. */
void deye_bus_client_exit (DeyeBusClient *self);

/* --- connect.c --- */

/* Updates the client's state and socket after the session may have changed: continues an attempt, or ends a connection. */
void deye_bus_client_settle (DeyeBusClient *self);
/* Begins an attempt that is due, and opens its socket. */
void deye_bus_client_step_connect (DeyeBusClient *self, gint64 now_us);
void deye_bus_client_close_socket (DeyeBusClient *self);
void deye_bus_client_clear_attempt (DeyeBusClient *self);

/* --- connect-calls.c --- */

gboolean deye_bus_client_check_ready (DeyeBusClient *self, GError **error);
/* TRUE if the client is not ready, and a call may wait until it is. */
gboolean deye_bus_client_may_wait (DeyeBusClient *self);
/* Ends the call of connect() that waits, if there is one. @error: NULL: the client is ready. */
void deye_bus_client_end_connect_call (DeyeBusClient *self, const GError *error);

/* --- reconnect.c --- */

gboolean deye_bus_client_reconnects (const DeyeBusClient *self);
/* connect() was called. */
void deye_bus_client_dial (DeyeBusClient *self, gint64 now_us);
/* All steps of the attempt are done. */
void deye_bus_client_become_ready (DeyeBusClient *self);
/* WELCOME came: reports a new epoch. */
void deye_bus_client_note_epoch (DeyeBusClient *self);
/* The attempt failed, or the connection ended, for @error (taken): plans the next attempt, or stops connecting. */
void deye_bus_client_end_connection (DeyeBusClient *self, GError *error);
/* The same, but no attempt follows. */
void deye_bus_client_stop_connecting (DeyeBusClient *self, const GError *error);
/* Emits "closed", once for the end of a connection. */
void deye_bus_client_report_closed (DeyeBusClient *self, const GError *error);
/* Reads the events of the watch of the socket's directory. */
void deye_bus_client_step_watch (DeyeBusClient *self, gint64 now_us);
void deye_bus_client_close_watch (DeyeBusClient *self);

/* --- close.c --- */

void deye_bus_client_step_close (DeyeBusClient *self, gint64 now_us);
/* Closes at once, for dispose: messages and GOODBYE are sent only if the socket takes them now. Returns the number of
 * messages that were not sent and that nothing has reported. */
guint64 deye_bus_client_drop_connection (DeyeBusClient *self);

/* --- stash.c --- */

/* The number of messages that wait for the next connection, in the stash or in senders. */
guint64 deye_bus_client_count_kept (DeyeBusClient *self);
/* TRUE if a publish that is made now waits for the next connection. */
gboolean deye_bus_client_stashes (const DeyeBusClient *self);
/* Puts a publish into the stash. FALSE: refused. */
gboolean deye_bus_client_stash (DeyeBusClient *self, const DeyeBusCall *call, GError **error);
/* The client is ready, and nothing of the stash is sent yet: reports dropped messages to the broker, for the subscribers. */
void deye_bus_client_report_losses (DeyeBusClient *self);
/* The messages of the stash are sent: reports to the program how many were dropped. */
void deye_bus_client_report_stash (DeyeBusClient *self);
/* The client does not connect again: reports all messages of the stash and of senders as lost. */
void deye_bus_client_end_stash (DeyeBusClient *self);

/* --- unsent.c --- */

extern const char deye_bus_client_unsent_ended[] G_GNUC_INTERNAL; /* the connection ended; untranslated */

/* @why: marked with N_(). */
GError *deye_bus_client_new_unsent_error (guint64 messages, const char *why);
/* The session has ended: reports messages that were not sent and that no call reports, by a log record and by the signal
 * "error" in the next dispatch. */
void deye_bus_client_end_unsent (DeyeBusClient *self, const char *why);
/* The connection ended, and another one follows: reports publishes that may or may not have arrived, in the same way. */
void deye_bus_client_report_uncertain (DeyeBusClient *self);
/* Like end_unsent(), for a number of @messages; no effect if it is 0. */
void deye_bus_client_report_unsent (DeyeBusClient *self, guint64 messages, const char *why);
/* The same in dispose, at once. The log record is a warning if no handler of the signal was called. @messages: 0: none. */
void deye_bus_client_dispose_unsent (DeyeBusClient *self, guint64 messages);

/* --- pump.c --- */

void deye_bus_client_attach (DeyeBusClient *self);
void deye_bus_client_detach (DeyeBusClient *self);
void deye_bus_client_watch_socket (DeyeBusClient *self);
void deye_bus_client_unwatch_socket (DeyeBusClient *self);
/* The same for the watch of the socket's directory. */
void deye_bus_client_poll_watch (DeyeBusClient *self);
void deye_bus_client_unpoll_watch (DeyeBusClient *self);
/* Writes as many bytes of the out-buffer as the socket takes now. */
void deye_bus_client_write (DeyeBusClient *self);
/* Bytes that were added to the out-buffer since the last write. */
gsize deye_bus_client_unwritten (DeyeBusClient *self);

/* Reads everything that the socket holds now. Received frames become events; no user code is called. */
void deye_bus_client_read_ahead (DeyeBusClient *self);

typedef gboolean (*DeyeBusCondition) (gconstpointer data);

/* Pumps in the calling thread until @condition holds (TRUE), @due_us comes or @cancellable is cancelled (FALSE). */
gboolean deye_bus_client_wait (DeyeBusClient *self,
                               DeyeBusCondition condition,
                               gconstpointer data,
                               gint64 due_us,
                               GCancellable *cancellable);
/* Reads from the socket once in a number of calls. For calls that need no answer, because a program that makes no other calls
 * would never read. */
void deye_bus_client_pump_if_due (DeyeBusClient *self);
/* Makes one turn of the pump at once. While the client connects, even calls that do not wait continue the attempt in this way. */
void deye_bus_client_pump_now (DeyeBusClient *self);
/* Waits until @pending is done; a cancellation gives it up. */
void deye_bus_client_wait_done (DeyeBusClient *self, DeyeBusPending *pending, GCancellable *cancellable);
/* Like wait_done(), and moves the error of @pending to @error. FALSE: it had an error. */
gboolean
deye_bus_client_wait_pending (DeyeBusClient *self, DeyeBusPending *pending, GCancellable *cancellable, GError **error);

/* --- flusher.c --- */

/* Gives the bytes of the out-buffer to the flusher, if there is one. Called at the end of a call. */
void deye_bus_client_hand_over (DeyeBusClient *self);
/* Takes the bytes back, and removes those that were written from the out-buffer. */
void deye_bus_client_take_back (DeyeBusClient *self);
/* Ends the flusher, which must have no bytes. */
void deye_bus_client_end_flusher (DeyeBusClient *self);

/* --- dispatch.c --- */

/* Dispatches events, up to a limit. TRUE: there are more. */
gboolean deye_bus_client_dispatch (DeyeBusClient *self);
/* @message was handled for @channel. @called: a callback was called, or next() returned it. */
void deye_bus_client_handled (DeyeBusClient *self, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called);
/* Messages and gaps that @channel holds will be dispatched, unless it is paused again by then. */
void deye_bus_client_resume_channel (DeyeBusClient *self, DeyeBusChannel *channel);

/* --- task.c --- */

/* An asynchronous call that sends a request consists of enter_task(), starting @pending, and leave_task(). FALSE: @task
 * returned an error, because @cancellable (nullable) is cancelled or the call came from the wrong thread. */
gboolean deye_bus_client_enter_task (DeyeBusClient *self, GTask *task, GCancellable *cancellable);
/* Leaves. @error (taken; nullable): @pending was not started, and @task returns the error. Without an error, @complete is
 * called when @pending ends. @pending: (transfer full) (nullable with @error): no reference to it outlasts the call, because
 * another thread may own the client then. */
void deye_bus_client_leave_task (DeyeBusClient *self,
                                 GTask *task,
                                 DeyeBusPending *pending,
                                 DeyeBusPendingFunc complete,
                                 GError *error);

/* Lets @complete be called in the client's context when @pending ends. @pending gets a reference to the object @data, which
 * must have a reference to the client; @complete takes @data out of @pending with steal_data(). */
void deye_bus_client_run_pending (DeyeBusClient *self,
                                  DeyeBusPending *pending,
                                  GObject *data,
                                  GCancellable *cancellable,
                                  DeyeBusPendingFunc complete);
/* Takes the data out of @pending, and ends the watch of the cancellable. Transfer full. */
gpointer deye_bus_pending_steal_data (DeyeBusPending *pending);
/* Like run_pending(), with a task as data. */
void deye_bus_client_run_task (DeyeBusClient *self,
                               DeyeBusPending *pending,
                               GTask *task,
                               GCancellable *cancellable,
                               DeyeBusPendingFunc complete);
/* Like steal_data(), with a task as data. */
GTask *deye_bus_pending_steal_task (DeyeBusPending *pending);
/* The same; NULL if @pending ended with an error, which the task has returned. */
GTask *deye_bus_pending_steal_task_on_success (DeyeBusPending *pending);
/* A complete function for calls that only succeed or fail. */
void deye_bus_pending_return_true (DeyeBusPending *pending);

/* For a finish function, before it takes the result of the task. FALSE: @result does not belong to a call of @source with the
 * source tag @tag (the asynchronous function), or it was finished before. */
gboolean deye_bus_task_check (gpointer source, GAsyncResult *result, gpointer tag, GError **error);

/* --- deye-bus-tasks.c --- */

/* One turn of the client's tasks: sends requests and reads answers; calls no user code. */
void deye_bus_client_step_tasks (DeyeBusClient *self);
/* The time at which step_tasks() has to be called next; G_MAXINT64: never. */
gint64 deye_bus_client_next_tasks_us (DeyeBusClient *self);
/* The connection is about to be closed: sends all tasks that wait, without waiting for answers. */
void deye_bus_client_send_tasks (DeyeBusClient *self);
/* The client is closed and freed: tasks that have not ended are not followed any more. */
void deye_bus_client_free_tasks (DeyeBusClient *self);

/* --- standard.c --- */

/* FALSE: @message is not a valid ConfigReload. */
gboolean deye_bus_reload_read (DeyeBusMessage *message, guint64 *generation);
void deye_bus_client_acknowledge_reload (DeyeBusClient *client, DeyeBusMessage *broadcast, guint64 generation);

/* --- health.c --- */

/* A unit of a program, with its health. Texts are shortened to the limits of a report. */
typedef struct
{
  guint32 health; /* DeyeBusHealth */
  char *name;     /* "": the program as a whole */
  char *reason;
} DeyeBusUnit;

DeyeBusUnit *deye_bus_unit_new (guint32 health, const char *name, const char *reason);
void deye_bus_unit_free (gpointer unit);

void deye_bus_client_init_health (DeyeBusClient *self);
void deye_bus_client_clear_health (DeyeBusClient *self);
/* The client is ready: sends a report, unless it has always been healthy. */
void deye_bus_client_ready_health (DeyeBusClient *self);
/* The client is closed or disposed: no report is sent any more. */
void deye_bus_client_stop_health (DeyeBusClient *self);

/* Sets the health to report. @detail, @units (element-type DeyeBusUnit): (transfer full). Any thread. */
void deye_bus_client_take_health (DeyeBusClient *self, guint32 health, char *detail, GPtrArray *units);

/* The health to report, and its explanation ("": none), which the caller frees. Any thread. */
guint32 deye_bus_client_dup_health (DeyeBusClient *self, char **detail);

/* --- unheard.c --- */

/* Publishes without a callback: the signal "error" reports a failure. */
void deye_bus_client_run_unheard (DeyeBusClient *self,
                                  const DeyeBusCall *call,
                                  DeyeBusPendingKind kind,
                                  GCancellable *cancellable);
/* Reports @error (transfer full) for such a call that did not begin, from the client's context. */
void deye_bus_client_fail_unheard (DeyeBusClient *self, GError *error);

/* --- calls.c --- */

/* A pending call whose deadline is the timeout of @options (nullable), from now on. */
DeyeBusPending *
deye_bus_client_new_pending (DeyeBusClient *self, DeyeBusPendingKind kind, const DeyeBusOptions *options);
/* Values of a call that has ended with success. */
typedef struct
{
  DeyeBusPublishResult result; /* of a publish with an acknowledgement */
  DeyeBusMessage *reply;       /* of a request; the caller owns it */
} DeyeBusCallOutcome;

/* Sends @call and waits for its end. @outcome: (nullable) (out): set on success. */
gboolean deye_bus_client_run_sync (DeyeBusClient *self,
                                   const DeyeBusCall *call,
                                   DeyeBusPendingKind kind,
                                   DeyeBusCallOutcome *outcome,
                                   GCancellable *cancellable,
                                   GError **error);
/* Sends @call; @complete is called when it ends, and ends @task. */
void deye_bus_client_run_async (DeyeBusClient *self,
                                const DeyeBusCall *call,
                                DeyeBusPendingKind kind,
                                GTask *task,
                                DeyeBusPendingFunc complete);
/* Sends @call. If the client is not ready, and @pending (nullable) has waits_until_ready set, the call is sent later. FALSE:
 * @pending is untouched. */
gboolean
deye_bus_client_start_call (DeyeBusClient *self, const DeyeBusCall *call, DeyeBusPending *pending, GError **error);

/* Between enter() and leave(): publishes without an answer. The options (nullable) need no acknowledgement. */
gboolean deye_bus_client_send_unasked (DeyeBusClient *self,
                                       const char *topic,
                                       GBytes *payload,
                                       DeyeBusOptions *options,
                                       GCancellable *cancellable,
                                       GError **error);

/* Publishes without waiting for credit or an answer: for messages that may be lost. */
gboolean deye_bus_client_post_call (DeyeBusClient *self, const DeyeBusCall *call, GError **error);
gboolean deye_bus_client_post (DeyeBusClient *self,
                               const char *topic,
                               GBytes *payload,
                               const char *type_name,
                               const DeyeBusOptions *options,
                               GError **error);

/* --- respond.c --- */

/* A reply of the library itself, without options. */
typedef struct
{
  guint8 flags;          /* FINAL or PROGRESS */
  const char *type_name; /* of the payload */
  WireSpan front;        /* the first bytes of the payload; they are copied */
  GBytes *payload;       /* nullable: the bytes behind them; the client refers to them if there are many */
} DeyeBusReply;

/* Like deye_bus_client_respond() and deye_bus_client_respond_progress(). */
gboolean
deye_bus_client_respond_own (DeyeBusClient *self, DeyeBusMessage *request, const DeyeBusReply *reply, GError **error);

/* --- subscribe.c --- */

DeyeBusPending *deye_bus_client_new_broker_pending (void);
/* Sends a request to the broker itself, to one of control.bus.*, with the default timeout. */
gboolean deye_bus_client_ask_broker (DeyeBusClient *self,
                                     const char *topic,
                                     const char *type_name,
                                     GBytes *payload,
                                     DeyeBusPending *pending,
                                     GError **error);
/* Asks the broker to end a subscription. @pending: (nullable) */
gboolean deye_bus_client_ask_unsubscribe (DeyeBusClient *self, guint32 id, DeyeBusPending *pending, GError **error);

/* Serves @topic, on which the broker gives tasks to this client. Such a request has to be answered even after CANCEL. @ready
 * may call deye_bus_client_serve_finish(). */
void deye_bus_client_serve_tasks (DeyeBusClient *self,
                                  const char *topic,
                                  DeyeBusRequestCallback callback,
                                  gpointer user_data,
                                  GDestroyNotify destroy,
                                  GAsyncReadyCallback ready,
                                  gpointer ready_data);

/* Begins to serve control.collector.{id} with deye_bus_client_on_method(). @feature: the broker has PEER_METHODS. NULL: not
 * begun. */
DeyeBusSubscription *
deye_bus_client_begin_methods (DeyeBusClient *self, gboolean feature, DeyeBusPending *pending, GError **error);
/* Gives up the subscription that begin_methods() has begun, because it failed with @error. */
void deye_bus_client_give_up_methods (DeyeBusClient *self,
                                      DeyeBusSubscription *subscription,
                                      const DeyeBusPending *pending,
                                      const GError *error);
/* The same, and waits for the answer. FALSE: not served. */
gboolean
deye_bus_client_serve_methods (DeyeBusClient *self, gboolean feature, GCancellable *cancellable, GError **error);

/* --- last.c --- */

/* Gives the client's last message to the broker of a new connection. Returns the call; NULL: there is no last message, or its
 * refusal was reported. */
DeyeBusPending *deye_bus_client_restore_last_message (DeyeBusClient *self);
/* The call of restore_last_message() has ended: reports a refusal, and clears the error unless the connection has ended. */
void deye_bus_client_end_last_message (DeyeBusClient *self, DeyeBusPending *pending);
void deye_bus_client_clear_last_message (DeyeBusClient *self);

/* --- methods.c --- */

/* The services of a new client, of DeyeBusService: the standard one. Transfer full. */
GPtrArray *deye_bus_client_new_services (void);
/* A DeyeBusRequestCallback for the topic of the client's methods; @client: the client, borrowed. */
void deye_bus_client_on_method (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer client);
/* The declared type of the answer to @request; NULL: none was declared. */
const char *deye_bus_client_reply_type (DeyeBusClient *self, DeyeBusMessage *request);

/* --- next.c --- */

/* Called by the dispatch of an event NEXT: a call of next_async() waits, and a message arrived or the subscription ended. */
void deye_bus_client_wake_next (DeyeBusSubscription *subscription);

/* --- heartbeat.c --- */

void deye_bus_client_stop_heartbeat (DeyeBusClient *self);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-client-private.h"
#include "deye-bus-collector.h"
#include "deye-bus-execute.h"
#include "deye-bus-work-private.h"
#include "coordination.pb-c.h"
#include "wire-guard.h"

/*
 * A collector: a registration of its client, and the works that run for it.
 *
 * Its files share the fields below: deye-bus-collector.c is the object, -start.c its start, -operations.c its operations,
 * -register.c the registration, -topics.c opens its topics, -execute.c takes tasks and sends the reports of their handlers,
 * -reply.c encodes these, -drain.c is the end, -claims.c has the works and results that survive the end of a connection,
 * -desired.c has configuration and standing tasks, -health.c the health of units, and -timer.c its source.
 *
 * The client calls the collector by hooks. No hook may run user code outside of a dispatch, so the results of a registration
 * are kept until the client is ready and dispatches.
 *
 * Invariant: a run is in @runs from the start of its handler until its outcome was taken, so the length of @runs is the number
 * of slots in use.
 */

#define DEYE_BUS_COLLECTOR_HEARTBEAT_US (5 * G_TIME_SPAN_SECOND)

/* An operation. It has a reference count, because its handler may remove it while it runs. The count is not atomic. */
typedef struct
{
  guint refs;
  char *name;
  char *payload_type; /* "": any */
  DeyeBusOperationFlags flags;
  gint64 run_limit_us;
  gint64 progress_us;
  DeyeBusWorkHandler handler;
  gpointer user_data;
  GDestroyNotify destroy;
} DeyeBusOperation;

typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;

typedef enum
{
  DEYE_BUS_COLLECTOR_TOPIC_TASK,
  DEYE_BUS_COLLECTOR_TOPIC_LIFECYCLE,
  DEYE_BUS_COLLECTOR_TOPIC_RELOAD,
  DEYE_BUS_COLLECTOR_TOPIC_CONFIGURATION,
  DEYE_BUS_COLLECTOR_TOPIC_STANDING,
} DeyeBusCollectorTopic;
#define DEYE_BUS_COLLECTOR_N_TOPICS 5u

/* A handler of the program for a desired state: the configuration or the standing tasks. The reference count is not atomic. */
typedef struct
{
  guint refs;
  GCallback handler;
  gpointer user_data;
  GDestroyNotify destroy;
} DeyeBusDesired;

struct _DeyeBusCollector
{
  GObject parent_instance;

  DeyeBusClient *client;
  char *id; /* id for the client that the collector creates */
  char *type;
  char *address;
  gboolean is_client_given; /* the program has passed the client in, and may use it for other purposes */
  gulong state_handler;     /* of the client's notify::state */
  gulong closed_handler;
  struct
  {
    gboolean is_open;                  /* subscribed, or the request is in progress */
    DeyeBusSubscription *subscription; /* NULL: there is no answer yet */
  } topics[DEYE_BUS_COLLECTOR_N_TOPICS];

  GPtrArray *operations; /* of DeyeBusOperation */
  GPtrArray *tags;       /* of char *, "key=value" */
  guint max_concurrent;
  guint lowest;
  guint highest;

  gboolean is_started;
  GQueue starting; /* of GTask: start_async() that wait for the first registration */
  DeyeBusCollectorState state;
  guint64 registration_id;   /* 0: none on this connection */
  guint64 registered_origin; /* the session of @registration_id */
  WireGuard *reply;          /* RegisterReply that is not dispatched yet; NULL: none */
  GError *refusal;           /* the reason of a refusal that is not dispatched yet; NULL: none */
  gint refused_code;         /* the code that the signal last reported; 0: none */
  GPtrArray *asked;          /* of DeyeBusPending: requests without an answer, except those of the steps */
  gboolean is_changed;       /* its operations or state have changed, and the broker was not notified */

  GPtrArray *runs;               /* of DeyeBusRun */
  DeyeBusRunOwner *run_owner;    /* NULL: there was no run yet */
  DeyeBusDesired *configuration; /* NULL: none */
  DeyeBusDesired *standing;      /* NULL: none */
  GBytes *standing_applied;      /* the last set of standing tasks; NULL: there was none */
  guint64 standing_revision;     /* revision of @standing_applied */
  GMutex units_lock;
  GTree *units; /* name -> HealthUnit, of the units that are not healthy */

  GQueue kept; /* of KeptResult, the first to be forgotten first; see -claims.c */
  gsize kept_bytes;
  GQueue arrived; /* of DeyeBusMessage: Execute that came before the client was ready */
  GSource *timer; /* NULL: not started */

  gboolean is_draining;
  gint64 drain_us;               /* as requested; 0: the broker's default */
  gboolean is_draining_reported; /* the signal was emitted */
  gboolean is_drained_reported;
  gboolean expects_exit; /* the broker expects that the process ends when it has drained */
  gboolean is_stopping;
  gint64 stop_due_us;  /* it stops at this time even if works run; 0: it is not stopping, or has stopped */
  gboolean is_stopped; /* also the client is closed, unless the program has passed it in */
  GQueue stopping;     /* of GTask: stop_async() */
  GMainLoop *loop;     /* of run(); NULL: it is not running */
  GError *failure;     /* the client does not connect again, or had unsent messages at its end; NULL: neither */
};

enum
{
  DEYE_BUS_COLLECTOR_REGISTERED,
  DEYE_BUS_COLLECTOR_REFUSED,
  DEYE_BUS_COLLECTOR_DRAINING,
  DEYE_BUS_COLLECTOR_DRAINED,
  DEYE_BUS_COLLECTOR_SET_ASIDE,
  DEYE_BUS_COLLECTOR_N_SIGNALS
};
extern guint deye_bus_collector_signals[DEYE_BUS_COLLECTOR_N_SIGNALS] G_GNUC_INTERNAL;

/* --- collector.c --- */

void deye_bus_collector_set_state (DeyeBusCollector *self, DeyeBusCollectorState state);
/* Removes the collector from its client. */
void deye_bus_collector_unhook (DeyeBusCollector *self);
/* For callbacks that may outlive the collector: a GWeakRef, to be freed with weak_free(). */
GWeakRef *deye_bus_collector_weak_new (DeyeBusCollector *self);
void deye_bus_collector_weak_free (gpointer weak);

/* --- operations.c --- */

void deye_bus_operation_unref (DeyeBusOperation *operation);
DeyeBusOperation *deye_bus_operation_ref (DeyeBusOperation *operation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusOperation, deye_bus_operation_unref)
/* NULL: there is no such operation. */
DeyeBusOperation *deye_bus_collector_find_operation (DeyeBusCollector *self, WireSpan name);
/* Pack the request Register, or Update, which has all fields that can change. */
GBytes *deye_bus_collector_pack_register (DeyeBusCollector *self);
GBytes *deye_bus_collector_pack_update (DeyeBusCollector *self);

/* --- register.c --- */

/* The hooks for the step of a connection. */
DeyeBusPending *deye_bus_collector_begin_register (gpointer owner);
void deye_bus_collector_end_register (gpointer owner, DeyeBusPending *pending);
/* Registers on the connection of a client that is ready. */
void deye_bus_collector_register (DeyeBusCollector *self);
/* The hook for each heartbeat: verifies the registration, or tries to register again. */
void deye_bus_collector_on_heartbeat (gpointer owner);
/* In a dispatch, when the client is ready: reports the broker's answer to the registration. */
void deye_bus_collector_settle (DeyeBusCollector *self);
/* TRUE if settle() has something to do. */
gboolean deye_bus_collector_has_reports (const DeyeBusCollector *self);
/* The operations or the state have changed: sends an Update, as soon as the collector is registered. */
void deye_bus_collector_update (DeyeBusCollector *self);
/* Ignores the answers to all requests that are in progress. */
void deye_bus_collector_forget_asked (DeyeBusCollector *self);
/* The broker or the client refuses the registration with @error (taken), which the next settle() reports. */
void deye_bus_collector_note_refusal (DeyeBusCollector *self, GError *error);
GError *deye_bus_collector_error_stopped (void);
/* Ends the calls of start_async() that wait. @error: (nullable) */
void deye_bus_collector_end_starting (DeyeBusCollector *self, const GError *error);
/* Notifies the broker of the end, without waiting for the answer. */
void deye_bus_collector_deregister (DeyeBusCollector *self);

/* --- execute.c --- */

/* A DeyeBusRequestCallback. */
void deye_bus_collector_on_execute (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak);
/* Takes the requests that arrived before the client was ready. */
void deye_bus_collector_take_arrived (DeyeBusCollector *self);
/* TRUE if the request of @run is open on the present connection, so that the broker waits for its answer. */
gboolean deye_bus_collector_is_attached (DeyeBusCollector *self, const DeyeBusRun *run);
void deye_bus_collector_task_news (gpointer owner, const DeyeBusTaskNews *news);
/* Sends the reports that are due, and returns the time of the next one; G_MAXINT64: there is none. */
gint64 deye_bus_collector_send_reports (DeyeBusCollector *self, gint64 now_us);
void deye_bus_collector_cancel_runs (DeyeBusCollector *self, DeyeBusCancelReason reason);

/* --- reply.c --- */

/* FALSE: not sent, which was logged. */
gboolean deye_bus_collector_send_outcome (DeyeBusCollector *self,
                                          DeyeBusMessage *request,
                                          WireSpan token,
                                          const DeyeBusOutcome *outcome);
/* @report: (nullable) */
gboolean deye_bus_collector_send_progress (DeyeBusCollector *self,
                                           const DeyeBusRun *run,
                                           gboolean started,
                                           const DeyeBusReport *report);

/* --- topics.c --- */

/* Opens the topics that are not open, if the client can subscribe now. */
void deye_bus_collector_open_topics (DeyeBusCollector *self);
void deye_bus_collector_close_topics (DeyeBusCollector *self, gboolean unsubscribe);

/* --- drain.c --- */

/* A DeyeBusMessageCallback. */
void deye_bus_collector_on_lifecycle (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak);
/* TRUE if the broker's request to drain has arrived; it may not be dispatched yet. */
gboolean deye_bus_collector_has_drain_request (DeyeBusCollector *self);
/* A work has ended, or tasks that had arrived were answered or lost. If nothing is left, the timer reports that it has drained. */
void deye_bus_collector_check_drained (DeyeBusCollector *self);
/* In a dispatch: reports draining and drained, and ends a stop that is over. Returns the time at which it has to be called
 * again. */
gint64 deye_bus_collector_step_drain (DeyeBusCollector *self, gint64 now_us);
/* The collector has stopped: ends the calls of stop_async() and run() that wait. @error: (nullable) */
void deye_bus_collector_end_stopping (DeyeBusCollector *self, const GError *error);
/* The client does not connect again: the collector ends with @error. */
void deye_bus_collector_fail (DeyeBusCollector *self, const GError *error);

/* --- claims.c --- */

/* The claims of a registration. The texts belong to runs and results. */
typedef struct
{
  TaskClaim *all;
  TaskClaim **list; /* claims of works that run, then of results */
  gsize n_running;
  gsize n_finished;
} DeyeBusClaims;
void deye_bus_collector_list_claims (DeyeBusCollector *self, DeyeBusClaims *claims);
void deye_bus_claims_clear (DeyeBusClaims *claims);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeyeBusClaims, deye_bus_claims_clear)

/* Keeps @outcome, which is taken, until the submitter has it. @is_sent: it was sent for the request of @run. */
void deye_bus_collector_keep (DeyeBusCollector *self, const DeyeBusRun *run, DeyeBusOutcome *outcome, gboolean is_sent);
/* The submitter has got the result that was sent on the route: forgets it. */
void deye_bus_collector_forget_delivered (DeyeBusCollector *self, guint64 origin, guint64 route);
void deye_bus_collector_forget_kept (DeyeBusCollector *self);
gboolean deye_bus_collector_has_unsent (const DeyeBusCollector *self);
/* Forgets results that were kept for too long. Returns the time at which it has to be called again. */
gint64 deye_bus_collector_step_kept (DeyeBusCollector *self, gint64 now_us);
/* In a dispatch: the broker rejects these claims, so their works are cancelled and their results forgotten. */
void deye_bus_collector_fence (DeyeBusCollector *self, TaskClaim *const *fenced, gsize n);
/* The run of the attempt that @execute adopts. NULL: it does not run. Borrowed. */
DeyeBusRun *deye_bus_collector_find_run (DeyeBusCollector *self, const DeyeBusExecute *execute);
/* The kept result of the attempt that @execute adopts; from now on it belongs to @request. NULL: there is none. Borrowed. */
const DeyeBusOutcome *
deye_bus_collector_adopt_kept (DeyeBusCollector *self, const DeyeBusExecute *execute, const DeyeBusMessage *request);

/* --- desired.c --- */

void deye_bus_desired_unref (DeyeBusDesired *desired);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusDesired, deye_bus_desired_unref)
/* Callbacks of the topics; a handler is set when they are called. */
void deye_bus_collector_on_reload (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak);
void deye_bus_collector_on_configuration (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak);
void deye_bus_collector_on_standing (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak);

/* --- health.c --- */

void deye_bus_collector_init_health (DeyeBusCollector *self);
void deye_bus_collector_clear_health (DeyeBusCollector *self);

/* --- timer.c --- */

void deye_bus_collector_start_timer (DeyeBusCollector *self);
void deye_bus_collector_stop_timer (DeyeBusCollector *self);
/* The timer runs at @due_us, or earlier. */
void deye_bus_collector_arm (DeyeBusCollector *self, gint64 due_us);

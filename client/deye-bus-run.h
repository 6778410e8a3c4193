/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-extent-private.h"
#include "deye-bus-message.h"
#include "wire-span.h"

#include <gio/gio.h>

/*
 * A run: the state of one attempt at a task in a collector, from the start of its handler until its outcome.
 *
 * The handler may report from any thread. A report or the outcome is put into the run under its lock, and the collector takes
 * it in the client's context: at once if the calling thread owns the context, otherwise from a source. Of several reports only
 * the newest is kept. The public object DeyeBusWork is a handle of a run: when its last reference is released and the handler
 * has set no outcome, the run gets one.
 *
 * A collector starts a run for each task, and a task is often short. So a run is one block with its texts, it has no weak reference
 * (all runs of a collector share one DeyeBusRunOwner), and its cancellable is made at the first request for it.
 *
 * Invariant: a run gets exactly one outcome, and the collector takes it once. The fields for the context are only used in the
 * context.
 */

typedef struct
{
  guint64 done;
  guint64 total;
  char *text;      /* cut, never NULL */
  GBytes *details; /* nullable */
} DeyeBusReport;

void deye_bus_report_free (DeyeBusReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusReport, deye_bus_report_free)

typedef struct
{
  guint32 kind;             /* OutcomeKind of the protocol */
  GBytes *payload;          /* nullable */
  const char *payload_type; /* never NULL; the texts are behind the struct */
  const char *error_name;   /* cut, never NULL */
  const char *error_text;   /* cut, never NULL */
  gint64 retry_after_us;
  DeyeBusExtent *extent; /* nullable */
} DeyeBusOutcome;

/* @payload_type, @error_name, @error_text: (nullable); copied. @payload: a reference is taken. */
DeyeBusOutcome *deye_bus_outcome_new (guint32 kind,
                                      GBytes *payload,
                                      const char *payload_type,
                                      const char *error_name,
                                      const char *error_text);
void deye_bus_outcome_free (DeyeBusOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusOutcome, deye_bus_outcome_free)

/* A copy of @text as valid UTF-8, cut to at most DEYE_BUS_RUN_TEXT_MAX bytes. @text: (nullable) */
#define DEYE_BUS_RUN_TEXT_MAX    256u
#define DEYE_BUS_RUN_DETAILS_MAX 4096u
char *deye_bus_run_cut_text (const char *text);

#define DEYE_BUS_RUN_TOKEN_MAX 64u

typedef struct DeyeBusRun DeyeBusRun;

/* @run has a report or an outcome that can be taken. Called in the context; @owner is held. */
typedef void (*DeyeBusRunFunc) (gpointer owner, DeyeBusRun *run);

/* The collector of some runs. A run may outlive it, and then has no owner. */
typedef struct
{
  gatomicrefcount refs;
  GMainContext *context;
  gpointer owner; /* a GObject, borrowed; used only in the context; NULL: it is gone */
  DeyeBusRunFunc changed;
} DeyeBusRunOwner;

DeyeBusRunOwner *deye_bus_run_owner_new (GMainContext *context, gpointer owner, DeyeBusRunFunc changed);
void deye_bus_run_owner_unref (DeyeBusRunOwner *owner);

/* The token of a lease. */
typedef struct
{
  guint8 len;
  guint8 bytes[DEYE_BUS_RUN_TOKEN_MAX];
} DeyeBusToken;

/* @span: at most DEYE_BUS_RUN_TOKEN_MAX bytes */
void deye_bus_token_set (DeyeBusToken *token, WireSpan span);
static inline WireSpan
deye_bus_token_span (const DeyeBusToken *token)
{
  return wire_span (token->bytes, token->len);
}

/* The task as the broker has sent it. The fields do not change. */
typedef struct
{
  const char *task_id;
  const char *operation;
  const char *payload_type; /* "": none */
  GBytes *payload;
  GBytes *last_details; /* NULL: there are none */
  guint32 attempt;
  guint32 priority;
  guint32 shard;
  guint32 shards;  /* 0: the question is not divided */
  gint64 due_us;   /* the deadline, monotonic */
  guint64 largest; /* result */
} DeyeBusRunTask;

/* TRUE if the task asks a question to many collectors. No submitter can use an id that begins so. */
static inline gboolean
deye_bus_run_task_is_question (const DeyeBusRunTask *task)
{
  return g_str_has_prefix (task->task_id, "gather.");
}

struct DeyeBusRun
{
  gatomicrefcount refs;
  DeyeBusRunTask task;
  gint cancel_reason; /* atomic; DeyeBusCancelReason; 0: it is not cancelled */

  GMutex lock;               /* protects the fields up to @extent */
  GCancellable *cancellable; /* NULL: the handler has not asked for it; it does not change afterwards */
  gboolean is_ended;
  gboolean is_source_attached; /* a source will call @changed */
  DeyeBusReport *report;       /* the newest, not taken yet */
  DeyeBusOutcome *outcome;     /* not taken yet */
  DeyeBusExtent *extent;       /* of the future result; NULL: the handler has not set it */

  DeyeBusRunOwner *owner;

  /* Used only in the context. */
  DeyeBusMessage *request; /* the newest Execute; its route may have ended */
  DeyeBusToken token;      /* of the newest lease */
  gint64 report_every_us;
  gint64 report_next_us;      /* a report may be sent from then on */
  DeyeBusReport *last_report; /* taken, and sent or to be sent; NULL: there was none */
  gboolean is_report_due;     /* @last_report is to be sent */

  char texts[]; /* of @task */
};

/* The texts of a task. They need no NUL behind them. */
typedef struct
{
  WireSpan task_id;
  WireSpan operation;
  WireSpan payload_type;
} DeyeBusRunTexts;

/* Takes the references in @task, and copies @texts, to which its texts then refer. A reference to @owner is taken. */
DeyeBusRun *deye_bus_run_new (const DeyeBusRunTask *task, const DeyeBusRunTexts *texts, DeyeBusRunOwner *owner);
DeyeBusRun *deye_bus_run_ref (DeyeBusRun *run);
void deye_bus_run_unref (DeyeBusRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusRun, deye_bus_run_unref)

/* Any thread. FALSE: the run is cancelled or has ended. Takes @report. */
gboolean deye_bus_run_put_report (DeyeBusRun *run, DeyeBusReport *report);
/* Any thread. FALSE: the run has already ended. Takes @outcome. */
gboolean deye_bus_run_put_outcome (DeyeBusRun *run, DeyeBusOutcome *outcome);
/* Any thread. Locks the extent of the future result, which may be changed until unlock(). NULL: the run has ended, and nothing is
 * locked. */
DeyeBusExtent *deye_bus_run_lock_extent (DeyeBusRun *run);
void deye_bus_run_unlock_extent (DeyeBusRun *run);
gboolean deye_bus_run_is_ended (DeyeBusRun *run);
gint deye_bus_run_cancel_reason (DeyeBusRun *run);
/* Any thread. Borrowed; it lives as long as the run. */
GCancellable *deye_bus_run_get_cancellable (DeyeBusRun *run);
/* The last reference to the handle was released. */
void deye_bus_run_abandon (DeyeBusRun *run);

/* In the context: takes the report or the outcome that was put. */
DeyeBusReport *deye_bus_run_take_report (DeyeBusRun *run);
DeyeBusOutcome *deye_bus_run_take_outcome (DeyeBusRun *run);
/* Cancels the run, in a dispatch. The first reason counts. */
void deye_bus_run_cancel (DeyeBusRun *run, gint reason);

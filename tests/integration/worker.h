/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "line-worker.h"

/*
 * The parts of test-worker: worker-sub.c receives and counts, worker-publish.c sends, and test-worker.c has the table
 * of commands and describes them. line-worker.h reads the commands.
 *
 * Invariant: a Sub counts each message that it received or missed itself; it does not use the counters of the library.
 */

struct Worker
{
  DeyeBusClient *client;
  GHashTable *subs; /* name -> Sub */
  guint64 published;
  guint64 errors; /* reported by the client's signal */
  int last_error;
};

/* --- worker-sub --- */

GHashTable *worker_subs_new (void);
void worker_do_subscribe (Worker *worker, char **words);
void worker_do_serve (Worker *worker, char **words);
void worker_do_take (Worker *worker, char **words);
void worker_do_answer (Worker *worker, char **words);
void worker_do_adjust (Worker *worker, char **words);
void worker_do_pause (Worker *worker, char **words);
void worker_do_resume (Worker *worker, char **words);
void worker_do_await (Worker *worker, char **words);
void worker_do_report (Worker *worker, char **words);
void worker_do_detail (Worker *worker, char **words);
void worker_do_unsubscribe (Worker *worker, char **words);

/* --- worker-publish --- */

void worker_do_publish (Worker *worker, char **words);
void worker_do_offer (Worker *worker, char **words);
void worker_do_start (Worker *worker, char **words);
void worker_do_acked (Worker *worker, char **words);
void worker_do_retain (Worker *worker, char **words);
void worker_do_leave (Worker *worker, char **words);
void worker_do_request (Worker *worker, char **words);

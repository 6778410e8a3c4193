/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "line-worker.h"

/*
 * The test's collector, in rooms: worker-sub counts what comes, worker-publish sends, test-worker has the table of its
 * commands; line-worker reads them. Commands and answers are listed in test-worker.c.
 *
 * Invariant: what a Sub says it received and missed is counted here, message for message, not taken from the library.
 */

struct Worker
{
  DeyeBusClient *client;
  GHashTable *subs; /* name -> Sub */
  guint64 published;
  guint64 errors; /* told by the client's signal */
  int last_error;
};

/* --- worker-sub --- */

GHashTable *worker_subs_new (void);
void worker_do_subscribe (Worker *worker, char **words);
void worker_do_serve (Worker *worker, char **words);
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
void worker_do_request (Worker *worker, char **words);

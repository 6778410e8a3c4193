/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "manifest-check.h"
#include "task-fixture.h"

/*
 * Questions to many, beside task-fixture: the messages that an asker sends and receives. Each manifest is checked with
 * manifest_problem().
 */

#define SECOND G_TIME_SPAN_SECOND

typedef Daemoneye__Eventbus__V1__Extent Extent;
typedef Daemoneye__Eventbus__V1__GatherRequest GatherRequest;
typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember ManifestMember;

/* The answers to one question. */
typedef struct
{
  GString *answers; /* "one=payload two=payload", in order of arrival */
  Manifest *manifest;
  guint32 status; /* of FINAL */
  gboolean is_one_each;
} Account;

/* The same as tasks_setup(), after the end of the recovery window. */
void gathers_setup (Core *core, gconstpointer limits_or_null);

/* A question to all collectors with the operation "scan", with the requirement ALL. */
void gather_fill (GatherRequest *request);
/* Sends the question; returns the id of the request. @deadline_us: of the request; 0: none */
guint64 gather_send (Client *asker, const GatherRequest *request, gint64 deadline_us);
/* The question of gather_fill(). */
guint64 gather_all (Client *asker);
/* Cancels the request. */
void gather_cancel (Client *asker, guint64 id);

/* The answers to the question so far; the manifest is NULL while the question is open. */
Account *gather_take (Client *asker, guint64 id);
void account_free (Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Account, account_free)

/* The member of the manifest with that id. */
const ManifestMember *account_member (const Account *account, const char *id);

/* Starts the next task of the worker, with any id. Returns the job. */
Job *gather_run (Client *worker);
/* The same, but frees the job. */
void gather_begin (Client *worker);
/* The worker takes its task of the question and answers it. */
void gather_answer (Client *worker, const char *payload);
void gather_finish (Client *worker, const Job *job, guint kind, const char *payload, const Extent *extent);

/* Calls Barrier of control.bus.collectors for these ids, and cancels the call. */
void gather_expect (Client *asker, const char *const *ids);

/* Asserts that the question has ended, with this manifest. */
#define gather_assert(asker, id, expected_answers, expected_text)                                                      \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autoptr (Account) assert_account = gather_take (asker, id);                                                    \
      g_autofree char *assert_text                                                                                     \
          = assert_account->manifest != NULL ? manifest_text (assert_account->manifest) : g_strdup ("open");           \
      g_assert_cmpstr (assert_text, ==, expected_text);                                                                \
      g_assert_cmpstr (assert_account->answers->str, ==, expected_answers);                                            \
    }                                                                                                                  \
  while (0)

#define gather_assert_open(asker, id) gather_assert (asker, id, "", "open")

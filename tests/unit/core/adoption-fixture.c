/* SPDX-License-Identifier: Apache-2.0 */
#include "adoption-fixture.h"

#include "work/bus-token.h"

guint
adoption_resubmit (Client *agent, const char *id, const char *holder, guint attempt)
{
  SubmitVerdict *verdict;
  TaskSpec spec;
  guint state;

  tasks_spec (&spec, id);
  spec.resubmit = TRUE;
  spec.last_holder = (char *) (gsize) holder;
  spec.last_attempt = attempt;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, &verdict), ==, WIRE_STATUS_OK);
  state = verdict->state;
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  return state;
}

Job *
adoption_run_and_restart (Core *core)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  Job *job;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  tasks_restart (core);
  return job;
}

Job *
adoption_expect (Client *worker, const Job *before, gboolean is_finished)
{
  Job *job = worker_expect (worker, "t");

  g_assert_true (job->execute->adopt);
  g_assert_cmpint (job->execute->finished, ==, is_finished);
  g_assert_cmpuint (job->execute->attempt, ==, before->execute->attempt);
  g_assert_cmpuint (job->execute->payload.len, ==, 0);
  g_assert_cmpstr (job->execute->operation, ==, "scan");
  g_assert_cmpmem (job->execute->claimed.data, job->execute->claimed.len, before->execute->token.data, BUS_TOKEN_LEN);
  g_assert_cmpint (memcmp (job->execute->token.data, before->execute->token.data, BUS_TOKEN_LEN), !=, 0);
  return job;
}

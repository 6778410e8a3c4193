/* SPDX-License-Identifier: Apache-2.0 */
#include "role.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A question to many collectors through relays without topics: the baseline of a gather. There are two relays, one for questions
 * and one for answers, so that only the asker gets the answers.
 */

#define QUESTION_SIZE 128

static struct
{
  void *questions, *answers;
  uint64_t answered;
  uint64_t bytes;
  void *payload;
} gathering;

static void
split_addresses (const char *addresses, char questions[256], char answers[256])
{
  if (sscanf (addresses, "%255s %255s", questions, answers) != 2)
    role_die ("addresses");
}

static void
on_answer (void *user, const void *data, size_t len)
{
  (void) user, (void) data;
  gathering.answered++;
  gathering.bytes += len;
}

static void
ask_once (void)
{
  char question[QUESTION_SIZE] = { 0 };

  gathering.answered = 0;
  if (driver.publish (gathering.questions, "ask", question, sizeof question) < 0
      || driver.flush (gathering.questions) < 0)
    role_die ("ask");
  while (gathering.answered < (uint64_t) role.clients)
    if (driver.poll (gathering.answers, 1) < 0)
      role_die ("answers");
}

/* Asks `count` times, after some questions that are not measured; `clients` answer. */
void
role_ask (const char *addresses)
{
  char questions[256], answers[256];
  uint32_t *latency_ns = calloc ((size_t) role.count, sizeof *latency_ns);
  const long warm = 1 + role.count / 10;

  split_addresses (addresses, questions, answers);
  gathering.questions = role_open (questions, 1, 0, NULL);
  gathering.answers = role_open (answers, 0, 1, on_answer);
  if (driver.subscribe (gathering.answers, "answer", NULL) < 0 || driver.sync (gathering.answers) < 0)
    role_die ("subscribe");
  role_print ("READY");
  role_wait_line ();
  for (long i = -warm; i < role.count; i++)
    {
      const uint64_t since_ns = role_now_ns ();

      ask_once ();
      if (i >= 0)
        latency_ns[i] = (uint32_t) (role_now_ns () - since_ns);
    }
  printf ("{\"count\":%ld,\"bytes\":%" PRIu64, role.count, gathering.bytes / (uint64_t) (role.count + warm));
  role_print_latency ("", latency_ns, (size_t) role.count);
  role_print ("}");
  free (latency_ns);
  driver.close (gathering.questions);
  driver.close (gathering.answers);
}

static void
on_question (void *user, const void *data, size_t len)
{
  (void) user, (void) data, (void) len;
  if (driver.publish (gathering.answers, "answer", gathering.payload, (size_t) role.size) < 0
      || driver.flush (gathering.answers) < 0)
    role_die ("answer");
}

void
role_answer (const char *addresses)
{
  char questions[256], answers[256];

  split_addresses (addresses, questions, answers);
  gathering.payload = role_payload ();
  gathering.questions = role_open (questions, 0, 1, on_question);
  gathering.answers = role_open (answers, 1, 0, NULL);
  if (driver.subscribe (gathering.questions, "ask", NULL) < 0 || driver.sync (gathering.questions) < 0)
    role_die ("subscribe");
  role_print ("READY");
  while (!role_has_line (0))
    driver.poll (gathering.questions, 1);
  driver.close (gathering.questions);
  driver.close (gathering.answers);
  free (gathering.payload);
}

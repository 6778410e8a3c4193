/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "control.pb-c.h"
#include "coordination.pb-c.h"
#include "ctl-tree.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `drain`: a collector gets no more tasks, or a member of a queue group gets no more messages. The verb `resume`: the
 * member gets messages again.
 *
 * With a group, `drain` waits until the member has handled its messages, at most for the time of --timeout; after a timeout the
 * member is still draining. Without a group it does not wait, because the tasks of a collector may take long. A collector that
 * drains can't be resumed.
 */

typedef Daemoneye__Eventbus__V1__CollectorDrainReply CollectorReply;
typedef Daemoneye__Eventbus__V1__CollectorDrainRequest CollectorRequest;
typedef Daemoneye__Eventbus__V1__DrainReply DrainReply;
typedef Daemoneye__Eventbus__V1__DrainRequest DrainRequest;

/* --- collectors --- */

static gboolean
drain_fail_collector (GError *local, const char *id, GError **error)
{
  if (!g_error_matches (local, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT))
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  g_error_free (local);
  return ctl_fail (
      error, CTL_EXIT_NOTHING,
      _ ("%s is not registered for tasks: `deyebusctl collectors` lists those that are; a member of a queue "
         "group is drained by `deyebusctl drain PEER GROUP`"),
      id);
}

static gboolean
drain_collector (Ctl *ctl, char *id, GError **error)
{
  CollectorRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;
  g_autoptr (WireGuard) guard = NULL;
  const CollectorReply *reply;
  GError *local = NULL;

  request.id = id;
  request.grace_us = (guint64) (ctl->options.grace_s * G_TIME_SPAN_SECOND);
  request.expect_exit = ctl->options.expect_exit;
  guard = ctl_ask (ctl, "control.bus.collectors", NULL, "Drain", &request.base,
                   &daemoneye__eventbus__v1__collector_drain_reply__descriptor, &local);
  if (guard == NULL)
    return drain_fail_collector (local, id, error);
  reply = wire_guard_message (guard);
  if (ctl->output.json)
    ctl_message_print (ctl, &reply->base);
  else
    ctl_output_line (&ctl->output, _ ("%s drains: tasks in progress %u, offers given to others %u"), id, reply->running,
                     reply->returned);
  return TRUE;
}

/* --- members of groups --- */

static WireGuard *
drain_ask (Ctl *ctl, char **args, gboolean resume, GError **error)
{
  DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;

  request.peer = args[0];
  request.group = args[1];
  request.resume = resume;
  return ctl_ask (ctl, "control.bus.drain", NULL, NULL, &request.base,
                  &daemoneye__eventbus__v1__drain_reply__descriptor, error);
}

static gboolean
drain_member (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = NULL;
  const DrainReply *reply;

  if (ctl->options.grace_s > 0 || ctl->options.expect_exit)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--grace and --expect-exit are for collectors: give no GROUP"));
  guard = drain_ask (ctl, args, FALSE, error);
  if (guard == NULL)
    return FALSE;
  reply = wire_guard_message (guard);
  if (ctl->output.json)
    ctl_message_print (ctl, &reply->base);
  else
    ctl_output_line (&ctl->output,
                     _ ("%s has drained in the group %s: subscriptions %u, messages that other members got %" PRIu64),
                     args[0], args[1], reply->subscriptions, reply->handed_on);
  return TRUE;
}

gboolean
ctl_verb_drain (Ctl *ctl, char **args, GError **error)
{
  return args[1] != NULL ? drain_member (ctl, args, error) : drain_collector (ctl, args[0], error);
}

gboolean
ctl_verb_resume (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = drain_ask (ctl, args, TRUE, error);

  if (guard == NULL)
    return FALSE;
  if (ctl->output.json)
    ctl_message_print (ctl, wire_guard_message (guard));
  else
    ctl_output_line (&ctl->output, _ ("%s takes part in the group %s again"), args[0], args[1]);
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "control.pb-c.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verbs `drain` and `resume`: a member of a queue group gets nothing more, or takes part again.
 *
 * `drain` waits until the member has handled what it had, at most for the time that --timeout allows. The member stays
 * drained when the tool does not wait any longer.
 */

typedef Daemoneye__Eventbus__V1__DrainReply DrainReply;
typedef Daemoneye__Eventbus__V1__DrainRequest DrainRequest;

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

gboolean
ctl_verb_drain (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = drain_ask (ctl, args, FALSE, error);
  const DrainReply *reply;

  if (guard == NULL)
    return FALSE;
  reply = wire_guard_message (guard);
  g_print (_ ("%s has drained in the group %s: subscriptions %u, messages that other members got %" PRIu64 "\n"),
           args[0], args[1], reply->subscriptions, reply->handed_on);
  return TRUE;
}

gboolean
ctl_verb_resume (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = drain_ask (ctl, args, TRUE, error);

  if (guard == NULL)
    return FALSE;
  g_print (_ ("%s takes part in the group %s again\n"), args[0], args[1]);
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl.h"

/* The functions of the verbs, for the table in ctl-verb-table.c. @args is NULL-terminated; the number of arguments was already
 * checked. */

typedef gboolean (*CtlVerbFunc) (Ctl *ctl, char **args, GError **error);

/* ctl-main.c */
gboolean ctl_verb_version (Ctl *ctl, char **args, GError **error);

/* ctl-help.c */
gboolean ctl_verb_help (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-bus.c */
gboolean ctl_verb_status (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_stats (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-slow.c */
gboolean ctl_verb_slow (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-tree.c */
gboolean ctl_verb_peers (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_topics (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_subs (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_groups (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-retained.c */
gboolean ctl_verb_retained (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_clear (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-peer.c */
gboolean ctl_verb_peer (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-introspect.c */
gboolean ctl_verb_introspect (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-drain.c */
gboolean ctl_verb_drain (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_resume (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-timeline.c */
gboolean ctl_verb_timeline (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-wait.c */
gboolean ctl_verb_wait (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-watch.c */
gboolean ctl_verb_watch (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-call.c */
gboolean ctl_verb_call (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_request (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-publish.c */
gboolean ctl_verb_publish (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_direct (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_broadcast (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-subscribe.c */
gboolean ctl_verb_subscribe (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-ask.c */
gboolean ctl_verb_ask (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-health.c */
gboolean ctl_verb_health (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-collectors.c */
gboolean ctl_verb_collectors (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-operations.c */
gboolean ctl_verb_operations (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_pause (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_resume_operation (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_limit (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-tasks.c */
gboolean ctl_verb_tasks (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-task.c */
gboolean ctl_verb_task_show (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_task_history (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_task_result (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-task-act.c */
gboolean ctl_verb_task_cancel (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_task_release (Ctl *ctl, char **args, GError **error);
gboolean ctl_verb_task_drop (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-task-why.c */
gboolean ctl_verb_task_why (Ctl *ctl, char **args, GError **error);

/* ctl-verbs-submit.c */
gboolean ctl_verb_task_submit (Ctl *ctl, char **args, GError **error);

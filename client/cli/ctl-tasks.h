/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "ctl.h"
#include "health.pb-c.h"

/*
 * Records of tasks, of their operations, of the collectors that take them, and of the health of peers, as the broker answers. A list comes in pages, which are
 * all read.
 *
 * Entries of a list come and go while its pages are read: an entry that is there for the whole time is in the list once.
 */

typedef Daemoneye__Eventbus__V1__TaskRecord CtlTask;
typedef Daemoneye__Eventbus__V1__TaskListRequest CtlTasksRequest;
typedef Daemoneye__Eventbus__V1__CollectorRecord CtlCollector;
typedef Daemoneye__Eventbus__V1__CollectorsRequest CtlCollectorsRequest;
typedef Daemoneye__Eventbus__V1__OperationRecord CtlOperation;
typedef Daemoneye__Eventbus__V1__HealthRecord CtlHealth;
typedef Daemoneye__Eventbus__V1__HealthListRequest CtlHealthRequest;

typedef struct
{
  GPtrArray *entries; /* CtlTask, CtlCollector, CtlOperation or CtlHealth; they belong to the pages */
  GPtrArray *pages;
} CtlList;

/* @request: what is wanted; its cursor is set here. NULL: see @error. */
CtlList *ctl_tasks_list (Ctl *ctl, CtlTasksRequest *request, GError **error);
CtlList *ctl_collectors_list (Ctl *ctl, CtlCollectorsRequest *request, GError **error);
CtlList *ctl_operations_list (Ctl *ctl, GError **error);
CtlList *ctl_health_list (Ctl *ctl, CtlHealthRequest *request, GError **error);
void ctl_list_free (CtlList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlList, ctl_list_free)

/* Prints each entry as a JSON object. */
void ctl_list_print (Ctl *ctl, const CtlList *list);

/* Asks about a task of the account that --account names. @method: "Get" or "Result". The reply has a task. NULL: see
 * @error. */
WireGuard *ctl_task_ask (Ctl *ctl, const char *method, const char *id, GError **error);
const CtlTask *ctl_task_of (const WireGuard *guard);

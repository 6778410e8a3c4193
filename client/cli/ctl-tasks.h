/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "ctl.h"
#include "health.pb-c.h"

/*
 * Lists of tasks, operations, collectors and the health of peers, as the broker reports them. The broker returns a list in pages,
 * and this module reads all pages.
 *
 * Entries may be added or removed while the pages are read. An entry that exists for the whole time is in the list exactly once.
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

/* @request: the filter; this function sets its cursor. NULL: see @error. */
CtlList *ctl_tasks_list (Ctl *ctl, CtlTasksRequest *request, GError **error);
CtlList *ctl_collectors_list (Ctl *ctl, CtlCollectorsRequest *request, GError **error);
CtlList *ctl_operations_list (Ctl *ctl, GError **error);
CtlList *ctl_health_list (Ctl *ctl, CtlHealthRequest *request, GError **error);
void ctl_list_free (CtlList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlList, ctl_list_free)

/* Prints each entry as a JSON object. */
void ctl_list_print (Ctl *ctl, const CtlList *list);

/* Requests a task of the account that --account names. @method: "Get" or "Result". The reply contains the task. NULL: see
 * @error. */
WireGuard *ctl_task_ask (Ctl *ctl, const char *method, const char *id, GError **error);
const CtlTask *ctl_task_of (const WireGuard *guard);

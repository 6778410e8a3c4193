/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-tree.h"

/*
 * What peers say of themselves, asked for once: services, methods, events, types. So payloads can be read and written by
 * names alone.
 *
 * Invariant: a peer is asked at most once in a run; who can't be asked is taken as one who says nothing.
 */

#define CTL_BUS_ID "bus"

typedef Daemoneye__Eventbus__V1__IntrospectReply CtlServices;
typedef Daemoneye__Eventbus__V1__ServiceInfo CtlService;
typedef Daemoneye__Eventbus__V1__MethodInfo CtlMethod;
typedef Daemoneye__Eventbus__V1__EventInfo CtlEvent;
typedef Daemoneye__Eventbus__V1__PropertyInfo CtlProperty;

void ctl_description_free (gpointer description);

/* Asks all of them that were not asked yet, at once: the look-ups below need not wait any more. */
void ctl_catalog_ask_all (Ctl *ctl, const CtlTree *peers);

/* @peer: an id, or "bus". @error: (nullable): without it, who hangs is waited for less long. Lives as long as @ctl. */
const CtlServices *ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error);

/* @name: "Method" or "service.Method"; NULL: there is none. */
const CtlMethod *ctl_catalog_find_method (const CtlServices *services, const char *name);

/* Who serves @topic, and how it is described (NULL: not at all). FALSE: nobody serves it, or an error. */
gboolean ctl_catalog_find_server (Ctl *ctl, const char *topic, char **peer, const CtlMethod **method, GError **error);

/* How any connected peer describes what is published to @topic; NULL: nobody does. */
const CtlEvent *ctl_catalog_find_event (Ctl *ctl, const char *topic);

/* The type of that name; who sent it is asked when it is new. NULL: unknown. @sender: (nullable). */
const ProtobufCMessageDescriptor *ctl_catalog_type (Ctl *ctl, const char *type_name, const char *sender);

/* A received payload as JSON, when its type is known; else NULL. */
JsonNode *ctl_catalog_decode (Ctl *ctl, DeyeBusMessage *message);

gboolean ctl_pattern_matches (const char *pattern, const char *topic);

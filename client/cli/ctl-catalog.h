/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-described.h"

/*
 * Finds methods, events and types by name, in the descriptions that peers give of themselves. So the tool can read and write a
 * payload without having its schema.
 *
 * A received payload is decoded with the types of its sender. A payload to be sent is encoded with the types of the
 * peer that describes the method or topic. When peers describe a topic in different ways, none of them is used.
 */

typedef Daemoneye__Eventbus__V1__ServiceInfo CtlService;
typedef Daemoneye__Eventbus__V1__MethodInfo CtlMethod;
typedef Daemoneye__Eventbus__V1__EventInfo CtlEvent;
typedef Daemoneye__Eventbus__V1__PropertyInfo CtlProperty;

/* Returns the description of a peer. @peer: an id, or "bus". (transfer none); valid as long as @ctl. */
const CtlServices *ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error);
/* Does the same as ctl_catalog_peer(), but waits only a short time. NULL: no answer. */
const CtlServices *ctl_catalog_try (Ctl *ctl, const char *peer);

/* @name: "Method", "service.Method", or "TOPIC.Method" with a topic or its last segment: "control.bus.task.List", "task.List".
 * NULL: there is no such method, or (@is_ambiguous) there are several, on different topics. */
const CtlMethod *ctl_catalog_find_method (const CtlServices *services, const char *name, gboolean *is_ambiguous);
/* Returns the shortest name that finds the method. (transfer full) */
char *ctl_catalog_method_name (const CtlServices *services, const CtlMethod *method);
/* TRUE: a request has to name the method, because several methods have its topic. */
gboolean ctl_catalog_is_by_name (const CtlServices *services, const CtlMethod *method);

/* Finds the peer that serves @topic, and its description of the method (NULL: none). FALSE: no peer serves it, or an
 * error. */
gboolean ctl_catalog_find_server (Ctl *ctl, const char *topic, char **peer, const CtlMethod **method, GError **error);

/* Returns the type that is published to @topic, as the connected peers describe it. NULL without @error: no peer describes the
 * topic. */
const ProtobufCMessageDescriptor *ctl_catalog_find_event_type (Ctl *ctl, const char *topic, GError **error);

/* Returns the type with that name as @peer defines it. Without @peer every connected peer is asked, and all definitions must be
 * equal. NULL: see @error. */
const ProtobufCMessageDescriptor *ctl_catalog_type (Ctl *ctl, const char *type_name, const char *peer, GError **error);

/* Converts a received payload to JSON. NULL: its type is not known yet. */
JsonNode *ctl_catalog_decode (Ctl *ctl, DeyeBusMessage *message);
/* TRUE: the sender must be asked for its types before @message can be decoded. */
gboolean ctl_catalog_is_foreign (Ctl *ctl, DeyeBusMessage *message);

gboolean ctl_pattern_matches (const char *pattern, const char *topic);

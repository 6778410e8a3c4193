/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-described.h"

/*
 * Looking things up in what peers say of themselves: methods, events, types. So payloads can be read and written by names
 * alone.
 *
 * A payload is read by the words of who sent it, and written by the words of who describes it; when several describe a
 * topic differently, nobody is believed.
 */

typedef Daemoneye__Eventbus__V1__ServiceInfo CtlService;
typedef Daemoneye__Eventbus__V1__MethodInfo CtlMethod;
typedef Daemoneye__Eventbus__V1__EventInfo CtlEvent;
typedef Daemoneye__Eventbus__V1__PropertyInfo CtlProperty;

/* @peer: an id, or "bus". Lives as long as @ctl. */
const CtlServices *ctl_catalog_peer (Ctl *ctl, const char *peer, GError **error);
/* NULL: it does not answer soon. */
const CtlServices *ctl_catalog_try (Ctl *ctl, const char *peer);

/* @name: "Method" or "service.Method"; NULL: there is none. */
const CtlMethod *ctl_catalog_find_method (const CtlServices *services, const char *name);

/* Who serves @topic, and how it is described (NULL: not at all). FALSE: nobody serves it, or an error. */
gboolean ctl_catalog_find_server (Ctl *ctl, const char *topic, char **peer, const CtlMethod **method, GError **error);

/* What is published to @topic, by the words of connected peers. NULL without @error: nobody says. */
const ProtobufCMessageDescriptor *ctl_catalog_find_event_type (Ctl *ctl, const char *topic, GError **error);

/* The type of that name as @peer means it; without @peer, as all do who have one. NULL: @error says why. */
const ProtobufCMessageDescriptor *ctl_catalog_type (Ctl *ctl, const char *type_name, const char *peer, GError **error);

/* A received payload as JSON, when its type is known by now; else NULL. */
JsonNode *ctl_catalog_decode (Ctl *ctl, DeyeBusMessage *message);
/* Whether its sender has to be asked before it can be decoded. */
gboolean ctl_catalog_is_foreign (Ctl *ctl, DeyeBusMessage *message);

gboolean ctl_pattern_matches (const char *pattern, const char *topic);

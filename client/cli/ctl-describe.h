/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-catalog.h"

/* The forms in which services are shown: a tree for people, D-Bus introspection XML, JSON. Asks nobody. */

/* @title: of the peer, harmless. @services: (nullable): it does not answer. */
void ctl_describe_tree (Ctl *ctl, const char *title, const CtlServices *services, gboolean with_docs);

/* The introspection data format of the D-Bus specification: a payload is an argument of type `ay`, its protobuf type an
 * annotation. @topic: (nullable): only what has to do with it. */
void ctl_describe_xml (Ctl *ctl, const CtlServices *services);

/* Without the descriptors. */
JsonNode *ctl_describe_json (const CtlServices *services);

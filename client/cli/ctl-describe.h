/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl-catalog.h"

/* Prints the services of a peer: as a tree for people, as D-Bus introspection XML, or as JSON. It uses
 * descriptions that were fetched before, and sends no requests. */

/* @title: the line above the tree, without control characters. @services: (nullable); NULL: the peer does not answer. */
void ctl_describe_tree (Ctl *ctl, const char *title, const CtlServices *services, gboolean with_docs);

/* Prints the introspection format of the D-Bus specification: a payload is an argument of type `ay`, and its protobuf type is
 * an annotation. */
void ctl_describe_xml (Ctl *ctl, const CtlServices *services);

/* Returns the description without the descriptors of the types. */
JsonNode *ctl_describe_json (const CtlServices *services);

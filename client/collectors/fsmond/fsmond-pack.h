/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fs-hash.h"
#include "fs-process.h"
#include "fs-watch.h"

/* Packs the plain structs of fsmond into the protobuf messages of proto/filesystem.proto. Paths become text (fs-path). */

#define FSMOND_TYPE(name) "daemoneye.eventbus.v1." name

GBytes *fsmond_pack_event (const FsEvent *event, gint64 observed_time_us);
GBytes *fsmond_pack_hash (const FsHashJob *job, const FsHashed *hashed);

/* @roots: (element-type FsRoot): the configured directories. */
GBytes *fsmond_pack_coverage (const FsCoverage *coverage, GPtrArray *roots);

/* @room: bytes for the paths; paths that do not fit are left out and counted. @n_packed: (out): number of packed paths. */
GBytes *fsmond_pack_process (guint32 pid, const FsProcess *process, gsize room, guint *n_packed);

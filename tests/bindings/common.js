// SPDX-License-Identifier: Apache-2.0
// Helpers that several scripts use. Not a script of its own.
imports.gi.versions.DeyeBus = '1.0';
const {GLib} = imports.gi;

const WATCHDOG_S = 60;

// Throws if a condition does not hold.
function check(holds, what) {
    if (!holds)
        throw new Error(what);
}

// Iterates the default context until a condition holds.
function until(condition, what) {
    let late = false;
    const watchdog = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, WATCHDOG_S, () => {
        late = true;
        return GLib.SOURCE_CONTINUE;
    });
    while (!condition()) {
        check(!late, `still waiting for ${what}`);
        GLib.MainContext.default().iteration(true);
    }
    GLib.source_remove(watchdog);
}
